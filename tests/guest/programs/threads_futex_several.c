/* builds: static musl
 * flags: -pthread
 * futex_waitv(2): what it refuses, which of several words woke, both clocks, a word twice, signals. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#define WAITV 449
#define SHARED 2U
#define PRIVATE (2U | 128U)
struct waiter {
    uint64_t value, address;
    uint32_t flags, reserved;
};
static int words[4];
static struct waiter list[129];
static volatile pid_t waiting;
static long result;
static int error;

static long waitv(void *waiters, unsigned count, unsigned flags, void *timeout, int clock) {
    return syscall(WAITV, waiters, count, flags, timeout, clock);
}
static void fill_list(unsigned flags) {
    for (int i = 0; i < 129; i++) list[i] = (struct waiter){0, (uintptr_t)&words[i % 4], flags, 0};
}
static void *wait_for_three(void *argument) {
    waiting = (pid_t)syscall(SYS_gettid);
    errno = 0;
    result = waitv(list, 3, 0, argument, CLOCK_REALTIME);
    error = errno;
    return NULL;
}
static pthread_t start(void *timeout) {
    pthread_t thread;
    char name[64], state = 'R';
    waiting = 0;
    pthread_create(&thread, NULL, wait_for_three, timeout);
    while (state != 'S') {
        usleep(500);
        sprintf(name, "/proc/self/task/%d/stat", waiting);
        FILE *file = waiting ? fopen(name, "r") : NULL;
        if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = '?';
        if (file) fclose(file);
    }
    return thread;
}
static void finish(pthread_t thread) {
    pthread_join(thread, NULL);
    printf("woken by %ld, %s\n", result, error_name(error));
}
static int handled;
static void handler(int number) { handled += number == SIGUSR1; }

int main(void) {
    struct timespec past = {0, 0}, bad = {0, 1000000000}, later;
    fill_list(PRIVATE);
    SHOW(waitv(list, 0, 0, NULL, 0));
    SHOW(waitv(list, 129, 0, NULL, 0));
    SHOW(waitv(NULL, 1, 0, NULL, 0));
    SHOW(waitv((void *)8, 1, 0, NULL, 0));
    SHOW(waitv(list, 1, 1, NULL, 0));
    SHOW(waitv(list, 1, 0, &past, CLOCK_BOOTTIME));
    SHOW(waitv(list, 1, 0, &bad, CLOCK_MONOTONIC));
    SHOW(waitv(list, 1, 0, (void *)8, CLOCK_MONOTONIC));
    SHOW(waitv(list, 128, 0, &past, CLOCK_MONOTONIC));
    SHOW(waitv(list, 2, 0, &past, CLOCK_REALTIME));
    words[1] = 5;
    SHOW(waitv(list, 2, 0, &past, CLOCK_REALTIME));
    list[1].value = 5;
    SHOW(waitv(list, 2, 0, &past, CLOCK_REALTIME));
    list[1].reserved = 1;
    SHOW(waitv(list, 2, 0, &past, CLOCK_REALTIME));
    list[1] = (struct waiter){5, (uintptr_t)&words[1], 128, 0};
    SHOW(waitv(list, 2, 0, &past, CLOCK_REALTIME));
    list[1] = (struct waiter){5, (uintptr_t)&words[1] + 1, PRIVATE, 0};
    SHOW(waitv(list, 2, 0, &past, CLOCK_REALTIME));
    list[1] = (struct waiter){5, 8, SHARED, 0};
    SHOW(waitv(list, 2, 0, &past, CLOCK_REALTIME));
    words[1] = 0;

    for (int i = 0; i < 3; i++) {
        fill_list(i == 1 ? SHARED : PRIVATE);
        pthread_t thread = start(NULL);
        long woken = syscall(SYS_futex, &words[i], i == 1 ? 1 : 129, 9, NULL, NULL, 0);
        finish(thread);
        SHOW(woken);
        SHOW(syscall(SYS_futex, &words[(i + 1) % 3], i == 1 ? 1 : 129, 9, NULL, NULL, 0));
    }
    fill_list(PRIVATE);
    list[2] = list[0];
    pthread_t thread = start(NULL);
    long woken = syscall(SYS_futex, &words[0], 129, 9, NULL, NULL, 0);
    finish(thread);
    SHOW(woken);

    clock_gettime(CLOCK_REALTIME, &later);
    later.tv_nsec += 30000000;
    if (later.tv_nsec >= 1000000000) later.tv_sec++, later.tv_nsec -= 1000000000;
    finish(start(&later));
    struct sigaction action = {.sa_handler = handler};
    for (int i = 0; i < 2; i++) {
        action.sa_flags = i ? 0 : SA_RESTART;
        sigaction(SIGUSR1, &action, NULL);
        thread = start(NULL);
        syscall(SYS_tgkill, getpid(), waiting, SIGUSR1);
        while (handled <= i) usleep(500);
        if (!i) usleep(20000), woken = syscall(SYS_futex, &words[1], 129, 9, NULL, NULL, 0);
        finish(thread);
    }
    DONE();
}
