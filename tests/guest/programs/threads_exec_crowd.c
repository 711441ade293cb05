/* run: one two three
 * builds: static musl
 * flags: -pthread
 * execve by one of many threads: nothing that their end writes reaches the new program's memory. It has one argument less
 * than the old one, and so on. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

static sem_t never;
static volatile int up;
static char **rest;

static void *sleeper(void *argument) {
    __atomic_add_fetch(&up, 1, __ATOMIC_SEQ_CST);
    sem_wait(&never);
    return argument;
}
static void *leave(void *argument) {
    while (up < 36) usleep(100);
    execv("/proc/self/exe", rest);
    return argument;
}

int main(int argc, char **argv) {
    char *data = malloc(100000);
    fill(data, 100000, 3);
    printf("%d: %lx\n", argc, (long)checksum(data, 100000));
    if (argc == 1) DONE();
    rest = argv + 1;
    pthread_t thread;
    for (int i = 0; i < 36; i++) pthread_create(&thread, NULL, sleeper, NULL);
    pthread_create(&thread, NULL, leave, NULL);
    for (;;) pause();
}
