/* sched_setattr and sched_getattr at the priorities that anybody may have, and their errors. */
#include "check.h"
#include <sched.h>
#include <sys/syscall.h>
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t clamp_min, clamp_max;
    uint64_t beyond[2];
};
static struct attributes a;
static void get(const char *when) {
    struct attributes now;
    memset(&now, 0x55, sizeof now);
    SHOW(syscall(SYS_sched_getattr, 0, &now, sizeof now, 0));
    printf("%s: size %u policy %u flags %#lx nice %d priority %u beyond %#lx\n", when, now.size, now.policy,
           (unsigned long)now.flags, now.nice, now.priority, (unsigned long)now.beyond[0]);
}
static void set(uint32_t size, uint32_t policy, uint64_t flags, int nice, uint32_t priority) {
    memset(&a, 0, sizeof a);
    a.size = size, a.policy = policy, a.flags = flags, a.nice = nice, a.priority = priority;
    long result = syscall(SYS_sched_setattr, 0, &a, 0);
    printf("set %u, %u, %#lx, %d, %u: %s, size %u\n", size, policy, (unsigned long)flags, nice, priority,
           result ? error_name(errno) : "0", a.size);
}
int main(void) {
    get("at first");
    SHOW(syscall(SYS_sched_getattr, 0, &a, 47, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, 48, 0));
    CHECK(a.size == 48);
    SHOW(syscall(SYS_sched_getattr, 0, &a, 4097, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, 56, 1));
    SHOW(syscall(SYS_sched_getattr, -1, &a, 56, 0));
    SHOW(syscall(SYS_sched_getattr, 0, NULL, 56, 0));
    SHOW(syscall(SYS_sched_getattr, 0x3ffffff, &a, 56, 0));
    set(0, 0, 0, 2, 0), get("nice");
    set(48, SCHED_BATCH, 0, 3, 0), get("batch");
    set(56, SCHED_OTHER, 0x08, 4, 0), get("policy kept");
    set(56, SCHED_OTHER, 0x10, 9, 0), get("parameters kept");
    set(56, SCHED_OTHER, 0, 50, 0), get("nicest");
    set(47, 0, 0, 0, 0);
    set(5000, 0, 0, 0, 0);
    set(56, 77, 0, 19, 0);
    set(56, (uint32_t)-1, 0, 19, 0);
    set(56, SCHED_OTHER, 0, 19, 1);
    set(56, SCHED_FIFO, 0, 19, 0);
    set(56, SCHED_FIFO, 0, 19, 100);
    set(56, SCHED_OTHER, 0x80, 19, 0);
    set(48, SCHED_OTHER, 0x20, 19, 0);
    set(56, SCHED_DEADLINE, 0, 19, 0);
    memset(&a, 0, sizeof a);
    a.size = sizeof a, a.nice = 19;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    a.beyond[1] = 1;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    CHECK(a.size == 56);
    a.size = 56;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 1));
    SHOW(syscall(SYS_sched_setattr, -1, &a, 0));
    SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
    SHOW(syscall(SYS_sched_setattr, 0x3ffffff, &a, 0));
    set(56, SCHED_OTHER, 1, 19, 0), get("reset on fork");
    CHECK(sched_getscheduler(0) == (SCHED_OTHER | 0x40000000));
    DONE();
}
