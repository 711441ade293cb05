/* The master is closed: the session is told, reads give the end, everything else EIO. */
#include "pty.h"

static volatile int hung_up, continued;
static void note(int number) {
    if (number == SIGHUP) hung_up++;
    else continued++;
}

static void session(void) {
    char data[10];
    struct winsize size;
    int ends[2], status;
    open_pair();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    int tty = (int)MUST(open("/dev/tty", O_RDWR));
    MUST(pipe(ends));
    struct sigaction act = {.sa_handler = note};
    sigaction(SIGHUP, &act, NULL);
    sigaction(SIGCONT, &act, NULL);
    pid_t child = (pid_t)MUST(fork());
    if (!child) { /* Not the leader: not told. It is reading at that moment. */
        close(master);
        MUST(write(ends[1], "r", 1));
        errno = 0;
        ssize_t n = read(slave, data, 10);
        printf("a read that waited: %ld %s\n", (long)n, error_name(n < 0 ? errno : 0));
        n = read(slave, data, 10);
        printf("and the next: %ld\n", (long)n);
        printf("child: SIGHUP %d\n", hung_up);
        fflush(stdout);
        _exit(0);
    }
    MUST(read(ends[0], data, 1));
    poll(NULL, 0, 50);

    MUST(close(master));
    MUST(waitpid(child, &status, 0));
    printf("leader: SIGHUP %d SIGCONT %d\n", hung_up, continued);
    SHOW(read(slave, data, 10));
    SHOW(write(slave, "x", 1));
    SHOW(write(slave, "", 0));
    SHOW(ioctl(slave, TIOCGWINSZ, &size));
    SHOW(tcgetpgrp(slave));
    SHOW(tcsetpgrp(slave, getpgrp()));
    struct pollfd p = {slave, POLLIN | POLLOUT | POLLPRI, 0};
    SHOW(poll(&p, 1, 0));
    printf("events %x\n", p.revents);
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(read(tty, data, 10));
    CHECK(isatty(slave) == 0 && errno == EIO);
}

static void untouched(void) { /* Without a handler the leader is ended by it. */
    open_pair();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    MUST(close(master));
    for (;;) pause();
}

int main(void) {
    int status;
    in_session("session", session);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        setsid();
        untouched();
    }
    MUST(waitpid(child, &status, 0));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
    DONE();
}
