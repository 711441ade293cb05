/* Ctrl-S and Ctrl-Q, IXANY, tcflow and tcflush. */
#include "pty.h"

int main(void) {
    struct termios t;
    open_pair();
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    type("\023");
    CHECK(ready(slave, POLLOUT) == 0);
    SHOW(write(slave, "held", 4));
    type("typed\n");
    shown("stopped", master);
    type("\021");
    shown("started", master);
    CHECK(ready(slave, POLLOUT) == POLLOUT);
    SHOW(write(slave, "goes", 4));
    shown("free", master);
    type("\023");
    ready(slave, POLLOUT);
    type("x");
    shown("any without IXANY", master);
    MUST(tcgetattr(slave, &t));
    t.c_iflag |= IXANY;
    MUST(tcsetattr(slave, TCSANOW, &t));
    type("y");
    shown("any with IXANY", master);
    type("\023");
    shown("again", master);
    t.c_iflag &= ~(tcflag_t)(IXON | IXANY);
    MUST(tcsetattr(slave, TCSANOW, &t));
    SHOW(write(slave, "no IXON", 7));
    shown("no IXON", master);
    type("\023\021\n");
    shown("shown", master);
    tcflush(slave, TCIFLUSH);
    SHOW(tcflow(slave, TCOOFF));
    SHOW(write(slave, "held", 4));
    type("\021");
    ready(slave, POLLIN); /* What was typed arrives. */
    SHOW(write(slave, "still held", 10));
    SHOW(tcflow(slave, TCOON));
    SHOW(write(slave, "let go", 6));
    shown("TCOON", master);
    SHOW(tcflow(slave, TCIOFF));
    SHOW(tcflow(slave, TCION));
    shown("xchars", master);
    SHOW(tcflow(slave, 9));
    type("\nlost\n");
    ready(slave, POLLIN);
    SHOW(tcflush(slave, TCIFLUSH));
    reads(slave, 100);
    SHOW(tcflush(slave, TCOFLUSH));
    SHOW(tcflush(slave, TCIOFLUSH));
    SHOW(tcflush(slave, 9));
    SHOW(write(slave, "unread", 6));
    ready(master, POLLIN);
    SHOW(tcflush(master, TCIFLUSH));
    shown("flushed by the master", master);
    DONE();
}
