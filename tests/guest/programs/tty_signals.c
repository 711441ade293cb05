/* Signal characters go to the foreground group; what was typed with them is lost, unless NOFLSH is set. */
#include "pty.h"

static volatile int counts[32];
static void note(int number) { counts[number]++; }

static void session(void) {
    sigset_t all, none;
    open_pair();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    for (int i = 0; i < 4; i++) signal((int[]){SIGINT, SIGQUIT, SIGTSTP, SIGWINCH}[i], note);
    sigemptyset(&none);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    const char *keys[] = {"\003", "\034", "\032"};
    for (int i = 0; i < 3; i++) {
        type(keys[i]);
        sigsuspend(&none);
        printf("INT %d QUIT %d TSTP %d\n", counts[SIGINT], counts[SIGQUIT], counts[SIGTSTP]);
        shown("echo", master); /* It may come after the signal, and the next one would flush it. */
    }
    type("lost");
    shown("lost", master);
    type("\003kept\n");
    sigsuspend(&none);
    reads(slave, 100);
    shown("echo", master);
    set_flags(slave, NOFLSH, 0);
    type("not \003lost\n");
    sigsuspend(&none);
    reads(slave, 100);
    shown("echo", master);
    set_flags(slave, 0, ISIG | NOFLSH);
    type("\003\n");
    reads(slave, 100);
    set_flags(slave, ISIG, 0);
    SHOW(ioctl(master, _IOW('T', 0x36, int), SIGINT));
    sigsuspend(&none);
    SHOW(ioctl(master, _IOW('T', 0x36, int), SIGUSR1));
    struct winsize size = {33, 44, 0, 0}, found;
    SHOW(ioctl(master, TIOCSWINSZ, &size));
    sigsuspend(&none);
    SHOW(ioctl(slave, TIOCGWINSZ, &found));
    printf("%d rows %d columns\n", found.ws_row, found.ws_col);
    SHOW(ioctl(slave, TIOCSWINSZ, &size));
    sigset_t pending;
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGWINCH));
    printf("INT %d WINCH %d\n", counts[SIGINT], counts[SIGWINCH]);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        setpgid(0, 0);
        signal(SIGINT, SIG_DFL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        alarm(20);
        for (;;) pause();
    }
    setpgid(child, child);
    signal(SIGTTOU, SIG_IGN);
    MUST(tcsetpgrp(slave, child));
    type("\003");
    int status;
    MUST(waitpid(child, &status, 0));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGINT));
}

int main(void) {
    in_session("session", session);
    DONE();
}
