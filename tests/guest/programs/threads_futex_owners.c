/* run: circle
 * run: words
 * run: died
 * run: apart
 * builds: static musl
 * flags: -pthread
 * Priority-inheriting futexes: a circle of owners is EDEADLK; a word that contradicts those who wait is refused; the last
 * owner's death gives the lock to one of two; and who waits without FUTEX_PRIVATE_FLAG does not meet who wakes with it. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct shared {
    struct robust_list_head head;
    struct robust_list entry;
    int lock;
    volatile int held;
};
static int word, first, second, third;
static struct shared *shared;
static volatile pid_t waiting;

static long futex(int *at, int op, int value, void *timeout, int *other, int third_value) {
    return syscall(SYS_futex, at, op, value, timeout, other, third_value);
}
static pid_t gettid_(void) { return (pid_t)syscall(SYS_gettid); }
static int asleep(void) { /* Whether the thread that said so has arrived in its call. */
    char name[64], state = 'R';
    sprintf(name, "/proc/self/task/%d/stat", waiting);
    FILE *file = waiting ? fopen(name, "r") : NULL;
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = '?';
    if (file) fclose(file);
    return state == 'S';
}
static void start(pthread_t *thread, void *(*run)(void *), void *argument) {
    waiting = 0;
    pthread_create(thread, NULL, run, argument);
    while (!asleep()) usleep(500);
}

/* The k-th thread holds the k-th lock and wants the one before. */
static void *hold_and_want(void *argument) {
    int *own = argument;
    int *wanted = own == &third ? &second : &first;
    int mine = futex(own, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0;
    waiting = gettid_();
    mine &= futex(wanted, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0;
    futex(wanted, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    futex(own, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    return (void *)(long)mine;
}
static void circle(void) {
    pthread_t threads[2];
    void *fine[2];
    struct timespec past = {0, 0};
    SHOW(futex(&first, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    start(&threads[0], hold_and_want, &second);
    CHECK(futex(&second, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == -1 && errno == EDEADLK);
    start(&threads[1], hold_and_want, &third);
    CHECK(futex(&third, FUTEX_LOCK_PI_PRIVATE, 0, &past, NULL, 0) == -1 && errno == EDEADLK);
    SHOW(futex(&third, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    SHOW(futex(&first, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    for (int i = 0; i < 2; i++) pthread_join(threads[i], &fine[i]);
    CHECK(fine[0] && fine[1]);
}

static void *want_first(void *argument) {
    waiting = gettid_();
    *(long *)argument = futex(&first, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    printf("the word says %x\n", (unsigned)first & ~FUTEX_TID_MASK);
    futex(&first, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}
static void words(void) {
    pthread_t thread;
    long result = 9;
    SHOW(futex(&first, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    start(&thread, want_first, &result);
    SHOW(futex(&first, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex(&first, FUTEX_REQUEUE_PRIVATE, 1, (void *)1, &word, 0));
    SHOW(futex(&first, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word, FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 9)));
    SHOW(word);
    int before = first;
    first = 0;
    SHOW(futex(&first, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    first = waiting;
    SHOW(futex(&first, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    first = FUTEX_OWNER_DIED;
    SHOW(futex(&first, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    first = before;
    long unlocked = futex(&first, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    pthread_join(thread, NULL);
    SHOW(unlocked);
    SHOW(result);
    SHOW(first);
    first = FUTEX_TID_MASK;
    SHOW(futex(&first, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    printf("the word says %x\n", (unsigned)first & ~FUTEX_TID_MASK);
}

static void *want_shared(void *argument) {
    waiting = gettid_();
    long result = futex(&shared->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    int mine = (shared->lock & FUTEX_TID_MASK) == gettid_(), died = !!(shared->lock & FUTEX_OWNER_DIED);
    usleep(2000);
    mine &= (shared->lock & FUTEX_TID_MASK) == gettid_();
    __atomic_and_fetch(&shared->lock, ~FUTEX_OWNER_DIED, __ATOMIC_SEQ_CST);
    *(int *)argument = result == 0 && mine ? 1 + died : -1;
    futex(&shared->lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return NULL;
}
static void died(void) {
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        shared->head.list.next = &shared->entry; /* Without the bit for priority inheritance, as musl does. */
        shared->entry.next = &shared->head.list;
        shared->head.futex_offset = (char *)&shared->lock - (char *)&shared->entry;
        syscall(SYS_set_robust_list, &shared->head, sizeof shared->head);
        futex(&shared->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
        for (shared->held = 1; shared->held == 1;) usleep(500);
        syscall(SYS_exit_group, 0);
    }
    pthread_t threads[2];
    int got[2];
    while (!shared->held) usleep(500);
    for (int i = 0; i < 2; i++) start(&threads[i], want_shared, &got[i]);
    shared->held = 2;
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    waitpid(child, NULL, 0);
    printf("first %d, second %d, word %d\n", got[0], got[1], shared->lock);
}

static void *wait_here(void *argument) {
    waiting = gettid_();
    futex(&word, *(int *)argument, 0, NULL, NULL, 0);
    return NULL;
}
static void apart(void) {
    for (int i = 0; i < 2; i++) {
        int flag = i ? FUTEX_PRIVATE_FLAG : 0, wait_op = FUTEX_WAIT | flag;
        pthread_t thread;
        start(&thread, wait_here, &wait_op);
        SHOW(futex(&word, FUTEX_WAKE | (flag ^ FUTEX_PRIVATE_FLAG), 1, NULL, NULL, 0));
        long woken = futex(&word, FUTEX_WAKE | flag, 1, NULL, NULL, 0);
        SHOW(woken);
        pthread_join(thread, NULL);
    }
    int *locked = (int *)map_anonymous(2 * PAGE), *view = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *locked = 0;
    mprotect(locked, PAGE, PROT_READ);
    int *kernels = (int *)(1UL << 47);
    SHOW(futex(locked, FUTEX_WAIT, 1, NULL, NULL, 0));
    SHOW(futex(locked, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex(locked, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(view, FUTEX_WAIT, 1, NULL, NULL, 0));
    SHOW(futex(kernels, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_REQUEUE_PRIVATE, 1, (void *)1, kernels, 0));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, view, 0));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)1, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, view, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)));
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "circle")) circle();
    if (!strcmp(what, "words")) words();
    if (!strcmp(what, "died")) died();
    if (!strcmp(what, "apart")) apart();
    DONE();
}
