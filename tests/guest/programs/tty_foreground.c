/* The background: who is stopped by reading, writing and changing modes, and who gets an error. */
#include "pty.h"

static void in_background(const char *name, int ignored, int blocked, int (*what)(void)) {
    int status;
    fflush(stdout);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        sigset_t set;
        setpgid(0, 0);
        if (ignored) signal(ignored, SIG_IGN);
        sigemptyset(&set);
        if (blocked) sigaddset(&set, blocked);
        sigprocmask(SIG_BLOCK, &set, NULL);
        errno = 0;
        int value = what();
        printf("%s gave %d %s\n", name, value, error_name(value < 0 ? errno : 0));
        fflush(stdout);
        _exit(0);
    }
    setpgid(child, child);
    for (;;) {
        MUST(waitpid(child, &status, WUNTRACED));
        if (!WIFSTOPPED(status)) break;
        printf("%s: stopped by %d\n", name, WSTOPSIG(status));
        fflush(stdout);
        MUST(tcsetpgrp(slave, child));
        kill(child, SIGCONT);
    }
    printf("%s: status %x\n", name, status);
    signal(SIGTTOU, SIG_IGN);
    MUST(tcsetpgrp(slave, getpgrp()));
    signal(SIGTTOU, SIG_DFL);
}

static int read_one(void) {
    char c;
    return (int)read(slave, &c, 1);
}
static int write_one(void) { return (int)write(slave, "w", 1); }
static int set_modes(void) {
    struct termios t;
    tcgetattr(slave, &t);
    return tcsetattr(slave, TCSANOW, &t);
}
static int drain(void) { return tcflush(slave, TCIOFLUSH); }
static int take(void) { return tcsetpgrp(slave, getpgrp()); }

static void session(void) {
    open_pair();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    type("abcdef\n");
    in_background("read", 0, 0, read_one);
    in_background("read, SIGTTIN ignored", SIGTTIN, 0, read_one);
    in_background("read, SIGTTIN blocked", 0, SIGTTIN, read_one);
    in_background("write", 0, 0, write_one);
    set_flags(slave, TOSTOP, 0);
    in_background("write, TOSTOP", 0, 0, write_one);
    in_background("write, TOSTOP, SIGTTOU ignored", SIGTTOU, 0, write_one);
    in_background("write, TOSTOP, SIGTTOU blocked", 0, SIGTTOU, write_one);
    set_flags(slave, 0, TOSTOP);
    in_background("tcsetattr", 0, 0, set_modes);
    in_background("tcsetattr, SIGTTOU ignored", SIGTTOU, 0, set_modes);
    in_background("tcflush", 0, 0, drain);
    in_background("tcsetpgrp", 0, 0, take);
    SHOW(tcsetpgrp(slave, -1));
    SHOW(tcsetpgrp(slave, 999999999));
    SHOW(tcsetpgrp(slave, getppid()));
    SHOW(ioctl(slave, TIOCSPGRP, 8));
    SHOW(tcsetpgrp(master, getpgrp()));
}

/* Nobody could continue an orphaned group, so it gets EIO instead of being stopped. */
static void orphans(void) {
    int ends[2], status;
    open_pair();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    MUST(pipe(ends));
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        pid_t orphan = fork();
        if (orphan) _exit(0);
        setpgid(0, 0);
        char c;
        MUST(read(ends[0], &c, 1));
        SHOW(read_one());
        SHOW(set_modes());
        fflush(stdout);
        _exit(0);
    }
    MUST(waitpid(child, &status, 0));
    MUST(write(ends[1], "g", 1));
    shown("nothing", master);
}

int main(void) {
    in_session("session", session);
    in_session("orphans", orphans);
    DONE();
}
