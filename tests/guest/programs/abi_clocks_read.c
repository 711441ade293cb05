/* adjtimex and clock_adjtime that only ask, and calls on clocks that there are not. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/timex.h>
#include <time.h>
int main(void) {
    struct timex now = {.modes = 0};
    CHECK(syscall(SYS_adjtimex, &now) >= 0 && now.tick > 0 && now.time.tv_sec > 0);
    CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &now) >= 0);
    CALL(clock_adjtime, 99, &now);
    CALL(clock_adjtime, CLOCK_MONOTONIC, &now);
    CALL(adjtimex, (void *)8);
    CALL(clock_gettime, 99, (&(struct timespec){0, 0}));
    CALL(clock_getres, 99, (&(struct timespec){0, 0}));
    CALL(clock_nanosleep, 99, 0, (&(struct timespec){0, 0}), NULL);
    CALL(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, (&(struct timespec){0, 0}), NULL);
    CALL(timerfd_gettime, 0, (&(struct itimerspec){{0, 0}, {0, 0}}));
    CALL(timerfd_create, 99, 0);
    DONE();
}
