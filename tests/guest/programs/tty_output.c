/* Output processing: newlines, tabs, capitals, and the column that all of it depends on. */
#include "pty.h"

static void with(const char *name, tcflag_t flags, const char *text) {
    struct termios t;
    MUST(tcgetattr(slave, &t));
    t.c_oflag = flags;
    MUST(tcsetattr(slave, TCSANOW, &t));
    MUST(write(slave, text, strlen(text)));
    shown(name, master);
}

int main(void) {
    open_pair();
    with("raw", 0, "a\n\tb\r\n");
    with("OPOST", OPOST, "a\n\tb\r\n");
    with("ONLCR", OPOST | ONLCR, "a\n\tb\r\n\n");
    with("OCRNL", OPOST | OCRNL, "a\rb\n");
    with("ONOCR", OPOST | ONOCR, "\r\ra\r\rb\r\n");
    with("ONLRET", OPOST | ONLRET | ONOCR, "ab\n\rc\r");
    with("OLCUC", OPOST | OLCUC, "abc XYZ 123\n");
    with("XTABS", OPOST | ONLCR | XTABS, "\r\ta\tbcdefgh\ti\b\b\tj\n");
    struct termios t;
    MUST(tcgetattr(slave, &t));
    t.c_iflag |= IUTF8;
    MUST(tcsetattr(slave, TCSANOW, &t));
    with("UTF-8", OPOST | ONLCR | XTABS, "\303\251\342\202\254\tx\n");
    SHOW(write(slave, "", 0));
    SHOW(write(slave, (void *)8, 10));
    DONE();
}
