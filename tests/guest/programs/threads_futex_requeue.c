/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: from a condition to a priority-inheriting lock, in order.
 * flags: -pthread
 */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

static int condition, lock, unrelated, asleep;
static int order[4], count;

static long futex(int *at, int op, int value, void *timeout, int *second, int third) {
    return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, value, timeout, second, third);
}

static void *waiter(void *argument) {
    int me = (int)(long)argument;
    __atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
    long result = futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0);
    if (result || (lock & FUTEX_TID_MASK) != syscall(SYS_gettid)) printf("FAILED: %ld\n", result);
    order[count++] = me; /* It has the lock. */
    usleep(1000);
    if (futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0)) puts("FAILED to unlock");
    return NULL;
}

static void start(pthread_t *threads, int number) {
    asleep = 0;
    for (int i = 0; i < number; i++) {
        pthread_create(&threads[i], NULL, waiter, (void *)(long)i);
        while (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) != i + 1) usleep(100);
        usleep(10000);
    }
}

static void finish(pthread_t *threads, int number) {
    for (int i = 0; i < number; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < number; i++) printf("got it: %d\n", order[i]);
    CHECK(lock == 0);
    count = 0;
}

static void handler(int number) { (void)number; }

int main(void) {
    pthread_t threads[3];
    struct timespec soon;
    SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &lock, 0));
    SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &condition, 0));
    SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, (int *)((char *)&lock + 1), 0));
    clock_gettime(CLOCK_MONOTONIC, &soon);
    SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, &soon, &lock, 0));
    clock_gettime(CLOCK_REALTIME, &soon);
    SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 0, &soon, &lock, 0));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 1));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 2, (void *)1, &lock, 0));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)-1, &lock, 0));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &condition, 0));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0));

    start(threads, 3); /* The lock is free: the first gets it at once, the others one after another. */
    SHOW(futex(&condition, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE, 1, (void *)1, &lock, 0));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &unrelated, 0));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &lock, 0));
    finish(threads, 3);

    start(threads, 3); /* The caller has the lock; only two are moved. */
    SHOW(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0));
    CHECK(lock == (syscall(SYS_gettid) | (int)FUTEX_WAITERS));
    usleep(2000);
    SHOW(count);
    SHOW(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    while (__atomic_load_n(&count, __ATOMIC_SEQ_CST) < 2) usleep(100);
    usleep(20000);
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &lock, 0));
    finish(threads, 3);

    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGALRM, &action, NULL);
    ualarm(2000, 0);
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
    SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, &soon, &lock, 0)); /* Goes on after the signal. */
    DONE();
}
