/* futex(2) itself: values, counts, bitsets, requeueing, WAKE_OP, priority-inheriting locks, errors.
 * flags: -pthread
 */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

static int word, other;
static int asleep;
static int order[8], order_count;
static pid_t numbers[8];

static long futex(int *at, int op, int value, void *timeout, int *second, int third) {
    return syscall(SYS_futex, at, op, value, timeout, second, third);
}

struct how {
    int op, bits, result, error;
};

static void *wait_for(void *argument) {
    struct how *how = argument;
    __atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
    how->result = (int)futex(&word, how->op, 0, NULL, NULL, how->bits);
    how->error = errno;
    order[__atomic_fetch_add(&order_count, 1, __ATOMIC_SEQ_CST)] = how->bits;
    return NULL;
}

static pthread_t start(struct how *how, int number) {
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for, how);
    while (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) != number) usleep(100);
    usleep(20000);
    return thread;
}

static int lock;
static void *lock_pi(void *argument) {
    numbers[0] = (pid_t)syscall(SYS_gettid);
    *(long *)argument = futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    CHECK((lock & FUTEX_TID_MASK) == numbers[0]);
    SHOW(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    return NULL;
}

int main(void) {
    struct timespec soon = {0, 2000000}, bad = {0, 1000000000}, past = {0, 0};
    SHOW(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT, 0, &soon, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &past, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, &soon, NULL, -1));
    SHOW(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &soon, NULL, -1));
    SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, &soon, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
    SHOW(futex((int *)((char *)&word + 1), FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(NULL, FUTEX_WAIT, 0, NULL, NULL, 0));
    SHOW(futex(NULL, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(NULL, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&word, 77, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE, 1, NULL, &other, 5));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE, -1, NULL, &other, 0));

    pthread_t t[4];
    struct how how[4] = {{FUTEX_WAIT_BITSET_PRIVATE, 1, 0, 0}, {FUTEX_WAIT_BITSET_PRIVATE, 2, 0, 0},
                         {FUTEX_WAIT_BITSET_PRIVATE, 4, 0, 0}, {FUTEX_WAIT_BITSET_PRIVATE, 8, 0, 0}};
    for (int i = 0; i < 4; i++) t[i] = start(&how[i], i + 1);
    SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4));
    pthread_join(t[2], NULL);
    SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 64));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &other, 0));
    pthread_join(t[0], NULL);
    SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    pthread_join(t[3], NULL);
    SHOW(futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    pthread_join(t[1], NULL);
    for (int i = 0; i < 4; i++) printf("woken: %d, result %d\n", order[i], how[i].result);

    other = 5;
    asleep = 0;
    t[0] = start(&how[0], 1);
    SHOW(futex(&other, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0)));
    pthread_join(t[0], NULL);
    SHOW(word);
    SHOW(futex(&other, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word, FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_GT, 9)));
    SHOW(word);
    SHOW(futex(&other, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word,
               FUTEX_OP(FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_LT, 9)));
    SHOW(word);

    long result = -5;
    SHOW(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    CHECK(lock == syscall(SYS_gettid));
    SHOW(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    pthread_create(&t[0], NULL, lock_pi, &result);
    while (!(__atomic_load_n(&lock, __ATOMIC_SEQ_CST) & FUTEX_WAITERS)) usleep(100);
    usleep(20000);
    long unlocked = futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    pthread_join(t[0], NULL);
    SHOW(unlocked);
    SHOW(result);
    SHOW(lock);
    SHOW(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
    DONE();
}
