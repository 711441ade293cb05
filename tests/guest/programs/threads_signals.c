/* Signals and threads: to one thread, to any that does not block it, masks of their own, sigwait, EINTR, faults.
 * builds: static musl
 * flags: -pthread
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

static volatile pid_t handled_by[65];
static volatile int handled;
static void note(int number) {
    handled_by[number] = (pid_t)syscall(SYS_gettid);
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}
static volatile pid_t worker;
static volatile int go;

static void *sleeper(void *argument) {
    worker = (pid_t)syscall(SYS_gettid);
    struct timespec long_time = {1000, 0};
    int result = nanosleep(&long_time, NULL);
    *(int *)argument = result == -1 ? errno : 0;
    return NULL;
}
static void *spinner(void *argument) {
    worker = (pid_t)syscall(SYS_gettid);
    while (!go) {
    }
    return argument;
}
static void *waiter(void *argument) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    worker = (pid_t)syscall(SYS_gettid);
    int number = 0;
    sigwait(&set, &number);
    *(int *)argument = number;
    return NULL;
}
static void *blocker(void *argument) {
    sigset_t all;
    sigfillset(&all);
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *(int *)argument = sigismember(&before, SIGUSR2) * 2 + sigismember(&before, SIGUSR1);
    worker = (pid_t)syscall(SYS_gettid);
    while (!go) usleep(100);
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    pthread_t t;
    int result = -1;

    pthread_create(&t, NULL, sleeper, &result);
    while (!worker) usleep(100);
    usleep(20000);
    SHOW(pthread_kill(t, SIGUSR1));
    pthread_join(t, NULL);
    CHECK(result == EINTR);
    CHECK(handled_by[SIGUSR1] == worker && handled == 1);

    worker = 0;
    pthread_create(&t, NULL, spinner, NULL);
    while (!worker) usleep(100);
    SHOW(pthread_kill(t, SIGUSR1));
    while (handled < 2) usleep(100);
    CHECK(handled_by[SIGUSR1] == worker);
    SHOW(kill(getpid(), SIGUSR2));
    while (handled < 3) usleep(100);
    CHECK(handled_by[SIGUSR2] == getpid());
    go = 1;
    pthread_join(t, NULL);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    worker = 0;
    pthread_create(&t, NULL, waiter, &result);
    while (!worker) usleep(100);
    usleep(20000);
    SHOW(kill(getpid(), SIGUSR2));
    pthread_join(t, NULL);
    CHECK(result == SIGUSR2);
    SHOW(handled);

    worker = go = 0;
    pthread_create(&t, NULL, blocker, &result);
    while (!worker) usleep(100);
    SHOW(result);
    SHOW(pthread_kill(t, SIGUSR1));
    usleep(1000);
    SHOW(handled);
    SHOW(kill(getpid(), SIGUSR1));
    while (handled < 4) usleep(100);
    CHECK(handled_by[SIGUSR1] == getpid());
    go = 1;
    pthread_join(t, NULL);
    SHOW(handled);
    while (!syscall(SYS_tgkill, getpid(), worker, 0)) usleep(100); /* Who joins is told before the number is free. */
    SHOW(syscall(SYS_tgkill, getpid(), worker, 0));
    SHOW(syscall(SYS_tgkill, getpid(), getpid(), 0));
    DONE();
}
