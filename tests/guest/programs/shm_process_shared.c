/* flags: -pthread */
/* run: anonymous */
/* run: memfd */
/* run: file */
/* run: sysv */
/* The C library's mutex, condition variable, semaphore and barrier with PTHREAD_PROCESS_SHARED, on every kind of shared
 * memory, between a parent and a child that maps it elsewhere. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/shm.h>
#include <sys/wait.h>

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    pthread_barrier_t barrier;
    pthread_rwlock_t lock;
    sem_t semaphore;
    int turn, count;
};

static struct shared *another_view(const char *kind, int fd, struct shared *old) {
    void *map;
    if (!strcmp(kind, "anonymous"))
        map = mremap(old, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)old - 64 * PAGE);
    else if (!strcmp(kind, "sysv"))
        map = shmat(fd, NULL, 0);
    else
        map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return map == MAP_FAILED ? NULL : map;
}

int main(int argc, char **argv) {
    const char *kind = argc > 1 ? argv[1] : "anonymous";
    int fd = -1;
    struct shared *at;
    if (!strcmp(kind, "sysv")) {
        fd = (int)MUST(shmget(IPC_PRIVATE, PAGE, 0600));
        at = shmat(fd, NULL, 0);
        MUST(shmctl(fd, IPC_RMID, NULL));
    } else {
        if (!strcmp(kind, "memfd")) fd = (int)MUST(memfd_create("x", 0));
        if (!strcmp(kind, "file")) fd = make_file("shared", 0, 0);
        if (fd >= 0) MUST(ftruncate(fd, PAGE));
        at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
    }
    MUST((long)at);
    pthread_mutexattr_t mutex;
    pthread_mutexattr_init(&mutex);
    SHOW(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED));
    SHOW(pthread_mutex_init(&at->mutex, &mutex));
    pthread_condattr_t condition;
    pthread_condattr_init(&condition);
    SHOW(pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED));
    SHOW(pthread_cond_init(&at->condition, &condition));
    pthread_barrierattr_t barrier;
    pthread_barrierattr_init(&barrier);
    SHOW(pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED));
    SHOW(pthread_barrier_init(&at->barrier, &barrier, 2));
    pthread_rwlockattr_t lock;
    pthread_rwlockattr_init(&lock);
    SHOW(pthread_rwlockattr_setpshared(&lock, PTHREAD_PROCESS_SHARED));
    SHOW(pthread_rwlock_init(&at->lock, &lock));
    SHOW(sem_init(&at->semaphore, 1, 0));
    fflush(stdout);
    pid_t pid = (pid_t)MUST(fork());
    if (!pid && !(at = another_view(kind, fd, at))) _exit(9);
    pthread_barrier_wait(&at->barrier);
    for (int i = 0; i < 10; i++) {
        pthread_mutex_lock(&at->mutex);
        while (at->turn != !pid) pthread_cond_wait(&at->condition, &at->mutex);
        at->turn = !at->turn;
        at->count++;
        pthread_cond_signal(&at->condition);
        pthread_mutex_unlock(&at->mutex);
    }
    pthread_rwlock_wrlock(&at->lock);
    at->count += 100;
    pthread_rwlock_unlock(&at->lock);
    if (!pid) {
        sem_post(&at->semaphore);
        _exit(0);
    }
    SHOW(sem_wait(&at->semaphore));
    int status;
    waitpid(pid, &status, 0);
    printf("child %d count %d\n", status, at->count);
    DONE();
}
