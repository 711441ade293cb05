/* Lines: what a read gives of them, how they are edited, and ends of file. */
#include "pty.h"

int main(void) {
    int count;
    open_pair();
    type("one\ntwo\r");
    ready(slave, POLLIN);
    MUST(ioctl(slave, FIONREAD, &count));
    printf("FIONREAD %d\n", count);
    reads(slave, 2);
    reads(slave, 100);
    reads(slave, 100);
    type("unfinished");
    reads(slave, 100);
    MUST(ioctl(slave, FIONREAD, &count));
    printf("FIONREAD %d\n", count);
    type(" no more\n");
    reads(slave, 100);
    type("abx\177c\n\177d\n");
    reads(slave, 100);
    reads(slave, 100);
    type("gone\025kept \tword\027w\n");
    reads(slave, 100);
    type("a\026\003b\026\177\026\026\n");
    reads(slave, 100);
    type("\004");
    reads(slave, 100);
    type("half\004");
    reads(slave, 100);
    type("full\004next\n");
    reads(slave, 4);
    reads(slave, 100);
    shown("echoed", master);
    type("line by\nlimit\n");
    char data[3];
    struct {
        size_t length;
    } rest[] = {{3}, {3}, {3}, {3}, {3}};
    for (size_t i = 0; i < 5; i++) {
        ready(slave, POLLIN);
        ssize_t n = read(slave, data, rest[i].length);
        print_bytes("piece", data, n);
    }
    struct termios t;
    MUST(tcgetattr(slave, &t));
    t.c_cc[VEOL] = ';';
    t.c_cc[VEOL2] = ':';
    t.c_cc[VERASE] = '#';
    t.c_iflag |= IUTF8;
    MUST(tcsetattr(slave, TCSADRAIN, &t));
    type("a;b:c\n");
    reads(slave, 100);
    reads(slave, 100);
    reads(slave, 100);
    type("\303\251\342\202\254##x\177\n");
    reads(slave, 100);
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    SHOW(read(slave, data, 3));
    SHOW(read(slave, (void *)8, 0));
    type("efault\n");
    ready(slave, POLLIN);
    SHOW(read(slave, (void *)8, 3));
    DONE();
}
