/* builds: static musl */
/* flags: -pthread */
/* A robust mutex in shared memory whose owner dies: by exit, by a signal, and while somebody waits for it. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

struct shared {
    pthread_mutex_t mutex;
    volatile int locked, waiting;
};

static struct shared *at;

static const char *outcome(int result) {
    return result == 0 ? "locked" : result == EOWNERDEAD ? "EOWNERDEAD" : result == ENOTRECOVERABLE ? "ENOTRECOVERABLE" : "?";
}

static void holder(int die) {
    pthread_mutex_lock(&at->mutex);
    at->locked = 1;
    while (die == 2 && !at->waiting) usleep(500);
    if (die == 2) usleep(2000);
    if (die == 1) raise(SIGKILL);
    _exit(0);
}

int main(void) {
    at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST((long)at);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    SHOW(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
    SHOW(pthread_mutex_init(&at->mutex, &attributes));
    for (int die = 0; die < 3; die++) {
        at->locked = at->waiting = 0;
        pid_t pid = (pid_t)MUST(fork());
        if (!pid) holder(die);
        while (!at->locked) usleep(500);
        int status;
        if (die < 2) waitpid(pid, &status, 0);
        at->waiting = 1;
        printf("%d: %s\n", die, outcome(pthread_mutex_lock(&at->mutex)));
        if (die == 2) waitpid(pid, &status, 0);
        SHOW(pthread_mutex_consistent(&at->mutex));
        SHOW(pthread_mutex_unlock(&at->mutex));
        printf("again: %s\n", outcome(pthread_mutex_lock(&at->mutex)));
        SHOW(pthread_mutex_unlock(&at->mutex));
    }
    if (!fork()) holder(0);
    wait(NULL);
    printf("%s\n", outcome(pthread_mutex_lock(&at->mutex)));
    SHOW(pthread_mutex_unlock(&at->mutex)); /* Not made consistent: lost for ever. */
    printf("%s\n", outcome(pthread_mutex_lock(&at->mutex)));
    DONE();
}
