/* A pseudo-terminal to play with: what programs called tty_ use. Output is shown once nothing more comes. */
#ifndef PTY_H
#define PTY_H
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#define QUIET_MS 60 /* Nobody says more after that long. */

static int master __attribute__((unused)) = -1, slave __attribute__((unused)) = -1;

__attribute__((unused)) static void open_master(void) {
    master = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(grantpt(master));
    MUST(unlockpt(master));
}

__attribute__((unused)) static void open_pair(void) {
    open_master();
    slave = (int)MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
}

__attribute__((unused)) static void print_bytes(const char *what, const char *data, long length) {
    printf("%s %ld \"", what, length);
    for (long i = 0; i < length; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '\\' || c == '"') printf("\\%c", c);
        else if (c >= 32 && c < 127) putchar(c);
        else printf("\\%03o", c);
    }
    printf("\"\n");
}

/* Whether something holds within QUIET_MS. */
__attribute__((unused)) static int ready(int fd, short events) {
    struct pollfd p = {fd, events, 0};
    return poll(&p, 1, QUIET_MS) == 1 ? p.revents : 0;
}

/* Everything that comes from a descriptor until it is quiet. */
__attribute__((unused)) static void shown(const char *what, int fd) {
    static char data[1 << 16];
    long length = 0;
    while (length < (long)sizeof data && ready(fd, POLLIN) & POLLIN) {
        ssize_t n = read(fd, data + length, sizeof data - (size_t)length);
        if (n <= 0) break;
        length += n;
    }
    print_bytes(what, data, length);
}

__attribute__((unused)) static void type(const char *text) {
    if (write(master, text, strlen(text)) != (ssize_t)strlen(text)) printf("FAILED to type\n");
}

/* What one read gives, which waits until something can be read, but not for ever. */
__attribute__((unused)) static void reads(int fd, size_t length) {
    static char data[1 << 16];
    if (!ready(fd, POLLIN)) {
        printf("nothing to read\n");
        return;
    }
    ssize_t n = read(fd, data, length);
    if (n < 0) printf("read: %s\n", error_name(errno));
    else print_bytes("read", data, n);
}

__attribute__((unused)) static void set_flags(int fd, tcflag_t on, tcflag_t off) { /* of c_lflag */
    struct termios t;
    MUST(tcgetattr(fd, &t));
    t.c_lflag = (t.c_lflag | on) & ~off;
    MUST(tcsetattr(fd, TCSANOW, &t));
}

/* Runs a function in a session of its own and waits for its end; tells how it ended. */
__attribute__((unused)) static void in_session(const char *name, void (*function)(void)) {
    int status;
    fflush(stdout);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        alarm(20); /* A signal that comes too early must not keep it for ever. */
        setsid();
        function();
        fflush(stdout);
        _exit(check_failures ? 1 : 0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFSIGNALED(status)) printf("%s: signal %d\n", name, WTERMSIG(status));
    else printf("%s: exit %d\n", name, WEXITSTATUS(status));
    if (!WIFEXITED(status) || WEXITSTATUS(status)) check_failures++;
}
#endif
