/* Packet mode: a master is told of flushes and of Ctrl-S in a byte before the data. */
#include "pty.h"

int main(void) {
    int on = 1, off = 0, value = -1;
    struct termios t;
    open_pair();
    SHOW(ioctl(master, TIOCPKT, &on));
    SHOW(ioctl(master, _IOR('T', 0x38, int), &value));
    printf("packet %d\n", value);
    SHOW(ioctl(slave, TIOCPKT, &on));
    SHOW(ioctl(master, TIOCPKT, 8));
    MUST(write(slave, "data", 4));
    reads(master, 100);
    MUST(write(slave, "0123", 4));
    reads(master, 3);
    reads(master, 100);
    type("\023");
    reads(master, 100);
    type("\021");
    reads(master, 100);
    MUST(tcflush(slave, TCIFLUSH));
    CHECK(ready(master, POLLIN | POLLPRI) == (POLLIN | POLLPRI));
    reads(master, 100);
    MUST(tcflush(slave, TCOFLUSH));
    reads(master, 100);
    MUST(tcgetattr(slave, &t));
    t.c_iflag &= ~(tcflag_t)IXON;
    MUST(tcsetattr(slave, TCSANOW, &t));
    reads(master, 100);
    t.c_iflag |= IXON;
    MUST(tcsetattr(slave, TCSANOW, &t));
    reads(master, 100);
    CHECK(ready(master, POLLIN | POLLPRI) == 0);
    SHOW(ioctl(master, TIOCPKT, &off));
    MUST(write(slave, "plain", 5));
    reads(master, 100);
    DONE();
}
