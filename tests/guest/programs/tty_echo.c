/* What is shown of what is typed, under each flag that has to do with it. */
#include "pty.h"

static void with(const char *name, tcflag_t on, tcflag_t off, const char *text) {
    struct termios before;
    MUST(tcgetattr(slave, &before));
    set_flags(slave, on, off);
    type(text);
    shown(name, master);
    MUST(tcsetattr(slave, TCSAFLUSH, &before));
}

int main(void) {
    open_pair();
    with("usual", 0, 0, "ab\001c\177\177d\te\177\177\025x\ny\022\n");
    with("word", 0, 0, "two  words \027\027\027z\n");
    with("no ECHOCTL", 0, ECHOCTL, "a\001\177\177b\n");
    with("no ECHOE", 0, ECHOE, "ab\177c\025d\n");
    with("no ECHOKE", 0, ECHOKE, "ab\025c\n");
    with("no ECHOK", 0, ECHOKE | ECHOK, "ab\025c\n");
    with("ECHOPRT", ECHOPRT, 0, "abc\177\177d\025e\n");
    with("no ECHO", 0, ECHO, "secret\n");
    with("ECHONL", ECHONL, ECHO, "secret\n");
    with("no IEXTEN", 0, IEXTEN, "a\026b\027\022\n");
    with("no ICANON", 0, ICANON, "a\177\r\n\004");
    with("no ISIG", 0, ISIG, "a\003b\n");
    with("tabs", 0, 0, "a\tb\tc\177\177\177\177\n");
    with("long", 0, 0, "0123456789012345678901234567890123456789012345678901234567890123456789\177\177\n");
    MUST(write(slave, "prompt> ", 8));
    type("a\tb\177\177\n");
    shown("after a prompt", master);
    DONE();
}
