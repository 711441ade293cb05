/* Timers on processor time: they run only while the program does; ITIMER_VIRTUAL and ITIMER_PROF with them. */
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include "check.h"

static volatile sig_atomic_t seen[65];
static void handler(int number) { seen[number]++; }

static void spin_until(int number, int count) {
    volatile unsigned long work = 0;
    while (seen[number] < count) work++;
}

int main(void) {
    timer_t timer;
    clockid_t own;
    struct timespec before, after;
    struct itimerspec now, once = {{0, 0}, {0, 3000000}}, often = {{0, 2000000}, {0, 2000000}}, past = {{0, 0}, {0, 1}};
    struct itimerspec none = {{0, 0}, {0, 0}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    signal(SIGUSR1, handler), signal(SIGVTALRM, handler), signal(SIGPROF, handler);
    clock_getcpuclockid(0, &own);
    clockid_t clocks[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, own};
    for (int i = 0; i < 3; i++) {
        seen[SIGUSR1] = 0;
        MUST(timer_create(clocks[i], &event, &timer));
        MUST(timer_settime(timer, 0, &once, NULL));
        usleep(10000);
        SHOW(seen[SIGUSR1]); /* Sleeping does not count. */
        clock_gettime(clocks[i], &before);
        spin_until(SIGUSR1, 1);
        clock_gettime(clocks[i], &after);
        CHECK((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec < 500000000L);
        MUST(timer_gettime(timer, &now));
        CHECK(!now.it_value.tv_sec && !now.it_value.tv_nsec);
        MUST(timer_settime(timer, 0, &often, NULL));
        spin_until(SIGUSR1, 4);
        MUST(timer_gettime(timer, &now));
        CHECK(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 2000000 && now.it_interval.tv_nsec == 2000000);
        MUST(timer_settime(timer, 0, &none, NULL));
        seen[SIGUSR1] = 0;
        MUST(timer_settime(timer, TIMER_ABSTIME, &past, NULL));
        spin_until(SIGUSR1, 1);
        MUST(timer_delete(timer));
    }
    struct itimerval spec = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
    MUST(setitimer(ITIMER_VIRTUAL, &spec, NULL));
    MUST(setitimer(ITIMER_PROF, &spec, NULL));
    spin_until(SIGVTALRM, 2);
    spin_until(SIGPROF, 2);
    MUST(setitimer(ITIMER_VIRTUAL, &off, NULL));
    MUST(setitimer(ITIMER_PROF, &off, NULL));
    SHOW(timer_create((clockid_t)-3999999, &event, &timer));
    DONE();
}
