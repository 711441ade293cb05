/* Timers that tell a thread: SIGEV_THREAD_ID, and glibc's SIGEV_THREAD on top of it.
 * builds: static dynamic musl
 * flags: -pthread -lrt
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif
static sem_t told, ready, leave;
static pid_t taker, expected;
static int value, count;

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
    MUST(timer_settime(timer, 0, &often, NULL));
    for (int i = 0; i < 3; i++) wait_told();
    CHECK(count >= 4);
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
    DONE();
}
