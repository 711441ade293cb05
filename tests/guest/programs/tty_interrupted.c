/* Signals while a read or a write waits. */
#include "pty.h"

static volatile int caught;
static void note(int number) { caught = number; }

static void with(int flags) {
    struct sigaction act = {.sa_handler = note, .sa_flags = flags};
    sigaction(SIGUSR1, &act, NULL);
    caught = 0;
}

static void after(int ms, const char *then) { /* A child that sends a signal, and types a little later. */
    pid_t parent = getpid(), child = (pid_t)MUST(fork());
    if (!child) {
        poll(NULL, 0, ms);
        kill(parent, SIGUSR1);
        poll(NULL, 0, ms);
        if (then) type(then);
        _exit(0);
    }
}

int main(void) {
    char data[1000];
    open_pair();
    with(0);
    after(20, NULL);
    SHOW(read(slave, data, 10));
    wait(NULL);
    with(SA_RESTART);
    after(20, "late\n");
    SHOW(read(slave, data, 10));
    CHECK(caught == SIGUSR1);
    wait(NULL);
    shown("echo", master);
    with(0);
    after(20, NULL);
    SHOW(read(master, data, 10));
    wait(NULL);
    set_flags(slave, 0, ICANON);
    struct termios t;
    MUST(tcgetattr(slave, &t));
    t.c_cc[VMIN] = 10;
    MUST(tcsetattr(slave, TCSANOW, &t));
    type("abc");
    after(20, NULL);
    SHOW(read(slave, data, 10));
    wait(NULL);
    with(0);
    type("\023");
    ready(slave, POLLIN); /* It has arrived. */
    after(20, NULL);
    SHOW(write(slave, data, 10));
    wait(NULL);
    DONE();
}
