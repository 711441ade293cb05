/* run: TERM
 * run: KILL
 * run: USR1
 * run: INT
 * run: HUP
 * run: ALRM
 * run: raise_ABRT
 * run: raise_SEGV
 * run: tgkill_QUIT
 * run: CHLD
 * run: CONT
 * run: URG
 * run: none
 * run: errors
 * A program that sends itself a signal: the default action of each. */
#include "check.h"
#include <signal.h>
#include <sys/syscall.h>

int main(int argc, char **argv) {
    if (argc < 2) return 99;
    const char *how = argv[1];
    printf("before %s\n", how);
    if (!strcmp(how, "TERM")) kill(getpid(), SIGTERM);
    if (!strcmp(how, "KILL")) kill(getpid(), SIGKILL);
    if (!strcmp(how, "USR1")) kill(getpid(), SIGUSR1);
    if (!strcmp(how, "INT")) kill(getpid(), SIGINT);
    if (!strcmp(how, "HUP")) kill(getpid(), SIGHUP);
    if (!strcmp(how, "ALRM")) kill(getpid(), SIGALRM);
    if (!strcmp(how, "raise_ABRT")) raise(SIGABRT);
    if (!strcmp(how, "raise_SEGV")) raise(SIGSEGV);
    if (!strcmp(how, "tgkill_QUIT")) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGQUIT);
    if (!strcmp(how, "CHLD")) SHOW(kill(getpid(), SIGCHLD)); /* These three are ignored. */
    if (!strcmp(how, "CONT")) SHOW(kill(getpid(), SIGCONT));
    if (!strcmp(how, "URG")) SHOW(kill(getpid(), SIGURG));
    if (!strcmp(how, "none")) SHOW(kill(getpid(), 0));
    if (!strcmp(how, "errors")) {
        SHOW(kill(getpid(), 65));
        SHOW(kill(getpid(), -1));
        SHOW(kill(0x7ffffffe, 0));
        SHOW(syscall(SYS_tgkill, -1, -1, 0));
    }
    printf("alive\n");
    return 7;
}
