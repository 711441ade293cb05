/* clone(2) and clone3(2): what they refuse, a thread made by hand, and processes in the same memory whose end, or whose
 * execve, clears their number in it.
 * builds: static musl
 * flags: -pthread
 */
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "check.h"

#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
static int parent_tid, child_tid = 77, seen, seen_tid;

static long raw(unsigned long flags) { return syscall(SYS_clone, flags, 0, 0, 0, 0); }

static int body(void *argument) {
    seen = (int)(long)argument;
    seen_tid = child_tid;
    syscall(SYS_exit, 0);
    return 0;
}

static volatile int go;
static int process(void *argument) {
    seen = (int)(long)argument;
    if (seen == 3) execl("/proc/self/exe", "threads_clone", "other", NULL);
    while (!go) usleep(500);
    syscall(SYS_exit, 0);
    return 0;
}

/* The ways to end: by itself, killed, by another program; the parent waits on the word. */
static void same_memory(char *stack) {
    for (int how = 1; how <= 3; how++) {
        go = seen = 0;
        child_tid = 77;
        int flags = CLONE_VM | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
        int pid = clone(process, stack, flags, (void *)(long)how, NULL, NULL, &child_tid), value, status;
        while (seen != how) usleep(500);
        if (how == 1) go = 1;
        if (how == 2) kill(pid, SIGKILL);
        while ((value = __atomic_load_n(&child_tid, __ATOMIC_SEQ_CST)) != 0)
            syscall(SYS_futex, &child_tid, FUTEX_WAIT, value, NULL, NULL, 0);
        CHECK(waitpid(pid, &status, 0) == pid);
        printf("%d: status %x\n", how, status);
    }
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) return 9;
    static char stack[65536] __attribute__((aligned(16)));
    SHOW(raw(CLONE_THREAD));
    SHOW(raw(CLONE_THREAD | CLONE_VM));
    SHOW(raw(CLONE_SIGHAND));
    SHOW(raw(CLONE_THREAD | CLONE_SIGHAND));
    SHOW(raw(CLONE_NEWNS | CLONE_FS));
    SHOW(raw(CLONE_NEWUSER | CLONE_FS));
    SHOW(syscall(SYS_clone, THREAD | CLONE_SETTLS, stack + sizeof stack, 0, 0, 1UL << 63));

    struct clone_args args = {.flags = THREAD};
    SHOW(syscall(SYS_clone3, &args, 8));
    SHOW(syscall(SYS_clone3, &args, 5000));
    SHOW(syscall(SYS_clone3, NULL, sizeof args));
    args.exit_signal = 17;
    SHOW(syscall(SYS_clone3, &args, sizeof args));
    args.exit_signal = 0;
    args.stack = (unsigned long)stack;
    SHOW(syscall(SYS_clone3, &args, sizeof args));
    args.flags = 17;
    args.stack_size = sizeof stack;
    SHOW(syscall(SYS_clone3, &args, sizeof args));
    args.flags = CLONE_VM;
    args.exit_signal = 300;
    SHOW(syscall(SYS_clone3, &args, sizeof args));

    int flags = THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    int tid = clone(body, stack + sizeof stack, flags, (void *)42, &parent_tid, NULL, &child_tid);
    CHECK(tid > 0);
    int value;
    while ((value = __atomic_load_n(&child_tid, __ATOMIC_SEQ_CST)) != 0)
        syscall(SYS_futex, &child_tid, FUTEX_WAIT, value, NULL, NULL, 0);
    CHECK(parent_tid == tid && seen_tid == tid);
    SHOW(seen);
    SHOW(child_tid);
    same_memory(stack + sizeof stack);
    DONE();
}
