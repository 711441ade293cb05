/* futex(2) on shared memory: processes meet on a word wherever they map it; private ones do not meet; requeueing. */
#include "check.h"
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static long futex(int *at, int operation, int value, void *timeout, int *second, int third) {
    return syscall(SYS_futex, at, operation, value, timeout, second, third);
}

static void wake_one(int *at) {
    while (futex(at, FUTEX_WAKE, 1, NULL, NULL, 0) == 0) sched_yield();
}

int main(void) {
    int fd = (int)MUST(memfd_create("x", 0));
    MUST(ftruncate(fd, 3 * PAGE));
    int *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST((long)at);
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            int *mine = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
            long result = futex(mine, FUTEX_WAIT, 0, NULL, NULL, 0);
            __atomic_fetch_add(&mine[2], result == 0 ? 1 : 100, __ATOMIC_SEQ_CST);
            _exit(0);
        }
    int *word = at + PAGE / sizeof(int), *other = at + 2 * PAGE / sizeof(int);
    wake_one(word);
    struct timespec soon = {0, 1000000};
    SHOW(futex(word, FUTEX_WAIT, 1, &soon, NULL, 0));
    SHOW(futex(word, FUTEX_WAIT, 0, &soon, NULL, 0));
    SHOW(futex(word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0)); /* Another key. */
    SHOW(futex(word, FUTEX_CMP_REQUEUE, 0, (void *)1, other, 1));
    int moved = 0;
    while (moved < 2) {
        long result = futex(word, FUTEX_CMP_REQUEUE, 0, (void *)2, other, 0);
        if (result > 0) moved += (int)result;
        sched_yield();
    }
    SHOW(futex(word, FUTEX_WAKE, 10, NULL, NULL, 0));
    SHOW(futex(other, FUTEX_WAKE, 10, NULL, NULL, 0));
    while (wait(NULL) > 0) continue;
    printf("woken %d\n", word[2]);
    /* A page that the caller may only read can be waited on, and one that is gone cannot. */
    int *reader = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(futex(reader, FUTEX_WAIT, 0, &soon, NULL, 0));
    SHOW(futex(reader + 1, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex((int *)((char *)reader + 1), FUTEX_WAKE, 1, NULL, NULL, 0));
    MUST(munmap(reader, PAGE));
    SHOW(futex(reader, FUTEX_WAIT, 0, &soon, NULL, 0));
    DONE();
}
