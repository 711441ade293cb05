/* The scheduler's calls at the priorities that anybody may have, and their errors. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sched.h>
#include <sys/resource.h>
int main(void) {
    struct sched_param param = {.sched_priority = 0};
    struct timespec slice = {-1, -1};
    CALL(sched_setparam, 0, &param);
    CALL(sched_setscheduler, 0, SCHED_BATCH, &param);
    CALL(sched_getscheduler, 0);
    CALL(sched_setscheduler, 0, SCHED_OTHER, &param);
    param.sched_priority = 1;
    CALL(sched_setparam, 0, &param);
    CALL(sched_setscheduler, 0, SCHED_OTHER, &param);
    CALL(sched_setscheduler, 0, 77, &param);
    CALL(sched_setscheduler, -1, SCHED_OTHER, &param);
    CALL(sched_getscheduler, -1);
    CALL(sched_getscheduler, 0x3ffffff);
    CALL(sched_getparam, 0x3ffffff, &param);
    CALL(sched_getparam, 0, NULL);
    CALL(sched_get_priority_max, 77);
    CALL(sched_get_priority_min, 77);
    CHECK(syscall(SYS_sched_rr_get_interval, 0, &slice) == 0 && slice.tv_sec == 0 && slice.tv_nsec >= 0);
    CALL(sched_rr_get_interval, 0x3ffffff, &slice);
    CALL(sched_setaffinity, 0, 8, (&(uint64_t){0}));
    CALL(getpriority, 9, 0);
    CALL(getpriority, PRIO_PROCESS, 0x3ffffff);
    CALL(setpriority, PRIO_PROCESS, 0, 3);
    CALL(getpriority, PRIO_PROCESS, 0);
    CALL(setpriority, 9, 0, 0);
    CALL(ioprio_set, 1, 0, 2 << 13 | 5);
    CALL(ioprio_get, 1, 0);
    CALL(ioprio_set, 1, 0, 7 << 13);
    CALL(ioprio_set, 7, 0, 2 << 13);
    CALL(ioprio_get, 1, 0x3ffffff);
    DONE();
}
