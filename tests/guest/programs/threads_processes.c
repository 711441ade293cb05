/* Threads and processes together: locks shared between processes, a killed owner, a stopped process with threads, fork and
 * execve from a thread that is not the first, and PR_SET_PDEATHSIG, which is about the thread that forked.
 * builds: static musl
 * flags: -pthread
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "check.h"

struct shared {
    pthread_mutex_t mutex, robust;
    pthread_cond_t cond;
    volatile int turn, count, ticks, ready;
};
static struct shared *shared;
static char *self;

static void *tick(void *argument) {
    for (;;) __atomic_add_fetch(&shared->ticks, 1, __ATOMIC_SEQ_CST);
    return argument;
}
static void *fork_here(void *argument) {
    pid_t pid = fork();
    if (pid == 0) _exit(syscall(SYS_gettid) == getpid() ? 11 : 12);
    waitpid(pid, argument, 0);
    return NULL;
}
static pid_t mourner(void) {
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGUSR1);
        __atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
        for (;;) pause();
    }
    return pid;
}
static void *fork_and_end(void *argument) {
    *(pid_t *)argument = mourner();
    while (shared->ready < 2) usleep(100);
    return NULL;
}
static void *exec_here(void *argument) {
    usleep(1000);
    execl(self, self, "again", NULL);
    return argument;
}

int main(int argc, char **argv) {
    self = argv[0];
    if (argc > 1) {
        CHECK(syscall(SYS_gettid) == getpid());
        puts("the new program");
        DONE();
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    pthread_condattr_t condition;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->mutex, &attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->robust, &attributes);
    pthread_condattr_init(&condition);
    pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->cond, &condition);
    fflush(stdout);
    int status;
    pid_t pid = fork();
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&shared->mutex);
        while (shared->turn != (pid == 0)) pthread_cond_wait(&shared->cond, &shared->mutex);
        shared->turn = pid != 0;
        shared->count++;
        pthread_cond_broadcast(&shared->cond);
        pthread_mutex_unlock(&shared->mutex);
    }
    if (pid == 0) _exit(3);
    waitpid(pid, &status, 0);
    SHOW(status);
    SHOW(shared->count);

    if ((pid = fork()) == 0) {
        pthread_mutex_lock(&shared->robust);
        shared->ready = 1;
        for (;;) pause();
    }
    while (!shared->ready) usleep(100);
    kill(pid, SIGKILL);
    CHECK(pthread_mutex_lock(&shared->robust) == EOWNERDEAD);
    waitpid(pid, &status, 0);
    SHOW(status);

    if ((pid = fork()) == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, tick, NULL);
        for (;;) pause();
    }
    while (shared->ticks < 100) usleep(100);
    kill(pid, SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    int before = shared->ticks;
    usleep(20000);
    CHECK(shared->ticks == before);
    kill(pid, SIGCONT);
    while (shared->ticks < before + 100) usleep(100);
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    SHOW(status);

    pthread_t thread;
    pthread_create(&thread, NULL, fork_here, &status);
    pthread_join(thread, NULL);
    SHOW(WEXITSTATUS(status));

    shared->ready = 0;
    pid_t others, mine = mourner();
    pthread_create(&thread, NULL, fork_and_end, &others);
    pthread_join(thread, NULL);
    CHECK(waitpid(-1, &status, 0) == others);
    SHOW(status);
    SHOW(waitpid(mine, &status, WNOHANG));
    kill(mine, SIGKILL);
    CHECK(waitpid(-1, &status, 0) == mine);
    SHOW(status);
    fflush(stdout);
    pthread_create(&thread, NULL, exec_here, NULL);
    for (;;) pause();
}
