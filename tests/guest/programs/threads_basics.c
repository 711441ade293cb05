/* Threads: creation, results, identity, storage of their own, names, detached ones, pthread_once, many in a row.
 * builds: static dynamic musl
 * flags: -pthread
 */
#include <pthread.h>
#include <sys/syscall.h>
#include "check.h"

static __thread int own = 7;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_count;
static pthread_key_t key;
static int destroyed;

static void do_once(void) { once_count++; }
static void destructor(void *value) { __atomic_add_fetch(&destroyed, (int)(long)value, __ATOMIC_SEQ_CST); }

static void *square(void *argument) {
    long n = (long)argument;
    own += (int)n;
    pthread_once(&once, do_once);
    pthread_setspecific(key, (void *)n);
    double x = (double)n;
    for (int i = 0; i < 1000; i++) x = x * 1.0000001;
    return (void *)(n * n + (own == 7 + (int)n ? 0 : 1000000) + (x > (double)n || n == 0 ? 0 : 500000));
}

static void *identity(void *argument) {
    pid_t *tids = argument;
    tids[0] = (pid_t)syscall(SYS_gettid);
    tids[1] = getpid();
    return NULL;
}

static long sum;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void *add(void *argument) {
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&mutex);
        sum += (long)argument;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static int done;
static void *detached(void *argument) {
    (void)argument;
    __atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* /proc has a directory for each thread's number, which it does not list. */
static void *looked_up(void *argument) {
    char path[40], name[16] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", syscall(SYS_gettid));
    int fd = (int)MUST(open(path, O_RDWR));
    SHOW(write(fd, "of a thread", 11));
    SHOW(pread(fd, name, 15, 0));
    printf("%s", name);
    close(fd);
    return argument;
}

static void *nothing(void *argument) { return argument; }

int main(void) {
    pthread_t threads[64];
    void *result;
    long total = 0;
    CHECK(pthread_key_create(&key, destructor) == 0);
    for (long i = 0; i < 8; i++) CHECK(pthread_create(&threads[i], NULL, square, (void *)i) == 0);
    for (long i = 0; i < 8; i++) {
        pthread_join(threads[i], &result);
        total += (long)result;
    }
    SHOW(total);
    SHOW(once_count);
    SHOW(destroyed);
    SHOW(own);

    pid_t tids[2][2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, identity, tids[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CHECK(tids[0][0] != tids[1][0] && tids[0][0] != getpid() && tids[1][0] != getpid());
    CHECK(tids[0][1] == getpid() && tids[1][1] == getpid());
    CHECK(syscall(SYS_gettid) == getpid());

    for (long i = 0; i < 64; i++) pthread_create(&threads[i], NULL, add, (void *)(i + 1));
    for (long i = 0; i < 64; i++) pthread_join(threads[i], NULL);
    SHOW(sum);

    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    SHOW(pthread_create(&threads[0], &attributes, detached, NULL));
    while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST)) usleep(100);

    char name[16];
    SHOW(pthread_setname_np(pthread_self(), "a name"));
    pthread_getname_np(pthread_self(), name, sizeof name);
    puts(name);
    SHOW(pthread_setname_np(pthread_self(), "a name that is too long"));

    MUST(-pthread_create(&threads[0], NULL, looked_up, NULL));
    pthread_join(threads[0], NULL);

    int failed = 0;
    for (long i = 0; i < 300; i++) {
        if (pthread_create(&threads[0], NULL, nothing, (void *)i)) failed++;
        if (pthread_join(threads[0], &result) || result != (void *)i) failed++;
    }
    SHOW(failed);
    DONE();
}
