/* Modes: what a terminal begins with, each structure that they come in, and what changing them does. */
#include "pty.h"

struct old { /* struct termio, include/uapi/asm-generic/termios.h */
    unsigned short iflag, oflag, cflag, lflag;
    unsigned char line, cc[8];
};
struct new { /* struct termios2, include/uapi/asm-generic/termbits.h */
    unsigned iflag, oflag, cflag, lflag;
    unsigned char line, cc[19];
    unsigned ispeed, ospeed;
};
#define TCGETS2 _IOR('T', 0x2A, struct new)
#define TCSETS2 _IOW('T', 0x2B, struct new)

static void print(int fd) {
    struct new t;
    MUST(ioctl(fd, TCGETS2, &t));
    printf("%o %o %o %o line %d speeds %u %u:", t.iflag, t.oflag, t.cflag, t.lflag, t.line, t.ispeed, t.ospeed);
    for (int i = 0; i < 17; i++) printf(" %d", t.cc[i]);
    printf("\n");
}

int main(void) {
    struct termios t;
    struct old o;
    struct new n;
    int value = -1;
    open_pair();
    print(slave);
    print(master);
    MUST(ioctl(slave, TCGETA, &o));
    printf("%o %o %o %o\n", o.iflag, o.oflag, o.cflag, o.lflag);
    o.lflag &= (unsigned short)~ECHO;
    o.cc[0] = 7;
    MUST(ioctl(slave, TCSETA, &o));
    print(slave);
    MUST(tcgetattr(slave, &t));
    cfsetspeed(&t, B9600);
    t.c_cflag = (t.c_cflag & ~CSIZE) | CS7 | PARENB | CLOCAL;
    t.c_cflag &= ~CREAD;
    MUST(tcsetattr(slave, TCSADRAIN, &t));
    print(slave);
    MUST(ioctl(slave, TIOCGSOFTCAR, &value));
    printf("softcar %d\n", value);
    MUST(ioctl(slave, TCGETS2, &n));
    n.cflag = (n.cflag & ~CBAUD) | 0x1000;
    n.ispeed = n.ospeed = 12345;
    MUST(ioctl(slave, TCSETS2, &n));
    print(slave);
    MUST(tcgetattr(master, &t));
    t.c_lflag |= ECHO;
    MUST(tcsetattr(master, TCSANOW, &t));
    print(slave);
    type("typed ahead\n");
    ready(slave, POLLIN);
    MUST(tcsetattr(slave, TCSAFLUSH, &t));
    reads(slave, 100);
    type("half");
    ready(slave, POLLIN);
    set_flags(slave, 0, ICANON);
    reads(slave, 2);
    set_flags(slave, ICANON, 0);
    reads(slave, 100);
    SHOW(ioctl(slave, TCGETS, 8));
    SHOW(ioctl(slave, TCSETS, 8));
    SHOW(ioctl(slave, TCSETAF, 8));
    SHOW(ioctl(slave, TIOCGWINSZ, 8));
    SHOW(tcsendbreak(slave, 0));
    SHOW(tcdrain(slave));
    SHOW(ioctl(slave, TIOCGETD, &value));
    printf("discipline %d\n", value);
    SHOW(ioctl(slave, TIOCOUTQ, &value));
    printf("unsent %d\n", value);
    SHOW(ioctl(slave, TIOCMGET, &value));
    DONE();
}
