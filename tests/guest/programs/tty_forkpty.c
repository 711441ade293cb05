/* builds: static dynamic
 * openpty, forkpty and login_tty, as terminal emulators use them. */
#include "pty.h"
#include <pty.h>
#include <utmp.h>

int main(void) {
    int status, m, s;
    char name[64], line[100];
    struct winsize size = {12, 34, 0, 0}, found;
    struct termios t;
    MUST(openpty(&m, &s, name, NULL, &size));
    CHECK(!strcmp(name, ptsname(m)));
    MUST(ioctl(m, TIOCGWINSZ, &found));
    printf("%d rows %d columns\n", found.ws_row, found.ws_col);
    MUST(tcgetattr(s, &t));
    t.c_oflag &= ~(tcflag_t)OPOST;
    close(m);
    close(s);
    pid_t child = (pid_t)MUST(forkpty(&master, NULL, &t, &size));
    if (!child) {
        char text[100];
        if (getsid(0) != getpid() || tcgetpgrp(0) != getpid()) write(1, "no session\n", 11);
        if (!isatty(0) || !isatty(1) || !isatty(2)) write(1, "no terminal\n", 12);
        write(1, "name? ", 6);
        ssize_t n = read(0, text, sizeof text);
        write(1, "hello ", 6);
        write(1, text, (size_t)n);
        _exit(5);
    }
    shown("prompt", master);
    type("you\r");
    ssize_t n, length = 0;
    while ((n = read(master, line + length, sizeof line - (size_t)length)) > 0) length += n;
    printf("the end: %s\n", error_name(errno));
    print_bytes("conversation", line, length);
    MUST(waitpid(child, &status, 0));
    printf("exit %d\n", WEXITSTATUS(status));
    DONE();
}
