/* A timer has one signal in the queue: periods that pass meanwhile are counted; two timers with one signal have two. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include "check.h"

static void sleep_ms(long ms) {
    struct timespec time = {0, ms * 1000000};
    while (nanosleep(&time, &time)) continue;
}

int main(void) {
    timer_t first, second;
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct timespec none = {0, 0};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 1};
    struct itimerspec often = {{0, 40000000}, {0, 40000000}}, once = {{0, 0}, {0, 40000000}}, off = {{0, 0}, {0, 0}}, now;
    MUST(timer_create(CLOCK_MONOTONIC, &event, &first));
    MUST(timer_settime(first, 0, &often, NULL));
    sleep_ms(220);
    SHOW(sigtimedwait(&set, &info, &none) == SIGUSR1);
    int told = info.si_overrun;
    CHECK(told >= 4 && told < 1000);
    CHECK(timer_getoverrun(first) == told);
    SHOW(sigtimedwait(&set, &info, &none)); /* It was one signal. */
    SHOW(sigwaitinfo(&set, &info) == SIGUSR1);
    CHECK(info.si_overrun == timer_getoverrun(first));
    sleep_ms(100);
    MUST(timer_gettime(first, &now)); /* Asked while its signal waits, it says when the next would be. */
    CHECK(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 40000000);
    MUST(timer_settime(first, 0, &off, NULL));
    SHOW(sigtimedwait(&set, &info, &none) == -1);
    SHOW(timer_getoverrun(first));

    event.sigev_value.sival_int = 2;
    MUST(timer_create(CLOCK_REALTIME, &event, &second));
    MUST(timer_settime(first, 0, &once, NULL));
    once.it_value.tv_nsec = 60000000;
    MUST(timer_settime(second, 0, &once, NULL));
    sleep_ms(200);
    raise(SIGUSR1); /* Forgotten: one is pending. */
    for (int i = 0; i < 2; i++) {
        SHOW(sigtimedwait(&set, &info, &none) == SIGUSR1);
        SHOW(info.si_value.sival_int);
        SHOW(info.si_overrun);
    }
    SHOW(sigtimedwait(&set, &info, &none));

    raise(SIGUSR1);
    MUST(timer_settime(first, 0, &once, NULL));
    sleep_ms(200);
    SHOW(sigtimedwait(&set, &info, &none) == SIGUSR1 && info.si_code == SI_TKILL);
    SHOW(sigtimedwait(&set, &info, &none) == SIGUSR1 && info.si_code == SI_TIMER);

    int fd = (int)MUST(signalfd(-1, &set, SFD_NONBLOCK));
    struct signalfd_siginfo record;
    MUST(timer_settime(second, 0, &once, NULL));
    sleep_ms(200);
    SHOW(read(fd, &record, sizeof record));
    CHECK(record.ssi_signo == SIGUSR1 && record.ssi_code == SI_TIMER && record.ssi_int == 2 && record.ssi_overrun == 0);
    MUST(timer_settime(second, 0, &once, NULL));
    sleep_ms(200);
    signal(SIGUSR1, SIG_IGN); /* What waits is gone, and comes back. */
    SHOW(sigtimedwait(&set, &info, &none));
    MUST(timer_delete(first));
    MUST(timer_delete(second));
    struct rlimit limit = {0, 0};
    MUST(setrlimit(RLIMIT_SIGPENDING, &limit));
    SHOW(timer_create(CLOCK_MONOTONIC, NULL, &first));

    union sigval value = {.sival_int = 7}; /* No room is left: who sent a signal may be lost. */
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, SIG_DFL);
    SHOW(sigqueue(getpid(), SIGRTMIN, value));
    SHOW(raise(SIGRTMIN));
    SHOW(kill(getpid(), SIGRTMIN));
    SHOW(kill(getpid(), SIGRTMIN));
    SHOW(sigqueue(getpid(), SIGUSR2, value));
    SHOW(kill(getpid(), SIGUSR1));
    for (int i = 0; i < 4; i++) {
        SHOW(sigtimedwait(&set, &info, &none));
        printf("code %d from me %d\n", info.si_code, info.si_pid == getpid());
    }
    DONE();
}
