/* How long it takes, by the machine's clock, from where a process's end begins until others notice:
 * machine_ending HOW WHAT. Prints nanoseconds, and before that whether a look at once found it ended. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static struct shared {
    volatile long began;
    volatile int ready;
} *shared;

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void *end_all(void *unused) {
    (void)unused;
    shared->began = now();
    _exit(3);
}

static void *end_one(void *unused) {
    (void)unused;
    shared->began = now();
    return NULL;
}

static void *sleep_long(void *unused) { return (void)unused, (void *)(long)usleep(1000000); }

static void end(const char *how, char **argv) {
    pthread_t thread;
    shared->ready = 1;
    if (!strcmp(how, "killed")) pause();
    usleep(1000); /* Until the parent waits. */
    if (!strcmp(how, "thread")) {
        pthread_create(&thread, NULL, end_all, NULL);
        pause();
    }
    if (!strcmp(how, "exec")) { /* What it starts ends by itself. */
        pthread_create(&thread, NULL, sleep_long, NULL);
        shared->began = now();
        execl("/proc/self/exe", argv[0], "nothing", NULL);
    }
    shared->began = now();
    if (!strcmp(how, "fault")) *(volatile int *)8 = 1;
    _exit(3);
}

static void until_noticed(const char *what, pid_t pid, int descriptor) {
    char byte;
    if (!strcmp(what, "wait")) return (void)MUST(waitpid(pid, NULL, 0));
    if (!strcmp(what, "pipe")) return (void)read(descriptor, &byte, 1);
    if (!strcmp(what, "lock")) return (void)flock(open("lock", O_RDWR), LOCK_EX);
    if (!strcmp(what, "signal")) {
        sigset_t set;
        sigemptyset(&set), sigaddset(&set, SIGCHLD);
        return (void)sigwaitinfo(&set, NULL);
    }
    if (!strcmp(what, "pidfd")) {
        struct pollfd file = {.fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
        return (void)poll(&file, 1, -1);
    }
    while (waitpid(pid, NULL, WNOHANG) == 0) {} /* "look" */
}

int main(int argc, char **argv) {
    if (argc < 3) return 0;
    if (!strcmp(argv[1], "join")) {
        shared = malloc(sizeof *shared);
        pthread_t thread;
        pthread_create(&thread, NULL, end_one, NULL);
        pthread_join(thread, NULL);
        return printf("0 %ld\n", now() - shared->began), 0;
    }
    sigset_t child;
    sigemptyset(&child), sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2], file = open("lock", O_RDWR | O_CREAT, 0600);
    MUST(pipe(ends));
    if (!strcmp(argv[2], "lock")) flock(file, LOCK_EX);
    if (!strcmp(argv[1], "vfork")) {
        pid_t pid = vfork();
        if (!pid) {
            shared->began = now();
            _exit(0);
        }
        long released = now();
        waitpid(pid, NULL, 0);
        return printf("%ld %ld\n", released - shared->began, now() - shared->began), 0;
    }
    pid_t pid = MUST(fork());
    if (!pid) {
        close(ends[0]);
        end(argv[1], argv);
    }
    close(ends[1]), close(file);
    while (!shared->ready) usleep(100);
    usleep(200); /* It sleeps by now. */
    int early = 0;
    if (!strcmp(argv[1], "killed")) {
        shared->began = now();
        kill(pid, SIGKILL);
        early = waitpid(pid, NULL, WNOHANG) != 0;
    }
    until_noticed(argv[2], pid, ends[0]);
    printf("%d %ld\n", early, now() - shared->began);
    return 0;
}
