/* eventfd, timerfd, signalfd: counts, semaphores, O_NONBLOCK, bad arguments, poll with timers. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/ioctl.h>

static int events(int fd, short asked, int timeout_ms) {
    struct pollfd one = {fd, asked, 0};
    MUST(poll(&one, 1, timeout_ms));
    return one.revents;
}

int main(void) {
    uint64_t value = 7, pair[2];
    SHOW(eventfd(3, 0x100));
    int fd = (int)MUST(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
    printf("%x %x\n", events(fd, POLLIN | POLLOUT, 0), fcntl(fd, F_GETFL));
    SHOW(write(fd, &value, 8));
    SHOW(read(fd, pair, 7));
    SHOW(read(fd, pair, 16));
    printf("%ld\n", (long)pair[0]);
    SHOW(read(fd, pair, 8));
    value = UINT64_MAX;
    SHOW(write(fd, &value, 8));
    value--;
    SHOW(write(fd, &value, 8));
    printf("%x\n", events(fd, POLLIN | POLLOUT, 0));
    value = 1;
    SHOW(write(fd, &value, 8));
    SHOW(write(fd, &value, 4));
    SHOW(lseek(fd, 0, SEEK_SET));
    MUST(close(fd));
    fd = (int)MUST(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
    for (int i = 0; i < 3; i++) {
        SHOW(read(fd, &value, 8));
        printf("%ld\n", (long)value);
    }
    MUST(close(fd));
    /* Timers. */
    SHOW(timerfd_create(77, 0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
    int timer = (int)MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    SHOW(read(timer, &value, 8));
    struct itimerspec when = {{0, 0}, {0, 20000000}}, left;
    SHOW(timerfd_settime(timer, 0, &when, NULL));
    SHOW(timerfd_settime(1, 0, &when, NULL));
    printf("%x\n", events(timer, POLLIN, 0));
    printf("%x\n", events(timer, POLLIN, 1));
    printf("%x\n", events(timer, POLLIN, 5000));
    SHOW(read(timer, &value, 4));
    SHOW(read(timer, &value, 8));
    CHECK(value == 1);
    SHOW(timerfd_gettime(timer, &left));
    printf("%ld %ld\n", (long)left.it_value.tv_sec, left.it_value.tv_nsec);
    when.it_interval.tv_nsec = 5000000;
    SHOW(fcntl(timer, F_SETFL, 0));
    SHOW(timerfd_settime(timer, 0, &when, NULL));
    SHOW(read(timer, &value, 8));
    SHOW(read(timer, &value, 8));
    SHOW(timerfd_gettime(timer, &left));
    printf("%ld\n", left.it_interval.tv_nsec);
    clock_gettime(CLOCK_REALTIME, &when.it_value);
    when.it_interval.tv_nsec = 0;
    when.it_value.tv_sec--;
    int real = (int)MUST(timerfd_create(CLOCK_REALTIME, 0));
    SHOW(timerfd_settime(real, TFD_TIMER_ABSTIME, &when, NULL));
    SHOW(read(real, &value, 8));
    printf("%ld\n", (long)value);
    when.it_value.tv_sec -= 2; /* It went off three times more until now. */
    when.it_interval.tv_sec = 1;
    SHOW(timerfd_settime(real, TFD_TIMER_ABSTIME, &when, NULL));
    SHOW(read(real, &value, 8));
    CHECK(value >= 4);
    /* Signals. */
    sigset_t set;
    struct signalfd_siginfo info[3];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = (int)MUST(signalfd(-1, &set, SFD_NONBLOCK));
    SHOW(read(signals, info, sizeof info));
    MUST(kill(getpid(), SIGUSR1));
    MUST(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 42}));
    printf("%x\n", events(signals, POLLIN, 0));
    SHOW(read(signals, info, 100));
    SHOW(read(signals, info, sizeof info));
    CHECK(info[0].ssi_signo == SIGUSR1 && info[0].ssi_pid == (unsigned)getpid() && info[0].ssi_code == SI_USER);
    CHECK(info[1].ssi_signo == (unsigned)SIGRTMIN && info[1].ssi_int == 42 && info[1].ssi_code == SI_QUEUE);
    SHOW(read(signals, info, sizeof info));
    sigdelset(&set, SIGUSR1);
    SHOW(signalfd(signals, &set, 0) == signals);
    MUST(kill(getpid(), SIGUSR1));
    printf("%x\n", events(signals, POLLIN, 0));
    DONE();
}
