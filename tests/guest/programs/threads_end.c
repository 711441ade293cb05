/* How threads and their process end: each run ends in another way.
 * run: group
 * run: leader
 * run: leader-last
 * run: robust
 * run: cancel
 * run: fatal
 * flags: -pthread
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include "check.h"

static void *forever(void *argument) {
    for (;;) pause();
    return argument;
}
static volatile int counter;
static void *spin(void *argument) {
    for (;;) counter++;
    return argument;
}
static void *end_group(void *argument) {
    while (counter < 1000) usleep(10);
    exit((int)(long)argument);
}
static void *exit_later(void *argument) {
    usleep(20000);
    puts("later");
    syscall(SYS_exit, (int)(long)argument);
    return NULL;
}
static pthread_mutex_t robust;
static void *die_holding(void *argument) {
    pthread_mutex_lock(&robust);
    return argument;
}
static void cleanup(void *argument) { printf("cleanup %s\n", (char *)argument); }
static int entered;
static void *cancelled(void *argument) {
    pthread_cleanup_push(cleanup, argument);
    __atomic_store_n(&entered, 1, __ATOMIC_SEQ_CST);
    for (;;) sleep(1000);
    pthread_cleanup_pop(0);
    return NULL;
}
static void *crash(void *argument) {
    usleep(1000);
    *(volatile int *)argument = 1;
    return NULL;
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    pthread_t t[4];
    if (!strcmp(how, "group")) {
        pthread_create(&t[0], NULL, forever, NULL);
        pthread_create(&t[1], NULL, spin, NULL);
        pthread_create(&t[2], NULL, end_group, (void *)23);
        pthread_join(t[0], NULL);
    } else if (!strcmp(how, "leader")) {
        pthread_create(&t[0], NULL, exit_later, (void *)5);
        pthread_exit(NULL);
    } else if (!strcmp(how, "leader-last")) {
        pthread_create(&t[0], NULL, exit_later, (void *)5);
        pthread_join(t[0], NULL);
        syscall(SYS_exit, 6);
    } else if (!strcmp(how, "robust")) {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
        for (int inherit = 0; inherit < 2; inherit++) {
            if (inherit) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
            CHECK(pthread_mutex_init(&robust, &attributes) == 0);
            pthread_create(&t[0], NULL, die_holding, NULL);
            pthread_join(t[0], NULL);
            CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
            SHOW(pthread_mutex_consistent(&robust));
            SHOW(pthread_mutex_unlock(&robust));
            SHOW(pthread_mutex_lock(&robust));
            SHOW(pthread_mutex_unlock(&robust));
        }
    } else if (!strcmp(how, "cancel")) {
        void *result;
        pthread_create(&t[0], NULL, cancelled, "one");
        while (!__atomic_load_n(&entered, __ATOMIC_SEQ_CST)) usleep(100);
        int cancel = pthread_cancel(t[0]);
        SHOW(pthread_join(t[0], &result));
        SHOW(cancel);
        CHECK(result == PTHREAD_CANCELED);
    } else if (!strcmp(how, "fatal")) {
        pthread_create(&t[0], NULL, spin, NULL);
        pthread_create(&t[1], NULL, forever, NULL);
        pthread_create(&t[2], NULL, crash, (void *)16);
        pthread_join(t[0], NULL);
    }
    DONE();
}
