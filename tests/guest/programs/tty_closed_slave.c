/* The last slave is closed: the master reads what is left, and then EIO, until it is opened again. */
#include "pty.h"

static void events(const char *when) {
    struct pollfd p = {master, POLLIN | POLLOUT, 0};
    poll(&p, 1, 0);
    printf("%s: events %x\n", when, p.revents);
}

int main(void) {
    char data[100];
    open_master();
    fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
    SHOW(read(master, data, 10));
    type("early\n");
    shown("echo without a slave", master);
    slave = (int)MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    reads(slave, 100);
    int second = (int)MUST(dup(slave)), third = (int)MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    set_flags(slave, 0, ECHO);
    MUST(write(slave, "last words", 10));
    ready(master, POLLIN);
    close(slave);
    close(second);
    events("one is open");
    close(third);
    events("none is open");
    SHOW(read(master, data, 4));
    SHOW(read(master, data, 100));
    SHOW(read(master, data, 100));
    events("all is read");
    SHOW(write(master, "typed to nobody\n", 16));
    slave = (int)MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    events("open again");
    reads(slave, 100);
    SHOW(read(master, data, 100));
    struct termios t;
    MUST(tcgetattr(slave, &t));
    CHECK(!(t.c_lflag & ECHO));
    fcntl(master, F_SETFL, O_RDWR);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        poll(NULL, 0, 20);
        _exit(0);
    }
    close(slave);
    errno = 0;
    ssize_t n = read(master, data, 10);
    printf("a read that waited: %ld %s\n", (long)n, error_name(errno));
    MUST(waitpid(child, NULL, 0));
    DONE();
}
