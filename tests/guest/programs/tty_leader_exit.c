/* A session leader ends: the foreground group is hung up, the terminal is free for another session. */
#include "pty.h"

static int report[2];

static void leader(void) {
    MUST(ioctl(slave, TIOCSCTTY, 0));
    for (int i = 0; i < 2; i++) {
        pid_t child = (pid_t)MUST(fork());
        if (!child) {
            if (i) setpgid(0, 0); /* The second is in the background. */
            sigset_t set;
            int number;
            sigemptyset(&set);
            sigaddset(&set, SIGHUP);
            sigprocmask(SIG_BLOCK, &set, NULL);
            MUST(write(report[1], "r", 1));
            struct timespec limit = {0, 150000000};
            number = sigtimedwait(&set, NULL, &limit);
            int tty = open("/dev/tty", O_RDWR);
            char text[100];
            int length = sprintf(text, "%s: signal %d, /dev/tty %s\n", i ? "background" : "foreground", number,
                                 tty < 0 ? error_name(errno) : "opens");
            poll(NULL, 0, i * 50);
            MUST(write(report[1], text, (size_t)length));
            _exit(0);
        }
        char c;
        MUST(read(report[0], &c, 1));
    }
}

static void next_leader(void) {
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    CHECK(tcgetpgrp(slave) == getpid());
}

int main(void) {
    char text[300];
    open_pair();
    MUST(pipe(report));
    in_session("leader", leader);
    close(report[1]);
    long length = 0;
    ssize_t n;
    while ((n = read(report[0], text + length, sizeof text - (size_t)length)) > 0) length += n;
    printf("%.*s", (int)length, text);
    SHOW(tcgetpgrp(master));
    in_session("next", next_leader);
    DONE();
}
