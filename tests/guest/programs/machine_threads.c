/* For tests/machine/test_threads.py: `compute THREADS` shares a fixed amount of work out, `many COUNT` makes threads
 * one after another, `crowd COUNT` as many at once as it may, `contend THREADS` lets them fight for one mutex and
 * prints who got it in which order, `live COUNT ROUNDS` keeps so many asleep while two others play ping-pong.
 * flags: -pthread
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include "check.h"

static int threads;
static volatile long results[64];
static void *compute(void *argument) {
    long me = (long)argument, sum = 0;
    for (long i = 0; i < 4000000 / threads; i++) sum += i ^ me;
    results[me] = sum;
    return NULL;
}
static void *nothing(void *argument) { return argument; }

static void *sleep_long(void *argument) {
    sleep(1000);
    return argument;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char order[64 * 50 + 1];
static int taken;
static void *contend(void *argument) {
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&mutex);
        order[taken++] = (char)('A' + (long)argument);
        for (volatile int j = 0; j < 300; j++) {
        }
        pthread_mutex_unlock(&mutex);
        for (volatile int j = 0; j < 100 * (long)argument; j++) {
        }
        if (i % 7 == 0) sched_yield();
    }
    return NULL;
}

static sem_t ping, pong, stop;
static int rounds;
static void *play(void *argument) {
    for (int i = 0; i < rounds; i++) sem_wait(&ping), sem_post(&pong);
    return argument;
}
static void *wait_for_stop(void *argument) {
    sem_wait(&stop);
    return argument;
}
static void live(void) {
    pthread_t *all = malloc((size_t)threads * sizeof *all), other;
    pthread_attr_t small;
    int made = 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    while (made < threads && !pthread_create(&all[made], &small, wait_for_stop, NULL)) made++;
    pthread_create(&other, NULL, play, NULL);
    for (int i = 0; i < rounds; i++) sem_post(&ping), sem_wait(&pong);
    pthread_join(other, NULL);
    SHOW(made);
    for (int i = 0; i < made; i++) sem_post(&stop);
    for (int i = 0; i < made; i++) pthread_join(all[i], NULL);
}

int main(int argc, char **argv) {
    pthread_t t[64];
    if (argc > 3 && !strcmp(argv[1], "live")) {
        threads = atoi(argv[2]), rounds = atoi(argv[3]);
        live();
        return 0;
    }
    threads = argc > 2 ? atoi(argv[2]) : 1;
    if (argc > 1 && !strcmp(argv[1], "many")) {
        int failed = 0;
        for (long i = 0; i < threads; i++) {
            void *result;
            if (pthread_create(t, NULL, nothing, (void *)i)) failed++;
            if (pthread_join(t[0], &result) || result != (void *)i) failed++;
        }
        SHOW(failed);
        return 0;
    }
    if (argc > 1 && !strcmp(argv[1], "crowd")) {
        int made = 0, error = 0;
        while (made < threads && !(error = pthread_create(t, NULL, sleep_long, NULL))) made++;
        SHOW(made);
        puts(error_name(error));
        return 0;
    }
    int fight = argc > 1 && !strcmp(argv[1], "contend");
    for (long i = 0; i < threads; i++) pthread_create(&t[i], NULL, fight ? contend : compute, (void *)i);
    for (int i = 0; i < threads; i++) pthread_join(t[i], NULL);
    if (fight) puts(order);
    return 0;
}
