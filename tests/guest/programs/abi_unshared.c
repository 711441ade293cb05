/* unshare of what is no namespace, setns of what is none, and keys that no process has. */
#include "check.h"
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
static int other(void *unused) {
    (void)unused;
    MUST(dup2(1, 40));
    SHOW(unshare(CLONE_FILES));
    MUST(close(40));
    return 0;
}
static int ranges(void *flags) {
    SHOW(syscall(SYS_close_range, 40, 41, (unsigned)(uintptr_t)flags));
    SHOW(close(40));
    return 0;
}
int main(void) {
    static char stack[32768];
    int status;
    SHOW(unshare(0));
    SHOW(unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM));
    SHOW(unshare(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM));
    SHOW(unshare(CLONE_PARENT));
    SHOW(unshare(1));
    pid_t child = (pid_t)MUST(clone(other, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL));
    MUST(waitpid(child, &status, 0));
    CHECK(status == 0);
    SHOW(close(40)); /* The child closed its own. */
    for (uintptr_t flags = 0; flags <= 4; flags += 2) { /* Nothing, CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC. */
        MUST(dup2(1, 40)), MUST(dup2(1, 41));
        child = (pid_t)MUST(clone(ranges, stack + sizeof stack, CLONE_FILES | SIGCHLD, (void *)flags));
        MUST(waitpid(child, &status, 0));
        SHOW(fcntl(40, F_GETFD));
        SHOW(fcntl(41, F_GETFD));
    }
    SHOW(setns(-1, 0));
    SHOW(setns(1, 0));
    SHOW(setns(1, 1));
    char *at = map_anonymous(2 * PAGE);
    at[0] = 1;
    SHOW(syscall(SYS_pkey_mprotect, at, PAGE, PROT_READ, -1));
    WRITES(at);
    WRITES(at + PAGE);
    SHOW(syscall(SYS_pkey_mprotect, at + 1, PAGE, PROT_READ, -1));
    SHOW(syscall(SYS_pkey_mprotect, at + 1, PAGE, PROT_READ, 9));
    SHOW(syscall(SYS_pkey_mprotect, at, PAGE, PROT_READ, 9));
    SHOW(syscall(SYS_pkey_mprotect, at, 0, PROT_READ, 9));
    SHOW(syscall(SYS_pkey_mprotect, at, -PAGE, PROT_READ, 9));
    SHOW(syscall(SYS_pkey_alloc, 1, 0));
    SHOW(syscall(SYS_pkey_alloc, 0, 4));
    SHOW(syscall(SYS_pkey_free, -1));
    SHOW(syscall(SYS_pkey_free, 9));
    DONE();
}
