/* run: simple
 * run: memory
 * run: shared
 * run: files
 * run: inherited
 * run: many
 * run: tree
 * run: vfork
 * run: madvise
 * run: bad_clone
 * run: shared_parts
 * builds: static dynamic
 * fork(2), vfork(2): what a child has of its parent, and what it does not. */
#include "check.h"
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

static int finish(pid_t pid) {
    int status;
    MUST(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void simple(void) {
    pid_t me = getpid(), pid = (pid_t)MUST(fork());
    if (pid == 0) {
        CHECK(getppid() == me);
        CHECK(getpid() != me);
        CHECK(syscall(SYS_gettid) == getpid());
        CHECK(getpgrp() == getpgid(me) && getsid(0) == getsid(me));
        exit(42);
    }
    int status = finish(pid);
    CHECK(status == 42);
    SHOW(waitpid(pid, NULL, 0));
    SHOW(kill(pid, 0));
}

static int global = 5;
static void memory(void) {
    size_t length = 3UL << 20;
    char *heap = malloc(length), *later = map_anonymous(64 * PAGE);
    fill(heap, length, 1);
    int local = 6;
    uint64_t before = checksum(heap, length);
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        CHECK(checksum(heap, length) == before);
        CHECK(global == 5 && local == 6);
        CHECK(all_are(later, 64 * PAGE, 0));
        fill(heap, length, 2);
        memset(later, 7, 64 * PAGE);
        global = local = 50;
        exit(global);
    }
    fill(heap + length / 2, length / 2, 9);
    uint64_t mine = checksum(heap, length);
    CHECK(finish(pid) == 50);
    CHECK(checksum(heap, length) == mine);
    CHECK(global == 5 && local == 6);
    CHECK(all_are(later, 64 * PAGE, 0));
    for (int i = 0; i < 4; i++) { /* Again and again, with lines that are clean, dirty and shared by now. */
        heap[i * PAGE]++;
        pid = (pid_t)MUST(fork());
        if (pid == 0) {
            uint64_t seen = checksum(heap, length);
            heap[0] = 99;
            _exit(seen != 0 && heap[0] == 99 ? i : 88);
        }
        CHECK(finish(pid) == i);
    }
    printf("%016llx\n", (unsigned long long)checksum(heap, length));
}

static void shared(void) {
    volatile int *words = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = make_file("shared", 2 * PAGE, 3);
    char *file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    words[0] = 1;
    words[1024] = 2;
    file[10] = 'a';
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        CHECK(words[0] == 1 && words[1024] == 2 && file[10] == 'a');
        words[0] = 100;
        words[2048] = 300;
        file[11] = 'b';
        _exit(0);
    }
    CHECK(finish(pid) == 0);
    CHECK(words[0] == 100 && words[1024] == 2 && words[2048] == 300);
    CHECK(file[10] == 'a' && file[11] == 'b');
    words[2] = 5;
    file[12] = 'c';
    pid = (pid_t)MUST(fork());
    if (pid == 0) {
        MUST(munmap((void *)words, 3 * PAGE));
        char three[3];
        MUST(pread(fd, three, 3, 10));
        CHECK(!memcmp(three, "abc", 3));
        MUST(munmap(file, 2 * PAGE));
        _exit(0);
    }
    CHECK(finish(pid) == 0);
    CHECK(words[2] == 5);
    file[13] = 'd';
    MUST(msync(file, 2 * PAGE, MS_SYNC));
    pid = (pid_t)MUST(fork());
    if (pid == 0) { /* A second opening of the file, which ends with the child. */
        int again = (int)MUST(open("shared", O_RDWR));
        char *view = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
        CHECK(view[13] == 'd');
        view[PAGE] = 'e';
        _exit(0);
    }
    CHECK(finish(pid) == 0);
    char last = 0;
    file[PAGE + 1] = 'f';
    SHOW(msync(file, 2 * PAGE, MS_SYNC));
    MUST(pread(fd, &last, 1, PAGE + 1));
    CHECK(last == 'f' && file[PAGE] == 'e');
}

