/* Owners of files and the signals that they get (F_SETOWN, F_SETSIG, O_ASYNC): on pipes, sockets, terminals. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *error(long result) { return result < 0 ? strerrorname_np(errno) : "ok"; }

static void taken(const char *what)
{
    sigset_t set;
    siginfo_t info;
    struct timespec none = {0, 0};
    int number, some = 0;
    sigfillset(&set);
    while ((number = sigtimedwait(&set, &info, &none)) > 0) {
        some = 1;
        if (info.si_code == SI_KERNEL)
            printf("%s: %d from the kernel\n", what, number - (number > SIGRTMIN - 1 ? SIGRTMIN - 100 : 0));
        else
            printf("%s: %d code %d band %lx descriptor %d\n", what, number - (number > SIGRTMIN - 1 ? SIGRTMIN - 100 : 0),
                   info.si_code, info.si_band, info.si_fd);
    }
    if (!some)
        printf("%s: nothing\n", what);
}

static void owners(void)
{
    int pipes[2], file = open("owner.tmp", O_RDWR | O_CREAT, 0600), on = 1;
    struct f_owner_ex owner = {F_OWNER_PID, 0};
    pipe(pipes);
    printf("nobody %d\n", fcntl(pipes[0], F_GETOWN));
    printf("itself %s\n", error(fcntl(pipes[0], F_SETOWN, getpid())));
    printf("itself %d\n", fcntl(pipes[0], F_GETOWN) == getpid());
    printf("group %s\n", error(fcntl(pipes[0], F_SETOWN, -getpgrp())));
    printf("group %d\n", fcntl(pipes[0], F_GETOWN) == -getpgrp());
    fcntl(pipes[0], F_GETOWN_EX, &owner);
    printf("ex %d %d\n", owner.type, owner.pid == getpgrp());
    printf("none such %s\n", error(fcntl(pipes[0], F_SETOWN, 3999999)));
    printf("INT_MIN %s\n", error(fcntl(pipes[0], F_SETOWN, INT_MIN)));
    owner = (struct f_owner_ex){7, getpid()};
    printf("bad kind %s\n", error(fcntl(pipes[0], F_SETOWN_EX, &owner)));
    owner = (struct f_owner_ex){F_OWNER_TID, 3999999};
    printf("no such thread %s\n", error(fcntl(pipes[0], F_SETOWN_EX, &owner)));
    owner = (struct f_owner_ex){F_OWNER_TID, gettid()};
    printf("thread %s\n", error(fcntl(pipes[0], F_SETOWN_EX, &owner)));
    memset(&owner, 0, sizeof owner);
    fcntl(pipes[0], F_GETOWN_EX, &owner);
    printf("ex %d %d\n", owner.type, owner.pid == gettid());
    printf("wrong pointer %s %s\n", error(fcntl(pipes[0], F_SETOWN_EX, (void *)8)), error(fcntl(pipes[0], F_GETOWN_EX, (void *)8)));
    printf("back to nobody %s", error(fcntl(pipes[0], F_SETOWN, 0)));
    printf(" %d\n", fcntl(pipes[0], F_GETOWN));
    printf("a signal %s", error(fcntl(pipes[0], F_SETSIG, SIGUSR2)));
    printf(" %d\n", fcntl(pipes[0], F_GETSIG));
    printf("no signal %s\n", error(fcntl(pipes[0], F_SETSIG, 65)));
    printf("of the other end %d\n", fcntl(pipes[1], F_GETSIG));
    printf("regular %s", error(fcntl(file, F_SETFL, O_ASYNC)));
    printf(" %s", fcntl(file, F_GETFL) & O_ASYNC ? "on" : "off");
    printf(" %s", error(ioctl(file, FIOASYNC, &on)));
    on = 0;
    printf(" %s\n", error(ioctl(file, FIOASYNC, &on)));
    on = 1;
    int event = eventfd(0, 0);
    printf("eventfd %s\n", error(ioctl(event, FIOASYNC, &on)));
    pid_t child = fork();
    if (!child)
        pause();
    printf("a child %s\n", error(fcntl(pipes[1], F_SETOWN, child)));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    printf("that has ended %d\n", fcntl(pipes[1], F_GETOWN));
    close(pipes[0]), close(pipes[1]), close(file), close(event);
    unlink("owner.tmp");
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGCHLD);
    sigtimedwait(&set, NULL, &(struct timespec){0, 0});
}

static void of_pipes(void)
{
    int pipes[2], on = 1;
    char bytes[8];
    pipe(pipes);
    fcntl(pipes[0], F_SETFL, O_ASYNC);
    write(pipes[1], "a", 1);
    taken("without an owner");
    fcntl(pipes[0], F_SETOWN, getpid());
    write(pipes[1], "b", 1);
    taken("written");
    fcntl(pipes[0], F_SETSIG, SIGRTMIN + 2);
    write(pipes[1], "c", 1);
    write(pipes[1], "d", 1);
    taken("twice, real time");
    fcntl(pipes[0], F_SETSIG, SIGTRAP);
    write(pipes[1], "c", 1);
    taken("a signal with codes of its own");
    fcntl(pipes[0], F_SETSIG, SIGIO);
    write(pipes[1], "c", 1);
    taken("SIGIO by name");
    ioctl(pipes[1], FIOASYNC, &on);
    fcntl(pipes[1], F_SETOWN, -getpgrp());
    fcntl(pipes[1], F_SETSIG, SIGUSR1);
    read(pipes[0], bytes, 2);
    taken("read");
    fcntl(pipes[0], F_SETFL, 0);
    write(pipes[1], "c", 1);
    taken("off");
    fcntl(pipes[0], F_SETFL, O_ASYNC);
    int other = dup(pipes[0]);
    close(pipes[0]);
    write(pipes[1], "c", 1);
    taken("through a duplicate");
    close(other);
    taken("no reader left");
    close(pipes[1]);
    pipe(pipes);
    fcntl(pipes[0], F_SETFL, O_ASYNC), fcntl(pipes[0], F_SETOWN, getpid());
    close(pipes[1]);
    taken("no writer left");
    close(pipes[0]);
}

static void of_sockets(void)
{
    int pair[2], owner = getpid(), back = 0, on = 1;
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    printf("SIOCSPGRP %s", error(ioctl(pair[0], SIOCSPGRP, &owner)));
    printf(" %s", error(ioctl(pair[0], SIOCGPGRP, &back)));
    printf(" %d\n", back == owner);
    printf("FIOASYNC %s", error(ioctl(pair[0], FIOASYNC, &on)));
    printf(" %d\n", fcntl(pair[0], F_GETFL) & O_ASYNC ? 1 : 0);
    fcntl(pair[0], F_SETSIG, SIGRTMIN);
    write(pair[1], "a", 1);
    taken("sent");
    shutdown(pair[1], SHUT_WR);
    taken("shut down");
    close(pair[1]);
    taken("closed");
    close(pair[0]);
}

static volatile int handled;
static void handler(int number) { handled = number; }

static void interrupts(void)
{
    int pipes[2];
    sigset_t set;
    struct sigaction action = {.sa_handler = handler};
    pipe(pipes);
    sigaction(SIGIO, &action, NULL);
    sigemptyset(&set), sigaddset(&set, SIGIO);
    fcntl(pipes[0], F_SETOWN, getpid()), fcntl(pipes[0], F_SETFL, O_ASYNC);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    pid_t child = fork();
    if (!child) {
        signal(SIGIO, SIG_DFL);
        usleep(10000);
        write(pipes[1], "x", 1);
        _exit(0);
    }
    sigfillset(&set), sigdelset(&set, SIGIO);
    if (!handled)
        sigsuspend(&set);
    printf("handled %d\n", handled == SIGIO);
    waitpid(child, NULL, 0);
}

int main(void)
{
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    setpgid(0, 0);
    setvbuf(stdout, NULL, _IONBF, 0);
    owners();
    of_pipes();
    of_sockets();
    interrupts();
    return 0;
}
