/* What threads wait for each other with: conditions, barriers, read-write locks, semaphores, spinning, timeouts.
 * builds: static dynamic musl
 * flags: -pthread
 */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include "check.h"

#define ITEMS 400
static int ring[8], head, tail, count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static long consumed;

static void *produce(void *argument) {
    for (int i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&mutex);
        while (count == 8) pthread_cond_wait(&emptied, &mutex);
        ring[head++ % 8] = (int)(long)argument + i;
        count++;
        pthread_cond_signal(&filled);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *consume(void *argument) {
    (void)argument;
    for (int i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&mutex);
        while (count == 0) pthread_cond_wait(&filled, &mutex);
        consumed += ring[tail++ % 8];
        count--;
        pthread_cond_broadcast(&emptied);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static pthread_barrier_t barrier;
static int phase[6], serial, broken;
static void *step(void *argument) {
    int me = (int)(long)argument;
    for (int round = 0; round < 20; round++) {
        phase[me] = round;
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
        for (int i = 0; i < 6; i++)
            if (phase[i] != round) broken = 1;
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int first, second, torn;
static void *read_pair(void *argument) {
    (void)argument;
    for (int i = 0; i < 200; i++) {
        pthread_rwlock_rdlock(&rwlock);
        if (first != second) torn = 1;
        pthread_rwlock_unlock(&rwlock);
    }
    return NULL;
}
static void *write_pair(void *argument) {
    (void)argument;
    for (int i = 0; i < 200; i++) {
        pthread_rwlock_wrlock(&rwlock);
        first++;
        second++;
        pthread_rwlock_unlock(&rwlock);
    }
    return NULL;
}

static sem_t ping, pong;
static int volleys;
static void *answer(void *argument) {
    (void)argument;
    for (int i = 0; i < 300; i++) {
        sem_wait(&ping);
        volleys++;
        sem_post(&pong);
    }
    return NULL;
}

static volatile int flag;
static void *spin(void *argument) {
    while (!flag) {
    }
    return argument;
}

static void *hold(void *argument) {
    pthread_mutex_lock(argument);
    flag = 2;
    usleep(50000);
    pthread_mutex_unlock(argument);
    return NULL;
}

int main(void) {
    pthread_t t[8];
    pthread_create(&t[0], NULL, produce, (void *)0);
    pthread_create(&t[1], NULL, produce, (void *)1000);
    pthread_create(&t[2], NULL, consume, NULL);
    pthread_create(&t[3], NULL, consume, NULL);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    SHOW(consumed);
    SHOW(count);

    pthread_barrier_init(&barrier, NULL, 6);
    for (long i = 0; i < 6; i++) pthread_create(&t[i], NULL, step, (void *)i);
    for (int i = 0; i < 6; i++) pthread_join(t[i], NULL);
    SHOW(serial);
    SHOW(broken);

    for (int i = 0; i < 6; i++) pthread_create(&t[i], NULL, i < 4 ? read_pair : write_pair, NULL);
    for (int i = 0; i < 6; i++) pthread_join(t[i], NULL);
    SHOW(torn);
    SHOW(first);

    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    pthread_create(&t[0], NULL, answer, NULL);
    for (int i = 0; i < 300; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
    pthread_join(t[0], NULL);
    SHOW(volleys);

    pthread_create(&t[0], NULL, spin, NULL);
    for (volatile int i = 0; i < 1000; i++) {
    }
    usleep(1000);
    flag = 1;
    SHOW(pthread_join(t[0], NULL));

    pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
    pthread_create(&t[0], NULL, hold, &held);
    while (flag != 2) usleep(100);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 5000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    CHECK(pthread_mutex_timedlock(&held, &until) == ETIMEDOUT);
    CHECK(pthread_mutex_trylock(&held) == EBUSY);
    until.tv_sec += 10;
    SHOW(pthread_mutex_timedlock(&held, &until));
    pthread_join(t[0], NULL);
    clock_gettime(CLOCK_REALTIME, &until);
    CHECK(pthread_cond_timedwait(&filled, &held, &until) == ETIMEDOUT);
    DONE();
}
