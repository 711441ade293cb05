/* getrusage, times, clock: they grow, and with the right proportions. */
#include "check.h"
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>

static long us(struct timeval t) { return t.tv_sec * 1000000L + t.tv_usec; }

int main(void) {
    struct rusage a, b;
    struct tms t, u;
    SHOW(getrusage(RUSAGE_SELF, &a));
    clock_t first = times(&t);
    struct timespec cpu, later;
    MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu));
    volatile unsigned long sum = 0;
    for (unsigned long i = 0; i < 3000000; i++) sum += i;
    char *map = map_anonymous(100 * PAGE);
    memset(map, 1, 100 * PAGE);
    SHOW(getrusage(RUSAGE_SELF, &b));
    clock_t second = times(&u);
    MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &later));
    CHECK(us(b.ru_utime) + us(b.ru_stime) >= us(a.ru_utime) + us(a.ru_stime));
    CHECK((later.tv_sec - cpu.tv_sec) * 1000000000L + later.tv_nsec - cpu.tv_nsec > 100000);
    CHECK(second >= first && u.tms_utime >= t.tms_utime && u.tms_cutime == 0);
    CHECK(b.ru_maxrss >= a.ru_maxrss && b.ru_maxrss > 300);
    CHECK(b.ru_minflt >= a.ru_minflt);
    SHOW(getrusage(RUSAGE_CHILDREN, &a));
    CHECK(us(a.ru_utime) == 0 && us(a.ru_stime) == 0);
    SHOW(getrusage(RUSAGE_THREAD, &a));
    SHOW(getrusage(77, &a));
    CHECK(times(NULL) >= second);
    CHECK(clock() > 0);
    DONE();
}