static void files(void) {
    int fd = make_file("file", 100, 4);
    int closing = (int)MUST(fcntl(fd, F_DUPFD_CLOEXEC, 10));
    MUST(mkdir("sub", 0755));
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        char buffer[10];
        MUST(read(fd, buffer, 10));
        SHOW(fcntl(closing, F_GETFD));
        MUST(close(closing));
        MUST(chdir("sub"));
        MUST(close(creat("made", 0644)));
        umask(0);
        exit(0);
    }
    CHECK(finish(pid) == 0);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(fcntl(closing, F_GETFD));
    SHOW(access("sub/made", F_OK));
    SHOW(umask(022));
    SHOW(close(fd));
}

static volatile sig_atomic_t seen;
static void on_signal(int number) { seen += number; }
static void inherited(void) {
    sigset_t set, got;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    signal(SIGUSR1, on_signal);
    MUST(raise(SIGUSR2));
    struct itimerval timer = {.it_value = {100, 0}};
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    MUST(setpriority(PRIO_PROCESS, 0, 3));
    struct rlimit limit = {50, 60};
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        MUST(sigpending(&got));
        CHECK(!sigismember(&got, SIGUSR2));
        MUST(sigprocmask(SIG_BLOCK, NULL, &got));
        CHECK(sigismember(&got, SIGUSR2));
        MUST(raise(SIGUSR1));
        CHECK(seen == SIGUSR1);
        MUST(getitimer(ITIMER_REAL, &timer));
        CHECK(timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0);
        CHECK(getpriority(PRIO_PROCESS, 0) == 3);
        MUST(getrlimit(RLIMIT_NOFILE, &limit));
        CHECK(limit.rlim_cur == 50 && limit.rlim_max == 60);
        struct rusage usage;
        MUST(getrusage(RUSAGE_CHILDREN, &usage));
        CHECK(usage.ru_utime.tv_sec == 0 && usage.ru_utime.tv_usec == 0);
        exit(0);
    }
    CHECK(finish(pid) == 0);
    CHECK(seen == 0);
    MUST(sigpending(&got));
    CHECK(sigismember(&got, SIGUSR2));
}

static void many(void) {
    pid_t pids[40];
    for (int i = 0; i < 40; i++) {
        pids[i] = (pid_t)MUST(fork());
        if (pids[i] == 0) _exit(i);
    }
    int good = 0;
    for (int i = 39; i >= 0; i--) good += finish(pids[i]) == i;
    printf("%d\n", good);
    int sum = 0, status;
    for (int i = 0; i < 20; i++)
        if (MUST(fork()) == 0) _exit(i);
    while (wait(&status) > 0) sum += WEXITSTATUS(status);
    printf("%d %s\n", sum, error_name(errno));
}

static int tree_of(int depth) {
    int count = 1;
    if (depth > 0)
        for (int i = 0; i < 2; i++) {
            pid_t pid = (pid_t)MUST(fork());
            if (pid == 0) _exit(tree_of(depth - 1));
            count += finish(pid);
        }
    return count;
}

static volatile int vforked;
static void vforking(void) {
    pid_t pid = vfork();
    if (pid == 0) {
        vforked = 77;
        _exit(3);
    }
    CHECK(vforked == 77);
    CHECK(finish(pid) == 3);
    pid = vfork();
    if (pid == 0) {
        execl("/bin/false", "false", NULL);
        _exit(9);
    }
    CHECK(finish(pid) == 1);
    pid = vfork();
    if (pid == 0) {
        execl("/nowhere", "false", NULL);
        vforked = errno;
        _exit(9);
    }
    CHECK(vforked == ENOENT);
    CHECK(finish(pid) == 9);
}

