/* Addresses that no program has, each one bit away from one that it has: never memory of somebody else. Several processes
 * with the same addresses look for each other, by loads, stores, calls and jumps. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { CHILDREN = 6 };
static char data[PAGE] __attribute__((aligned(PAGE)));
static sigjmp_buf before;

static void back(int number) { siglongjmp(before, number); }

static int probe(unsigned long bit) {
    volatile int found = 0;
    char *at = (char *)((uintptr_t)data | bit);
    if (!sigsetjmp(before, 1)) found += *(volatile char *)at != 1;
    if (!sigsetjmp(before, 1)) *(volatile char *)(at + 32) = 'x', found++;
    if (!sigsetjmp(before, 1)) {
        void (*function)(void);
        uintptr_t far = (uintptr_t)&getppid | bit;
        memcpy(&function, &far, sizeof far);
        function();
        found++;
    }
    found += syscall(SYS_clock_gettime, CLOCK_REALTIME, at) != -1 || errno != EFAULT;
    return found;
}

/* Shared objects likewise: the pages of one far beyond its end are not those of another. */
static int probe_objects(void) {
    volatile int found = 0;
    int fds[CHILDREN];
    char *views[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        fds[i] = (int)MUST(memfd_create("object", 0));
        MUST(ftruncate(fds[i], PAGE));
        views[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0);
        views[i][0] = 1;
    }
    for (volatile int i = 0; i < CHILDREN; i++)
        for (volatile int bit = 47; bit < 62; bit++) {
            char *far = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 1L << bit);
            MUST((long)far);
            if (!sigsetjmp(before, 1)) *(volatile char *)far = 2, found++;
            MUST(munmap(far, PAGE));
        }
    for (int i = 0; i < CHILDREN; i++) found += views[i][0] != 1;
    return found;
}

int main(void) {
    int gate[2], status, failed = 0;
    MUST(pipe(gate));
    signal(SIGSEGV, back), signal(SIGBUS, back);
    for (int i = 0; i < CHILDREN; i++) {
        if (MUST(fork())) continue;
        snprintf(data, sizeof data, "child %d", i);
        int found = 0;
        for (int bit = 47; bit < 64; bit++) found += probe(1UL << bit);
        char mine[16] = {0}, byte;
        snprintf(mine, sizeof mine, "child %d", i);
        close(gate[1]);
        MUST(read(gate[0], &byte, 1)); /* Nobody ends before all have tried. */
        _exit(found ? 1 : memcmp(data, mine, sizeof mine) || data[32] ? 2 : 0);
    }
    close(gate[1]);
    for (int i = 0; i < CHILDREN; i++) MUST(wait(&status)), failed += status != 0;
    SHOW(failed);
    SHOW(probe_objects());
    DONE();
}
