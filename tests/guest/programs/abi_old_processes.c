/* fork and vfork themselves, sleeping, and limits through their first calls. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
int main(void) {
    int status = 0;
    long pid = syscall(SYS_fork);
    if (!pid) _exit(7);
    CHECK(syscall(SYS_wait4, pid, &status, 0, NULL) == pid);
    printf("  %d\n", WEXITSTATUS(status));
    CALL(wait4, -1, NULL, 0, NULL);
    struct rlimit limit;
    CALL(getrlimit, RLIMIT_CORE, &limit);
    limit.rlim_cur = 0;
    CALL(setrlimit, RLIMIT_CORE, &limit);
    limit.rlim_cur = 1, limit.rlim_max = 0;
    CALL(setrlimit, RLIMIT_CORE, &limit);
    CALL(getrlimit, 99, &limit);
    CALL(nanosleep, (&(struct timespec){0, 1000}), NULL);
    CALL(nanosleep, (&(struct timespec){0, 1000000000}), NULL);
    CALL(nanosleep, (&(struct timespec){-1, 0}), NULL);
    CALL(getsid, 0x3ffffff);
    CALL(getpgid, 0x3ffffff);
    CALL(setpgid, 0, -1);
    CALL(getcpu, (void *)8, NULL, NULL);
    DONE();
}
