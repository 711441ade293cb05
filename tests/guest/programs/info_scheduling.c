/* sched_getaffinity and its relatives. */
#include "check.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

int main(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    SHOW(sched_getaffinity(0, sizeof set, &set));
    CHECK(CPU_COUNT(&set) > 0 && CPU_COUNT(&set) <= sysconf(_SC_NPROCESSORS_CONF));
    CHECK(sched_getaffinity(getpid(), sizeof set, &set) == 0);
    SHOW(sched_getaffinity(0x7ffffffe, sizeof set, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, 3, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, 12, &set));
    CHECK(syscall(SYS_sched_getaffinity, 0, sizeof set, &set) >= 8);
    CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
    SHOW(sched_yield());
    unsigned cpu = 9999, node = 9999;
    SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
    CHECK(CPU_ISSET(cpu, &set));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(sched_getscheduler(0));
    struct sched_param p = {7};
    SHOW(sched_getparam(0, &p));
    printf("%d\n", p.sched_priority);
    SHOW(sched_get_priority_max(SCHED_FIFO));
    SHOW(sched_get_priority_min(SCHED_OTHER));
    DONE();
}
