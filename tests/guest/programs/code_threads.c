/* flags: -pthread */
/* One thread writes code, another runs it: in one RWX page, and in two views of a memfd. */
#include "code_jit.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = 40 };

static unsigned char *writer, *runner;
static _Atomic int turn;
static long wrong;

static void *runs(void *unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        while (atomic_load(&turn) != 2 * i + 1) sched_yield();
        wrong += run(runner) != i * 7;
        atomic_store(&turn, 2 * i + 2);
    }
    return NULL;
}

static void both(const char *what) {
    pthread_t thread;
    atomic_store(&turn, 0);
    wrong = 0;
    pthread_create(&thread, NULL, runs, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        while (atomic_load(&turn) != 2 * i) sched_yield();
        emit(writer, i * 7);
        atomic_store(&turn, 2 * i + 1);
    }
    pthread_join(thread, NULL);
    printf("%s: wrong %ld\n", what, wrong);
}

int main(void) {
    writer = runner = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST((long)writer);
    both("one page");
    int fd = (int)MUST(memfd_create("code", 0));
    MUST(ftruncate(fd, PAGE));
    writer = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    runner = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    both("two views");
    DONE();
}
