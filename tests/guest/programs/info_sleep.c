/* nanosleep and clock_nanosleep: the clocks show at least the time slept, the processor's does not. */
#include "check.h"
#include <sched.h>
#include <time.h>

static int64_t ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void) {
    int64_t mono = ns(CLOCK_MONOTONIC), real = ns(CLOCK_REALTIME), cpu = ns(CLOCK_PROCESS_CPUTIME_ID);
    struct timespec t = {0, 20000000}, left = {5, 5};
    SHOW(nanosleep(&t, &left));
    CHECK(ns(CLOCK_MONOTONIC) - mono >= 20000000);
    CHECK(ns(CLOCK_REALTIME) - real >= 20000000);
    CHECK(ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 15000000);
    CHECK(left.tv_sec == 5 && left.tv_nsec == 5); /* Only written when interrupted. */
    mono = ns(CLOCK_MONOTONIC);
    SHOW(usleep(3000));
    CHECK(ns(CLOCK_MONOTONIC) - mono >= 3000000);
    mono = ns(CLOCK_MONOTONIC) + 10000000;
    t.tv_sec = mono / 1000000000, t.tv_nsec = mono % 1000000000;
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
    CHECK(ns(CLOCK_MONOTONIC) >= mono);
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)); /* Already past. */
    SHOW(clock_nanosleep(99, 0, &t, NULL));
    t.tv_sec = 0, t.tv_nsec = 1000000000;
    SHOW(nanosleep(&t, NULL));
    t.tv_sec = -1, t.tv_nsec = 0;
    SHOW(nanosleep(&t, NULL));
    t.tv_sec = 0, t.tv_nsec = 0;
    SHOW(nanosleep(&t, NULL));
    t.tv_nsec = 1;
    for (int i = 0; i < 20; i++)
        if (nanosleep(&t, NULL)) check_failures++;
    CHECK(check_failures == 0);
    SHOW(sched_yield());
    DONE();
}
