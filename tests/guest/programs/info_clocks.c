/* builds: static dynamic
 * Clocks: they go forwards, agree with each other, and their errors. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static int64_t ns(clockid_t clock) {
    struct timespec t;
    if (syscall(SYS_clock_gettime, clock, &t)) return -1;
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void) {
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
    struct timespec t;
    for (int i = 0; i < 9; i++) {
        int64_t a = ns(clocks[i]), last = a;
        for (int j = 0; j < 200; j++) {
            int64_t b = ns(clocks[i]);
            if (b < last) check_failures++;
            last = b;
        }
        printf("clock %d goes %s\n", (int)clocks[i], a >= 0 && last >= a ? "on" : "wrong");
        if (clock_getres(clocks[i], &t) || t.tv_sec || t.tv_nsec < 1) check_failures++;
    }
    CHECK(check_failures == 0);
    struct timeval v;
    SHOW(gettimeofday(&v, NULL));
    CHECK(labs(v.tv_sec - time(NULL)) <= 1 && labs((long)(ns(CLOCK_REALTIME) / 1000000000) - v.tv_sec) <= 1);
    CHECK(syscall(SYS_time, NULL) - v.tv_sec <= 1);
    int64_t a = ns(CLOCK_MONOTONIC), b = ns(CLOCK_BOOTTIME);
    CHECK(b >= a);
    /* By the C library's way, which may be the vDSO. */
    clock_gettime(CLOCK_MONOTONIC, &t);
    a = t.tv_sec * 1000000000LL + t.tv_nsec;
    b = ns(CLOCK_MONOTONIC);
    CHECK(b >= a && b - a < 1000000000);
    SHOW(clock_gettime(99, &t));
    SHOW(clock_getres(99, &t));
    SHOW(clock_getres(CLOCK_MONOTONIC, NULL));
    time_t moment = 1700000000;
    struct tm broken;
    gmtime_r(&moment, &broken);
    char text[64];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %j %a", &broken);
    puts(text);
    DONE();
}
