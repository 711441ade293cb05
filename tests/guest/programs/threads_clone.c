/* clone(2) and clone3(2): what they refuse, and a thread made by hand.
 * builds: static musl
 * flags: -pthread
 */
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
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

int main(void) {
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
    DONE();
}