static void advised(void) {
    char *all = map_anonymous(8 * PAGE);
    memset(all, 5, 8 * PAGE);
    MUST(madvise(all + 2 * PAGE, PAGE, MADV_DONTFORK));
    MUST(madvise(all + 4 * PAGE, PAGE, 18 /* MADV_WIPEONFORK */));
    all[4 * PAGE] = 6;
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        READS(all);
        READS(all + 2 * PAGE);
        CHECK(all[PAGE] == 5 && all[3 * PAGE] == 5);
        CHECK(all_are(all + 4 * PAGE, PAGE, 0));
        MUST(fork() == 0 ? 0 : wait(NULL));
        CHECK(all_are(all + 4 * PAGE, PAGE, 0));
        _exit(0);
    }
    CHECK(finish(pid) == 0);
    CHECK(all[2 * PAGE] == 5 && all[4 * PAGE] == 6);
}

static void bad_clone(void) {
    SHOW(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    SHOW(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0));
    int tid = 0, parent_tid = 0;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &parent_tid, &tid, 0);
    if (pid == 0) {
        CHECK(tid == syscall(SYS_getpid));
        _exit(0);
    }
    CHECK(finish(pid) == 0);
    CHECK(parent_tid == pid && tid == 0);
    pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0); /* No signal: a "clone child". */
    if (pid == 0) _exit(4);
    SHOW(waitpid(pid, NULL, 0));
    int status;
    CHECK(waitpid(pid, &status, __WALL) == pid && WEXITSTATUS(status) == 4);
    pid = (pid_t)syscall(SYS_clone, 255, 0, 0, 0, 0); /* Nor a signal that there is not. */
    if (pid == 0) _exit(5);
    CHECK(waitpid(pid, &status, __WALL) == pid && WEXITSTATUS(status) == 5);
}

static int changes(void *argument) {
    (void)argument;
    signal(SIGUSR1, SIG_IGN);
    umask(0123);
    _exit(chdir("inner"));
}

/* What a child that is no thread may have in common with its parent: directory and mask, handlers. */
static void shared_parts(void) {
    static char stack[1 << 16];
    static const int flags[] = {CLONE_FS, CLONE_VM, CLONE_VM | CLONE_SIGHAND, CLONE_VM | CLONE_SIGHAND | CLONE_FS};
    char before[4096], now[4096];
    struct sigaction action;
    MUST(mkdir("inner", 0755));
    CHECK(getcwd(before, sizeof before) != NULL);
    for (int i = 0; i < 4; i++) {
        signal(SIGUSR1, SIG_DFL);
        CHECK(finish((pid_t)MUST(clone(changes, stack + sizeof stack, flags[i] | SIGCHLD, NULL))) == 0);
        CHECK(getcwd(now, sizeof now) != NULL);
        MUST(sigaction(SIGUSR1, NULL, &action));
        printf("%d moved %d mask %o ignores %d\n", i, strcmp(before, now) != 0, umask(022), action.sa_handler == SIG_IGN);
        MUST(chdir(before));
    }
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        MUST(unshare(CLONE_FS));
        _exit(chdir("inner"));
    }
    CHECK(finish(pid) == 0 && getcwd(now, sizeof now) != NULL && !strcmp(before, now));
    MUST(rmdir("inner"));
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "simple";
    if (!strcmp(how, "simple")) simple();
    if (!strcmp(how, "memory")) memory();
    if (!strcmp(how, "shared")) shared();
    if (!strcmp(how, "files")) files();
    if (!strcmp(how, "inherited")) inherited();
    if (!strcmp(how, "many")) many();
    if (!strcmp(how, "tree")) printf("%d\n", tree_of(3));
    if (!strcmp(how, "vfork")) vforking();
    if (!strcmp(how, "madvise")) advised();
    if (!strcmp(how, "bad_clone")) bad_clone();
    if (!strcmp(how, "shared_parts")) shared_parts();
    DONE();
}
