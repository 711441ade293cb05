/* run: alarm
 * run: itimer
 * run: virtual
 * run: pause
 * run: suspend
 * run: timedwait
 * run: queue
 * run: sleep
 * run: ignored
 * run: alarm_kills
 * Timers, and waiting for signals. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t seen;
static void on_signal(int number) {
    (void)number;
    seen++;
}
static void install(int number, int flags) {
    struct sigaction action = {.sa_flags = flags};
    action.sa_handler = on_signal;
    MUST(sigaction(number, &action, NULL));
}
static void on_info(int number, siginfo_t *info, void *context) {
    (void)context;
    printf("signal %d code %d value %d\n", number, info->si_code, info->si_value.sival_int);
}
static double since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "alarm";
    struct timespec start, left;
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (!strcmp(how, "alarm")) {
        install(SIGALRM, 0);
        SHOW(alarm(100));
        SHOW(alarm(1));
        SHOW(pause());
        CHECK(seen == 1 && since(&start) > 0.99 && since(&start) < 2);
        SHOW(alarm(0));
    } else if (!strcmp(how, "itimer")) {
        install(SIGALRM, SA_RESTART);
        struct itimerval timer = {{0, 20000}, {0, 50000}}, old;
        SHOW(setitimer(ITIMER_REAL, &timer, NULL));
        while (seen < 5)
            ;
        SHOW(getitimer(ITIMER_REAL, &old));
        CHECK(old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 20000 && old.it_interval.tv_usec == 20000);
        CHECK(since(&start) > 0.129);
        memset(&timer, 0, sizeof timer);
        SHOW(setitimer(ITIMER_REAL, &timer, &old));
        timer.it_value.tv_usec = 1000000;
        SHOW(setitimer(ITIMER_REAL, &timer, NULL));
        for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) { /* A period of a timer that is off. */
            struct itimerval period = {{7, 0}, {0, 0}};
            SHOW(setitimer(which, &period, NULL));
            SHOW(getitimer(which, &old));
            SHOW(old.it_interval.tv_sec);
            SHOW(setitimer(which, &(struct itimerval){{0, 0}, {0, 0}}, NULL));
        }
        SHOW(setitimer(3, NULL, NULL));
        SHOW(getitimer(3, &old));
        SHOW(syscall(SYS_setitimer, 0, 8, NULL));
    } else if (!strcmp(how, "virtual")) {
        install(SIGVTALRM, 0), install(SIGPROF, 0);
        struct itimerval timer = {{0, 0}, {0, 10000}};
        SHOW(setitimer(ITIMER_VIRTUAL, &timer, NULL));
        while (seen < 1)
            ;
        SHOW(setitimer(ITIMER_PROF, &timer, NULL));
        while (seen < 2)
            ;
        puts("both came");
    } else if (!strcmp(how, "pause")) {
        install(SIGALRM, SA_RESTART);
        alarm(1);
        SHOW(pause());
        install(SIGALRM, 0);
        alarm(1);
        SHOW(poll(NULL, 0, -1));
    } else if (!strcmp(how, "suspend")) {
        install(SIGUSR1, 0), install(SIGALRM, 0);
        sigset_t set, old, none, now;
        sigemptyset(&none), sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGALRM);
        MUST(sigprocmask(SIG_BLOCK, &set, &old));
        raise(SIGUSR1);
        SHOW(sigsuspend(&none));
        CHECK(seen == 1);
        alarm(1);
        sigaddset(&none, SIGUSR1);
        raise(SIGUSR1);
        SHOW(sigsuspend(&none));
        sigprocmask(SIG_BLOCK, NULL, &now);
        CHECK(seen == 2 && sigismember(&now, SIGUSR1) && sigismember(&now, SIGALRM));
        SHOW(syscall(SYS_rt_sigsuspend, &none, 16));
        SHOW(syscall(SYS_rt_sigsuspend, 8, 8));
    } else if (!strcmp(how, "timedwait")) {
        sigset_t set;
        siginfo_t info;
        sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGALRM);
        sigaddset(&set, SIGCHLD);
        MUST(sigprocmask(SIG_BLOCK, &set, NULL));
        struct timespec none = {0, 0}, some = {0, 30000000}, bad = {0, 1000000000};
        SHOW(sigtimedwait(&set, &info, &none));
        SHOW(sigtimedwait(&set, &info, &some));
        CHECK(since(&start) >= 0.03);
        SHOW(sigtimedwait(&set, &info, &bad));
        raise(SIGUSR1), raise(SIGCHLD);
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1});
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 2});
        for (int i = 0; i < 4; i++) {
            SHOW(sigtimedwait(&set, &info, &none));
            printf("signal %d code %d\n", info.si_signo, info.si_code);
        }
        SHOW(sigtimedwait(&set, &info, &none));
        alarm(1);
        SHOW(sigwaitinfo(&set, &info));
        printf("signal %d code %d\n", info.si_signo, info.si_code);
        sigdelset(&set, SIGALRM);
        MUST(sigprocmask(SIG_SETMASK, &set, NULL));
        install(SIGALRM, SA_RESTART);
        alarm(1);
        SHOW(sigwaitinfo(&set, &info));
        SHOW(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 4));
        SHOW(syscall(SYS_rt_sigtimedwait, 8, &info, NULL, 8));
    } else if (!strcmp(how, "queue")) {
        struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_info};
        MUST(sigaction(SIGRTMIN, &action, NULL)), MUST(sigaction(SIGRTMIN + 1, &action, NULL));
        MUST(sigaction(SIGUSR1, &action, NULL));
        sigset_t all;
        sigfillset(&all);
        MUST(sigprocmask(SIG_BLOCK, &all, NULL));
        for (int i = 0; i < 3; i++) {
            SHOW(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 10 + i}));
            SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 20 + i}));
            SHOW(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 30 + i}));
        }
        sigemptyset(&all);
        MUST(sigprocmask(SIG_SETMASK, &all, NULL));
        siginfo_t forged = {.si_signo = SIGUSR1, .si_code = SI_USER};
        SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &forged));
        SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), 99, &forged));
        SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, 8));
        SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &forged));
        SHOW(sigqueue(getpid(), 0, (union sigval){.sival_int = 1}));
    } else if (!strcmp(how, "sleep")) {
        install(SIGALRM, SA_RESTART);
        struct timespec want = {3, 0};
        alarm(1);
        SHOW(nanosleep(&want, &left));
        CHECK(left.tv_sec + left.tv_nsec / 1e9 > 1.5 && left.tv_sec + left.tv_nsec / 1e9 < 2.5);
        want = (struct timespec){0, 1000};
        SHOW(nanosleep(&want, NULL));
        want.tv_nsec = -1;
        SHOW(nanosleep(&want, NULL));
        clock_gettime(CLOCK_MONOTONIC, &want);
        want.tv_sec += 5;
        alarm(1);
        SHOW(-clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &want, NULL) == -EINTR);
        clock_gettime(CLOCK_REALTIME, &want);
        want.tv_nsec += 20000000;
        if (want.tv_nsec > 999999999) want.tv_sec++, want.tv_nsec -= 1000000000;
        SHOW(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &want, NULL));
        CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &want, NULL) == EINVAL);
        CHECK(clock_nanosleep(77, 0, &want, NULL) == EINVAL);
        CHECK(clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &want, NULL) == EOPNOTSUPP);
    } else if (!strcmp(how, "ignored")) {
        signal(SIGUSR1, SIG_IGN);
        raise(SIGUSR1);
        sigset_t set, pending;
        sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGCHLD);
        MUST(sigprocmask(SIG_BLOCK, &set, NULL));
        raise(SIGUSR1), raise(SIGCHLD);
        MUST(sigpending(&pending));
        printf("pending %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGCHLD));
        signal(SIGUSR1, SIG_IGN), signal(SIGCHLD, SIG_DFL);
        MUST(sigpending(&pending));
        printf("pending %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGCHLD));
        signal(SIGUSR1, on_signal);
        MUST(sigprocmask(SIG_UNBLOCK, &set, NULL));
        printf("seen %d\n", seen);
        signal(SIGSEGV, SIG_IGN);
        *(volatile char *)8 = 1;
    } else if (!strcmp(how, "alarm_kills")) {
        alarm(1);
        for (;;) pause();
    }
    DONE();
}
