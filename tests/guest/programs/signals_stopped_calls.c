/* Calls over which a process is stopped and continued, twice: without a handler they go on, those with a relative timeout
 * by restart_syscall, which has nothing to do when called otherwise. Others are EINTR. */
#include "check.h"
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static int word;

static void handler(int number) { (void)number; }

static long call(int which) {
    struct timespec time = {0, 60000000}, until;
    struct timeval short_time = {0, 60000};
    struct epoll_event event;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 60000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    switch (which) {
    case 0: return syscall(SYS_nanosleep, &time, NULL);
    case 1: return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, &time);
    case 2: return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    case 3: return syscall(SYS_poll, NULL, 0, 60);
    case 4: return syscall(SYS_ppoll, NULL, 0, &time, NULL, 8);
    case 5: return syscall(SYS_select, 0, NULL, NULL, NULL, &short_time);
    case 6: return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0);
    case 7: return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &until, NULL, 1);
    case 8: return epoll_wait(epoll_create1(0), &event, 1, 60);
    case 9: return syscall(SYS_rt_sigtimedwait, &set, NULL, &time, 8);
    case 10: return syscall(SYS_poll, NULL, 0, -1);
    default: return syscall(SYS_pause);
    }
}

int main(void) {
    for (int which = 0; which < 12; which++) {
        struct timespec before, after;
        pid_t child = fork();
        if (child == 0) {
            signal(SIGUSR1, handler);
            clock_gettime(CLOCK_MONOTONIC, &before);
            errno = 0;
            long result = call(which);
            int error = errno;
            clock_gettime(CLOCK_MONOTONIC, &after);
            long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
            printf("%d: %ld %s, %s\n", which, result, error_name(error), ms >= 60 || which > 7 ? "in time" : "too early");
            return 0;
        }
        int status;
        for (int i = 0; i < 2; i++) {
            usleep(10000);
            kill(child, SIGSTOP);
            waitpid(child, &status, WUNTRACED);
            if (!WIFSTOPPED(status)) break;
            kill(child, SIGCONT);
        }
        usleep(10000);
        if (which > 9) kill(child, SIGUSR1);
        if (!WIFEXITED(status)) waitpid(child, &status, 0);
    }
    SHOW(syscall(SYS_restart_syscall));
    DONE();
}
