/* Timers and faults with threads around: an alarm while others compute, a fault repaired in the thread that made it,
 * CPU clocks of threads, /proc/self/task, and many threads asleep at once.
 * builds: static musl
 * flags: -pthread
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include "check.h"

static volatile int alarms, stop, faults;
static volatile pid_t faulted;
static void on_alarm(int number) { alarms += number == SIGALRM; }
static void on_fault(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    faults++;
    faulted = (pid_t)syscall(SYS_gettid);
    mprotect((void *)((uintptr_t)info->si_addr & ~(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
}
static void *spin(void *argument) {
    while (!stop) {
    }
    return argument;
}
static void *touch(void *argument) {
    char *page = argument;
    pid_t me = (pid_t)syscall(SYS_gettid);
    page[5] = 3;
    return faulted == me && page[5] == 3 ? argument : NULL;
}
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int arrived, leave;
static void *gather(void *argument) {
    pthread_mutex_lock(&mutex);
    arrived++;
    while (!leave) pthread_cond_wait(&cond, &mutex);
    arrived--;
    pthread_mutex_unlock(&mutex);
    return argument;
}
static long long used(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static void *work(void *argument) {
    long long *out = argument;
    for (volatile int i = 0; i < 2000000; i++) {
    }
    struct rusage usage;
    out[0] = used(CLOCK_THREAD_CPUTIME_ID);
    getrusage(RUSAGE_THREAD, &usage);
    out[1] = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec
             + usage.ru_stime.tv_usec;
    return NULL;
}
static int tasks(void) {
    DIR *directory = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

int main(void) {
    pthread_t t[200];
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, spin, NULL);
    SHOW(tasks());
    struct itimerval timer = {{0, 2000}, {0, 2000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    while (alarms < 3) pause();
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, NULL);
    CHECK(alarms >= 3);
    stop = 1;
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    SHOW(tasks());

    action = (struct sigaction){.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    char *pages = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_create(&t[0], NULL, touch, pages + i * PAGE);
        pthread_join(t[0], &result);
        CHECK(result != NULL);
    }
    SHOW(faults);

    for (int i = 0; i < 200; i++) pthread_create(&t[i], NULL, gather, NULL);
    pthread_mutex_lock(&mutex);
    while (arrived < 200) {
        pthread_mutex_unlock(&mutex);
        usleep(100);
        pthread_mutex_lock(&mutex);
    }
    leave = 1;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 200; i++) pthread_join(t[i], NULL);
    SHOW(arrived);

    long long times[2][2], before = used(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, times[i]);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    CHECK(times[0][0] > 0 && times[1][0] > 0);
    CHECK(times[0][1] > 0 && times[1][1] > 0);
    CHECK(used(CLOCK_PROCESS_CPUTIME_ID) - before >= times[0][0] + times[1][0]);

    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(1, &set);
    /* Where there is only one core there is no second. */
    CHECK(sched_setaffinity(0, sizeof set, &set) == 0 ? sched_getcpu() == 1 : errno == EINVAL);
    DONE();
}
