/* What a number of a thread that is not its process's first is good for, and the ids of threads, which each has of its
 * own: C libraries change those of all. Only root can become somebody else, so everybody else shows nothing of that.
 * builds: static dynamic
 * flags: -pthread
 */
#include "check.h"
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static pthread_barrier_t step;
static volatile sig_atomic_t taken;
static pid_t number;

static void handler(int signal_number) { taken = signal_number; }

static void show_ids(const char *who) {
    unsigned r, e, s;
    gid_t groups[8];
    MUST(syscall(SYS_getresuid, &r, &e, &s));
    printf("%s: %u %u %u, file system %u", who, r, e, s, (unsigned)setfsuid(-1));
    MUST(syscall(SYS_getresgid, &r, &e, &s));
    printf("; %u %u %u, %u", r, e, s, (unsigned)setfsgid(-1));
    printf("; %d groups\n", (int)syscall(SYS_getgroups, 8, groups));
}

static void show_capabilities(const char *who, pid_t of) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, of};
    struct __user_cap_data_struct data[2];
    MUST(syscall(SYS_capget, &header, data));
    printf("%s: %s %s\n", who, data[0].effective >> CAP_CHOWN & 1 ? "chown" : "-", data[0].permitted >> CAP_KILL & 1 ? "kill" : "-");
}

static void *numbered(void *argument) {
    number = (pid_t)syscall(SYS_gettid);
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    return argument;
}

static void numbers(void) {
    pthread_t thread;
    struct rlimit limit;
    siginfo_t info = {.si_code = SI_QUEUE};
    signal(SIGUSR1, handler);
    pthread_create(&thread, NULL, numbered, NULL);
    pthread_barrier_wait(&step);
    CHECK(number != getpid());
    SHOW(kill(number, 0));
    SHOW(kill(number, SIGUSR1)); /* Its process's, whoever takes it. */
    while (!taken) usleep(100);
    SHOW(syscall(SYS_rt_sigqueueinfo, number, SIGUSR1, &info));
    CHECK(getpgid(number) == getpgrp() && getsid(number) == getsid(0));
    SHOW(setpgid(number, 0));
    SHOW(prlimit(number, RLIMIT_NOFILE, NULL, &limit));
    SHOW(kill(-number, 0));
    SHOW(waitpid(number, NULL, 0));
    SHOW(syscall(SYS_tgkill, number, number, 0));
    pthread_barrier_wait(&step);
    pthread_join(thread, NULL);
    while (kill(number, 0) == 0) usleep(100); /* It has said that it ends before its number is free. */
    SHOW(kill(number, 0));
}

static void show_owner(const char *path) {
    struct stat found;
    MUST(stat(path, &found));
    printf("%s is %d's of %d\n", path, (int)found.st_uid, (int)found.st_gid);
}

/* What /proc has is the thread's, or root's while it is not dumpable; descriptors are for all threads to see. */
static void show_owners(void) {
    show_owner("/proc/self");
    show_owner("/proc/self/fd");
    show_owner("/proc/self/fdinfo");
    show_owner("/proc/thread-self");
    show_owner("/proc/thread-self/net");
    show_owner("/proc/thread-self/fd");
    show_owner("/proc/thread-self/mem");
    show_owner("/proc/thread-self/status");
    SHOW(close(open("/proc/self/fd", O_RDONLY)));
    SHOW(close(open("/proc/thread-self/fd", O_RDONLY)));
    SHOW(syscall(SYS_faccessat, AT_FDCWD, "/proc/self/fd", R_OK));
}

static void *other(void *argument) {
    number = (pid_t)syscall(SYS_gettid);
    show_ids("a new thread");
    SHOW(syscall(SYS_setgroups, 2, (gid_t[]){7, 8}));
    SHOW(syscall(SYS_setresgid, 30, 40, 50));
    SHOW(syscall(SYS_setresuid, 1000, 1000, 0));
    show_ids("this thread");
    SHOW(open("secret", O_RDONLY));
    SHOW(prctl(PR_SET_KEEPCAPS, 1));
    show_owners();
    SHOW(prctl(PR_SET_DUMPABLE, 1));
    show_owners();
    SHOW(setpriority(PRIO_USER, 1000, 3));
    SHOW(getpriority(PRIO_PROCESS, number));
    SHOW(getpriority(PRIO_PROCESS, getpid()));
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    SHOW(syscall(SYS_setuid, 0)); /* The effective one alone, which gives CAP_SETUID ... */
    show_ids("this thread");
    SHOW(syscall(SYS_setuid, 0)); /* ... so now all of them. */
    show_ids("this thread");
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    return argument;
}

/* Children, and a program in the place of all threads, have the ids of the thread that made them. */
static void *maker(void *argument) {
    MUST(syscall(SYS_setresgid, 5, 6, 7));
    MUST(syscall(SYS_setresuid, 1000, 1001, 1002));
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        show_ids("a child");
        _exit(0);
    }
    MUST(waitpid(child, NULL, 0));
    execl("/proc/self/exe", "program", "shown", NULL);
    return argument;
}

static void made(void) {
    pthread_t thread;
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        pthread_create(&thread, NULL, maker, NULL);
        pthread_join(thread, NULL);
        _exit(1);
    }
    MUST(waitpid(child, NULL, 0));
}

static void ids(void) {
    pthread_t thread;
    int status;
    fflush(stdout);
    pid_t child = (pid_t)MUST(fork());
    if (child) {
        MUST(waitpid(child, &status, 0));
        SHOW(status);
        return;
    }
    close((int)MUST(open("secret", O_CREAT | O_RDWR, 0600)));
    pthread_create(&thread, NULL, other, NULL);
    pthread_barrier_wait(&step);
    show_ids("the first thread");
    show_capabilities("the first thread", 0);
    show_capabilities("the other thread", number);
    SHOW(prctl(PR_GET_KEEPCAPS));
    SHOW(close(open("secret", O_RDONLY)));
    SHOW(setfsuid(1234));
    SHOW(setfsuid(0));
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    show_ids("the first thread");
    show_capabilities("the other thread", number);
    SHOW(setresuid(2000, 2000, 0)); /* glibc's: all threads. */
    SHOW(setuid(0));
    show_ids("the first thread");
    pthread_barrier_wait(&step);
    pthread_join(thread, NULL);
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv) {
    if (argc > 1) {
        show_ids(argv[1]);
        return 0;
    }
    pthread_barrier_init(&step, NULL, 2);
    numbers();
    if (geteuid() == 0) ids(), made();
    DONE();
}
