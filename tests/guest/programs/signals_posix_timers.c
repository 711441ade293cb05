/* builds: static musl
 * timer_create(2): one-shot and periodic timers, relative and absolute, what is told about them, and their errors. */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

static volatile sig_atomic_t seen, code, value;
static void handler(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    seen++;
    code = info->si_code;
    value = info->si_value.sival_int;
}

static int create(clockid_t clock, struct sigevent *event, int *id) {
    return (int)syscall(SYS_timer_create, clock, event, id);
}
static int set(int id, int flags, const struct itimerspec *new, struct itimerspec *old) {
    return (int)syscall(SYS_timer_settime, id, flags, new, old);
}
static int get(int id, struct itimerspec *now) { return (int)syscall(SYS_timer_gettime, id, now); }

static void wait_for(int count) {
    sigset_t all, none;
    sigfillset(&all), sigemptyset(&none);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (seen < count) sigsuspend(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void errors(void) {
    int id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec bad = {{0, 0}, {0, 1000000000}}, negative = {{-1, 0}, {1, 0}}, off = {{0, 0}, {0, 0}};
    SHOW(create(77, NULL, &id));
    SHOW(create(CLOCK_MONOTONIC_RAW, NULL, &id));
    SHOW(create(CLOCK_REALTIME_COARSE, NULL, &id));
    SHOW(create(CLOCK_MONOTONIC, NULL, NULL));
    SHOW(create(CLOCK_MONOTONIC, (void *)8, &id));
    event.sigev_signo = 0;
    SHOW(create(CLOCK_MONOTONIC, &event, &id));
    event.sigev_signo = 65;
    SHOW(create(CLOCK_MONOTONIC, &event, &id));
    event.sigev_notify = 9;
    SHOW(create(CLOCK_MONOTONIC, &event, &id));
    event.sigev_notify = SIGEV_NONE;
    SHOW(create(CLOCK_MONOTONIC, &event, &id));
    SHOW(set(id, 0, NULL, NULL));
    SHOW(set(id, 0, (void *)8, NULL));
    SHOW(set(id, 0, &bad, NULL));
    SHOW(set(id, 0, &negative, NULL));
    SHOW(set(12345, 0, &off, NULL));
    SHOW(set(id, 0, &off, (void *)8));
    SHOW(get(id, (void *)8));
    SHOW(get(12345, &off));
    SHOW(syscall(SYS_timer_getoverrun, 12345));
    SHOW(syscall(SYS_timer_delete, 12345));
    SHOW(syscall(SYS_timer_delete, id));
    SHOW(syscall(SYS_timer_delete, id));
    SHOW(get(id, &off));
}

static void quiet(void) {
    int id;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec spec = {{0, 0}, {0, 1000000}}, now = {{9, 9}, {9, 9}};
    MUST(create(CLOCK_MONOTONIC, &event, &id));
    SHOW(get(id, &now));
    CHECK(!now.it_value.tv_sec && !now.it_value.tv_nsec && !now.it_interval.tv_sec);
    MUST(set(id, 0, &spec, NULL));
    usleep(2000);
    MUST(get(id, &now));
    CHECK(!now.it_value.tv_sec && !now.it_value.tv_nsec);
    spec.it_interval.tv_nsec = 1000000;
    MUST(set(id, 0, &spec, NULL));
    usleep(2500);
    MUST(get(id, &now));
    CHECK(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 1000000 && now.it_interval.tv_nsec == 1000000);
    SHOW(syscall(SYS_timer_getoverrun, id));
    MUST(syscall(SYS_timer_delete, id));
}

int main(void) {
    int id;
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    struct itimerspec once = {{0, 0}, {0, 1000000}}, often = {{0, 1000000}, {0, 1000000}}, now, old;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    errors();
    quiet();

    MUST(create(CLOCK_MONOTONIC, &event, &id));
    MUST(set(id, 0, &once, &old));
    CHECK(!old.it_value.tv_sec && !old.it_value.tv_nsec);
    wait_for(1);
    CHECK(code == SI_TIMER && value == 42);
    MUST(get(id, &now));
    CHECK(!now.it_value.tv_sec && !now.it_value.tv_nsec);
    SHOW(syscall(SYS_timer_getoverrun, id));
    usleep(3000);
    SHOW(seen);
    MUST(set(id, 0, &often, NULL));
    wait_for(4);
    MUST(set(id, 0, &once, &old));
    CHECK(old.it_interval.tv_nsec == 1000000 && old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 1000000);
    wait_for(5);
    once.it_value.tv_sec = 1000;
    MUST(set(id, 0, &once, NULL));
    MUST(get(id, &now));
    CHECK(now.it_value.tv_sec <= 1000 && now.it_value.tv_sec >= 999);
    memset(&once, 0, sizeof once);
    once.it_interval.tv_sec = 5;
    MUST(set(id, 0, &once, NULL));
    MUST(get(id, &now));
    CHECK(!now.it_value.tv_sec && !now.it_value.tv_nsec && !now.it_interval.tv_sec);
    MUST(syscall(SYS_timer_delete, id));

    seen = 0;
    MUST(create(CLOCK_REALTIME, NULL, &id));
    struct itimerspec past = {{0, 0}, {1, 0}};
    MUST(set(id, TIMER_ABSTIME, &past, NULL));
    wait_for(1);
    CHECK(value == id && code == SI_TIMER);
    clock_gettime(CLOCK_REALTIME, &past.it_value);
    past.it_value.tv_nsec += 2000000;
    if (past.it_value.tv_nsec >= 1000000000) past.it_value.tv_sec++, past.it_value.tv_nsec -= 1000000000;
    MUST(set(id, TIMER_ABSTIME, &past, NULL));
    wait_for(2);
    struct timespec after;
    clock_gettime(CLOCK_REALTIME, &after);
    CHECK(after.tv_sec > past.it_value.tv_sec ||
          (after.tv_sec == past.it_value.tv_sec && after.tv_nsec >= past.it_value.tv_nsec));
    DONE();
}
