/* Without lines: VMIN and VTIME in all four ways, poll, and O_NONBLOCK. */
#include "pty.h"
#include <time.h>

static void wants(cc_t min, cc_t time) {
    struct termios t;
    MUST(tcgetattr(slave, &t));
    t.c_cc[VMIN] = min;
    t.c_cc[VTIME] = time;
    MUST(tcsetattr(slave, TCSANOW, &t));
}

/* One read, and how many tenths of a second it took. */
static void timed(size_t length) {
    struct timespec a, b;
    char data[300];
    clock_gettime(CLOCK_MONOTONIC, &a);
    ssize_t n = read(slave, data, length);
    clock_gettime(CLOCK_MONOTONIC, &b);
    long tenths = ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000) / 100;
    printf("read %ld after %ld tenths\n", (long)n, tenths);
}

int main(void) {
    char data[8];
    struct termios t;
    open_pair();
    MUST(tcgetattr(slave, &t));
    cfmakeraw(&t);
    MUST(tcsetattr(slave, TCSANOW, &t));
    type("a\r\n\003\004\177");
    reads(slave, 100);
    shown("no echo", master);
    wants(0, 0);
    timed(5);
    type("xy");
    CHECK(ready(slave, POLLIN) == POLLIN);
    timed(5);
    wants(0, 1);
    timed(5);
    type("xy");
    ready(slave, POLLIN);
    timed(5);
    wants(3, 1);
    type("xy");
    CHECK(ready(slave, POLLIN) == POLLIN);
    timed(5);
    type("xyzw");
    ready(slave, POLLIN);
    timed(3);
    timed(1);
    wants(3, 0);
    type("xy");
    CHECK(ready(slave, POLLIN) == 0);
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    SHOW(read(slave, data, 8));
    SHOW(read(slave, data, 8));
    wants(0, 0);
    SHOW(read(slave, data, 8));
    fcntl(slave, F_SETFL, O_RDWR);
    wants(100, 0);
    char many[171];
    memset(many, 'm', 170);
    many[170] = 0;
    type(many);
    ready(slave, POLLIN);
    timed(200);
    wants(1, 0);
    timed(200);
    DONE();
}
