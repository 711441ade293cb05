/* waitid clears its structure even when it fails, and says EFAULT rather than what failed. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/wait.h>
int main(void) {
    siginfo_t info;
    memset(&info, 0xff, sizeof info);
    CALL(waitid, P_ALL, 0, &info, WEXITED, NULL);
    printf("  %d %d %d\n", info.si_signo, info.si_code, info.si_pid);
    memset(&info, 0xff, sizeof info);
    CALL(waitid, P_ALL, 0, &info, 0, NULL);
    printf("  %d %d %d\n", info.si_signo, info.si_code, info.si_pid);
    CALL(waitid, P_ALL, 0, 8L, WEXITED, NULL);
    CALL(waitid, 9, 0, 8L, WEXITED, NULL);
    CALL(waitid, P_ALL, 0, NULL, WEXITED, NULL);
    CALL(waitid, 9, 0, NULL, WEXITED, NULL);
    pid_t child = fork();
    if (!child) _exit(3);
    CALL(waitid, P_ALL, 0, 8L, WEXITED | WNOWAIT, NULL);
    MUST(waitid(P_ALL, 0, &info, WEXITED));
    printf("  %d %d\n", info.si_signo == SIGCHLD, info.si_status);
    DONE();
}
