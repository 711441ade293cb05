/* Timers that tell a thread: SIGEV_THREAD_ID, and glibc's SIGEV_THREAD on top of it. Who takes a timer's signal out of a
 * set, or from a signalfd, goes on when the timer is due, not before.
 * builds: static dynamic musl
 * flags: -pthread -lrt
 */
#include <pthread.h>
#include <semaphore.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include "check.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif
static sem_t told, ready, leave;
static pid_t taker, expected;
static int value, count;

#define PERIOD_NS 20000000L
static struct timespec began;
static volatile int spins;

static void start(void) {
    clock_gettime(CLOCK_MONOTONIC, &began);
}

static int period_is_over(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - began.tv_sec) * 1000000000L + now.tv_nsec - began.tv_nsec >= PERIOD_NS;
}

static void *wait_for_set(void *set) {
    int number = 0;
    sigwait(set, &number);
    return (void *)(long)(number == SIGUSR2 && period_is_over());
}

static void *spin(void *argument) {
    while (spins) continue;
    return argument;
}

/* All the ways to wait for a blocked signal of a timer. */
static void waits_of_blocked(void) {
    struct itimerspec period = {{0, 0}, {0, PERIOD_NS}};
    struct itimerval real = {{0, 0}, {0, PERIOD_NS / 1000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct signalfd_siginfo record;
    timer_t timer;
    siginfo_t info;
    pthread_t waiter, busy;
    sigset_t set;
    void *in_time;
    sigemptyset(&set), sigaddset(&set, SIGUSR2), sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    for (spins = 0; spins < 2; spins++) {
        if (spins) pthread_create(&busy, NULL, spin, NULL); /* Time passes with and without somebody who runs. */
        start(), MUST(timer_settime(timer, 0, &period, NULL));
        CHECK(sigwaitinfo(&set, &info) == SIGUSR2 && period_is_over());
        start(), MUST(setitimer(ITIMER_REAL, &real, NULL));
        CHECK(sigtimedwait(&set, &info, &(struct timespec){5, 0}) == SIGALRM && period_is_over());
        int fd = (int)MUST(signalfd(-1, &set, 0));
        start(), MUST(timer_settime(timer, 0, &period, NULL));
        CHECK(read(fd, &record, sizeof record) == sizeof record && period_is_over());
        start(), MUST(timer_settime(timer, 0, &period, NULL));
        CHECK(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 5000) == 1 && period_is_over());
        CHECK(read(fd, &record, sizeof record) == sizeof record);
        close(fd);
        pthread_create(&waiter, NULL, wait_for_set, &set);
        usleep(2000); /* It waits before it is known which timer. */
        start(), MUST(timer_settime(timer, 0, &period, NULL));
        pthread_join(waiter, &in_time);
        CHECK(in_time);
    }
    spins = 0;
    pthread_join(busy, NULL);
    MUST(timer_delete(timer));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void notified(union sigval argument) {
    value = argument.sival_int;
    count++;
    sem_post(&told);
}

static void handler(int number) {
    (void)number;
    taker = (pid_t)syscall(SYS_gettid);
    sem_post(&told);
}

static void *other(void *argument) {
    (void)argument;
    expected = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    while (sem_wait(&leave)) continue;
    return NULL;
}

static void wait_told(void) {
    while (sem_wait(&told)) continue;
}

int main(void) {
    timer_t timer;
    pthread_t thread;
    struct itimerspec once = {{0, 0}, {0, 1000000}}, often = {{0, 1000000}, {0, 1000000}};
    sem_init(&told, 0, 0), sem_init(&ready, 0, 0), sem_init(&leave, 0, 0);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notified, .sigev_value.sival_int = 7};
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    MUST(timer_settime(timer, 0, &once, NULL));
    wait_told();
    SHOW(value);
    start(), MUST(timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, PERIOD_NS}}, NULL));
    wait_told();
    CHECK(period_is_over());
    MUST(timer_settime(timer, 0, &often, NULL));
    for (int i = 0; i < 3; i++) wait_told();
    CHECK(count >= 5);
    MUST(timer_delete(timer));
    usleep(20000); /* A thread that was started already still tells. */

    signal(SIGUSR1, handler);
    pthread_create(&thread, NULL, other, NULL);
    sem_wait(&ready);
    while (sem_trywait(&told) == 0) continue;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGUSR1;
    event.sigev_notify_thread_id = expected;
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    MUST(timer_settime(timer, 0, &once, NULL));
    wait_told();
    CHECK(taker == expected);
    timer_t clock_timer;
    clockid_t clock;
    CHECK(pthread_getcpuclockid(thread, &clock) == 0);
    MUST(timer_create(clock, &event, &clock_timer));
    sem_post(&leave);
    pthread_join(thread, NULL);
    MUST(timer_settime(timer, 0, &once, NULL)); /* Nobody is there to be told. */
    usleep(5000);
    SHOW(sem_trywait(&told));
    event.sigev_notify_thread_id = getppid();
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    event.sigev_notify_thread_id = 0;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    waits_of_blocked();
    DONE();
}
