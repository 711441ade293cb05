/* Controlling terminals: how a session gets one, what it can ask of it, and how it gets rid of it. */
#include "pty.h"
#include <sys/sysmacros.h>

static int numbers(int *tty, int *group) { /* fields 7 and 8 of /proc/self/stat */
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %d %d", tty, group);
}

static void leader(void) {
    int tty, group, value;
    struct stat s;
    SHOW(open("/dev/tty", O_RDWR));
    open_pair();
    numbers(&tty, &group);
    printf("without: %d %d\n", tty, group);
    SHOW(tcgetpgrp(slave));
    SHOW(tcgetsid(slave));
    SHOW(ioctl(slave, TIOCNOTTY));
    SHOW(tcgetpgrp(master));
    SHOW(ioctl(master, TIOCGSID, &value));
    close(slave);
    slave = (int)MUST(open(ptsname(master), O_RDWR));
    CHECK(tcgetpgrp(slave) == getpgrp());
    CHECK(tcgetsid(slave) == getsid(0));
    CHECK(tcgetpgrp(master) == getpgrp());
    CHECK(ioctl(master, TIOCGSID, &value) == 0 && value == getsid(0));
    MUST(fstat(slave, &s));
    numbers(&tty, &group);
    CHECK(tty == (int)s.st_rdev && group == getpgrp());
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    int fd = (int)MUST(open("/dev/tty", O_RDWR));
    MUST(fstat(fd, &s));
    CHECK(s.st_rdev == makedev(5, 0));
    MUST(write(fd, "by its other name", 17));
    shown("master", master);
    CHECK(tcgetpgrp(fd) == getpgrp());
    CHECK(!strcmp(ctermid(NULL), "/dev/tty"));
    int second = (int)MUST(posix_openpt(O_RDWR));
    MUST(unlockpt(second));
    int other = (int)MUST(open(ptsname(second), O_RDWR));
    SHOW(tcgetpgrp(other));
    SHOW(ioctl(other, TIOCSCTTY, 0));
    int status;
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        CHECK(open("/dev/tty", O_RDWR) >= 0);
        CHECK(ioctl(slave, TIOCSCTTY, 0) == -1 && errno == EPERM);
        CHECK(ioctl(other, TIOCSCTTY, 0) == -1 && errno == EPERM);
        CHECK(ioctl(slave, TIOCNOTTY) == 0);
        CHECK(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
        setsid();
        CHECK(ioctl(slave, TIOCSCTTY, 0) == -1 && errno == EPERM);
        CHECK(ioctl(other, TIOCSCTTY, 0) == 0);
        CHECK(tcgetpgrp(other) == getpid());
        _exit(check_failures);
    }
    MUST(waitpid(child, &status, 0));
    printf("child %d\n", status);
    signal(SIGHUP, SIG_IGN);
    SHOW(ioctl(slave, TIOCNOTTY));
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(tcgetpgrp(slave));
    int writer = (int)MUST(open(ptsname(master), O_WRONLY));
    close(writer);
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    CHECK(tcgetpgrp(slave) == getpgrp());
}

int main(void) {
    in_session("leader", leader);
    DONE();
}
