/* pidfds: opened, made by clone and clone3, waited for by poll, epoll and waitid, signalled, their errors. */
#include "check.h"
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static int send_signal(int fd, int number, siginfo_t *info, unsigned flags) {
    return (int)syscall(SYS_pidfd_send_signal, fd, number, info, flags);
}

static pid_t sleeper(void) {
    fflush(stdout);
    pid_t child = (pid_t)MUST(fork());
    if (!child)
        for (;;) pause();
    return child;
}

static int readable(int fd, int wait_ms) {
    struct pollfd one = {fd, POLLIN, 0};
    return poll(&one, 1, wait_ms) == 1 ? one.revents : 0;
}

int main(void) {
    siginfo_t info;
    char byte;
    pid_t child = sleeper();
    int fd = (int)MUST(pidfd_open(child, 0)), set = (int)MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7}, got;
    SHOW(fcntl(fd, F_GETFD));
    SHOW(readable(fd, 0));
    SHOW(read(fd, &byte, 1));
    SHOW(write(fd, &byte, 1));
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_wait(set, &got, 1, 0));
    SHOW(send_signal(fd, 0, NULL, 0));
    SHOW(send_signal(fd, 99, NULL, 0));
    SHOW(send_signal(fd, SIGTERM, NULL, 0xff00));
    SHOW(send_signal(0, SIGTERM, NULL, 0));
    SHOW(send_signal(fd, SIGTERM, (void *)8, 0));
    memset(&info, 0, sizeof info);
    info.si_signo = SIGUSR1, info.si_code = SI_USER;
    SHOW(send_signal(fd, SIGTERM, &info, 0));
    SHOW(send_signal(fd, SIGUSR1, &info, 0));
    SHOW(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG));
    SHOW(info.si_pid);
    SHOW(send_signal(fd, SIGTERM, NULL, 0));
    SHOW(readable(fd, 1000));
    SHOW(epoll_wait(set, &got, 1, 1000));
    SHOW(got.data.u32);
    SHOW(send_signal(fd, SIGTERM, NULL, 0));
    SHOW(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED));
    CHECK(info.si_pid == child && info.si_code == CLD_KILLED && info.si_status == SIGTERM);
    SHOW(send_signal(fd, SIGTERM, NULL, 0));
    SHOW(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED));
    SHOW(waitid((idtype_t)P_PIDFD, 0, &info, WEXITED));
    SHOW(waitid((idtype_t)P_PIDFD, 99, &info, WEXITED));
    SHOW(waitid((idtype_t)P_PIDFD, (id_t)-1, &info, WEXITED));

    SHOW(pidfd_open(0, 0));
    SHOW(pidfd_open(-1, 0));
    SHOW(pidfd_open(getpid(), 0x40000000));
    SHOW(pidfd_open(4000000, 0));
    int own = (int)MUST(pidfd_open(getpid(), 0));
    SHOW(waitid((idtype_t)P_PIDFD, (id_t)own, &info, WEXITED));

    int impatient = -1;
    child = sleeper();
    impatient = (int)MUST(pidfd_open(child, O_NONBLOCK));
    CHECK(fcntl(impatient, F_GETFL) & O_NONBLOCK);
    SHOW(waitid((idtype_t)P_PIDFD, (id_t)impatient, &info, WEXITED));
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", child);
    int directory = (int)MUST(open(path, O_RDONLY | O_DIRECTORY));
    SHOW(send_signal(directory, SIGKILL, NULL, 0));
    SHOW(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED));
    CHECK(waitpid(child, NULL, 0) == child);
    SHOW(send_signal(directory, SIGKILL, NULL, 0));

    int made = -1;
    struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&made, .exit_signal = SIGCHLD};
    fflush(stdout);
    child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (!child) _exit(fcntl(made, F_GETFD) == -1 ? 5 : 6);
    SHOW(fcntl(made, F_GETFD));
    SHOW(waitid((idtype_t)P_PIDFD, (id_t)made, &info, WEXITED));
    CHECK(info.si_pid == child && info.si_status == 5);
    fflush(stdout);
    child = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &made, 0, 0);
    if (!child) _exit(9);
    SHOW(waitid((idtype_t)P_PIDFD, (id_t)made, &info, WEXITED));
    SHOW(info.si_status);
    args.pidfd = 8;
    SHOW(syscall(SYS_clone3, &args, sizeof args));
    SHOW(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &made, 0, 0));
    SHOW(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &made, 0, 0));
    SHOW(wait(NULL));
    DONE();
}
