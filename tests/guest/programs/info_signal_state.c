/* Signal dispositions and masks as state: set, asked for, and respected. */
#include "check.h"
#include <signal.h>

int main(void) {
    struct sigaction a, b;
    memset(&a, 0, sizeof a);
    a.sa_handler = SIG_IGN;
    SHOW(sigaction(SIGUSR1, &a, &b));
    CHECK(b.sa_handler == SIG_DFL);
    SHOW(sigaction(SIGUSR1, NULL, &b));
    CHECK(b.sa_handler == SIG_IGN);
    SHOW(raise(SIGUSR1)); /* Ignored. */
    SHOW(kill(getpid(), SIGUSR1));
    SHOW(sigaction(SIGKILL, &a, NULL));
    SHOW(sigaction(SIGSTOP, &a, NULL));
    SHOW(sigaction(SIGKILL, NULL, &b));
    SHOW(sigaction(65, &a, NULL));
    SHOW(sigaction(0, &a, NULL));
    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGTERM);
    SHOW(sigprocmask(SIG_BLOCK, &set, &old));
    CHECK(!sigismember(&old, SIGUSR2));
    SHOW(sigprocmask(SIG_SETMASK, NULL, &old));
    CHECK(sigismember(&old, SIGUSR2) && sigismember(&old, SIGTERM) && !sigismember(&old, SIGINT));
    SHOW(sigprocmask(99, &set, NULL));
    SHOW(kill(getpid(), SIGUSR2)); /* Blocked: pending, and the program goes on. */
    SHOW(sigpending(&pending));
    CHECK(sigismember(&pending, SIGUSR2) && !sigismember(&pending, SIGTERM));
    a.sa_handler = SIG_IGN;
    SHOW(sigaction(SIGUSR2, &a, NULL)); /* To ignore it discards it. */
    SHOW(sigpending(&pending));
    CHECK(!sigismember(&pending, SIGUSR2));
    SHOW(sigprocmask(SIG_UNBLOCK, &set, NULL));
    sigaddset(&set, SIGKILL);
    SHOW(sigprocmask(SIG_BLOCK, &set, NULL));
    SHOW(sigprocmask(SIG_BLOCK, NULL, &old));
    CHECK(!sigismember(&old, SIGKILL)); /* Cannot be blocked. */
    stack_t stack, none;
    SHOW(sigaltstack(NULL, &none));
    CHECK(none.ss_flags == SS_DISABLE);
    stack.ss_sp = malloc(16384), stack.ss_size = 16384, stack.ss_flags = 0;
    SHOW(sigaltstack(&stack, &none));
    SHOW(sigaltstack(NULL, &none));
    CHECK(none.ss_sp == stack.ss_sp && none.ss_size == 16384);
    stack.ss_size = 100;
    SHOW(sigaltstack(&stack, NULL));
    SHOW(kill(getpid(), SIGTERM)); /* Blocked since above. */
    printf("about to unblock\n");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("not reached\n");
    return 0;
}
