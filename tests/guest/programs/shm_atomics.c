/* flags: -pthread */
/* Processes and threads add to the same words of anonymous shared memory, at different addresses, and none gets lost;
 * messages pass through a ring with a lock made of an atomic exchange. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { PROCESSES = 2, THREADS = 2, ROUNDS = 60, PAGES = 40, SLOTS = 4 };

struct shared {
    _Atomic unsigned long total;
    _Atomic int lock;
    int head, tail;
    int ring[SLOTS];
    unsigned long plain;
};

static char *base;

static void *work(void *argument) {
    char *map = argument;
    for (int i = 0; i < ROUNDS; i++) {
        for (int page = 0; page < PAGES; page += 13) {
            struct shared *at = (struct shared *)(map + (size_t)page * PAGE);
            at->total++;
        }
        struct shared *first = (struct shared *)map;
        while (atomic_exchange_explicit(&first->lock, 1, memory_order_acquire)) sched_yield();
        first->plain = first->plain * 1 + 3;
        atomic_store_explicit(&first->lock, 0, memory_order_release);
    }
    return NULL;
}

static void worker(int number) {
    /* Each process sees the memory at an address of its own. */
    char *place = mmap(NULL, (PAGES + 8) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *mine = mremap(base, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place + number * PAGE);
    if (mine == MAP_FAILED) _exit(9);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, mine);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    _exit(0);
}

static void messages(void) {
    struct shared *at = (struct shared *)(base + 7 * PAGE);
    if (fork() == 0) {
        for (int i = 1; i <= 100;) {
            while (atomic_exchange(&at->lock, 1)) sched_yield();
            if (at->head - at->tail < SLOTS) at->ring[at->head++ % SLOTS] = i++;
            atomic_store(&at->lock, 0);
            if (at->head - at->tail == SLOTS) sched_yield();
        }
        _exit(0);
    }
    long sum = 0, wrong = 0;
    for (int i = 1; i <= 100;) {
        while (atomic_exchange(&at->lock, 1)) sched_yield();
        if (at->head > at->tail) {
            int got = at->ring[at->tail++ % SLOTS];
            wrong += got != i++;
            sum += got;
        }
        atomic_store(&at->lock, 0);
        if (at->head == at->tail) sched_yield();
    }
    wait(NULL);
    printf("sum %ld wrong %ld\n", sum, wrong);
}

int main(void) {
    base = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST((long)base);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) worker(i);
    int status, bad = 0;
    while (wait(&status) > 0) bad += status != 0;
    printf("bad %d\n", bad);
    for (int page = 0; page < PAGES; page += 13)
        printf("page %d total %lu\n", page, ((struct shared *)(base + (size_t)page * PAGE))->total);
    printf("plain %lu\n", ((struct shared *)base)->plain);
    messages();
    DONE();
}
