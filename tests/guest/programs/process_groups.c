/* run: hang_up
 * run: timedwait
 * run: blocked
 * run: nested
 * run: ping
 * run: sessions
 * run: shared_table
 * Groups, sessions and signals between processes. */
#include "check.h"
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static void doze(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time)) {
    }
}
static void show(const char *what, int status) {
    if (WIFEXITED(status)) printf("%s: exit %d\n", what, WEXITSTATUS(status));
    if (WIFSIGNALED(status)) printf("%s: signal %d\n", what, WTERMSIG(status));
}
static volatile int *note;
static volatile sig_atomic_t seen;
static void on_signal(int number) { seen = number; }

/* A stopped group whose last tie to its session ends gets SIGHUP and SIGCONT. */
static void hang_up(void) {
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        MUST(setsid());
        pid_t inner = (pid_t)MUST(fork());
        if (inner == 0) {
            MUST(setpgid(0, 0));
            signal(SIGHUP, on_signal);
            raise(SIGSTOP);
            _exit(seen == SIGHUP ? 33 : 44);
        }
        int status;
        CHECK(waitpid(inner, &status, WUNTRACED) == inner && WIFSTOPPED(status));
        _exit(5);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    show("middle", status);
    MUST(wait(&status));
    show("orphan", status);
}

static void timedwait(void) {
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        doze(5);
        _exit(6);
    }
    SHOW(sigwaitinfo(&set, &info));
    CHECK(info.si_pid == pid && info.si_status == 6 && info.si_code == CLD_EXITED);
    CHECK(waitpid(pid, NULL, WNOHANG) == pid);
    struct timespec short_time = {0, 1000000};
    SHOW(sigtimedwait(&set, &info, &short_time));
}

static void blocked(void) {
    sigset_t set, none;
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    signal(SIGCHLD, on_signal);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) _exit(1);
    while (!seen) sigsuspend(&none);
    CHECK(seen == SIGCHLD);
    CHECK(wait(NULL) == pid);
}

static void nested(void) {
    int status, depth = 0;
    pid_t pid = 0;
    while (depth < 12 && (pid = (pid_t)MUST(fork())) == 0) depth++;
    if (pid == 0) _exit(depth);
    MUST(waitpid(pid, &status, 0));
    if (depth) _exit(WEXITSTATUS(status) + 1);
    show("twelve and eleven", status);
}

static void ping(void) {
    sigset_t set, one;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    pid_t parent = getpid(), pid = (pid_t)MUST(fork());
    int number;
    for (int i = 0; i < 50; i++) {
        sigemptyset(&one);
        sigaddset(&one, pid ? SIGUSR2 : SIGUSR1);
        if (pid) MUST(kill(pid, SIGUSR1));
        MUST(sigwait(&one, &number));
        note[0] += pid ? 1 : 100;
        if (!pid) MUST(kill(parent, SIGUSR2));
    }
    if (!pid) _exit(0);
    int status;
    MUST(waitpid(pid, &status, 0));
    show("ping", status);
    printf("%d\n", note[0]);
}

static void sessions(void) {
    pid_t first = (pid_t)MUST(fork());
    if (first == 0) {
        MUST(setsid());
        note[0] = 1;
        while (!note[1]) doze(1);
        _exit(0);
    }
    while (!note[0]) doze(1);
    pid_t second = (pid_t)MUST(fork());
    if (second == 0) {
        SHOW(setpgid(0, first)); /* Of another session. */
        CHECK(getsid(first) == first && getpgid(first) == first);
        SHOW(setpgid(first, 0)); /* Not a child. */
        CHECK(setpgid(0, 0) == 0 && getpgrp() == getpid());
        SHOW(setsid()); /* It leads a group. */
        exit(0);
    }
    int status;
    CHECK(waitpid(second, &status, 0) == second);
    note[1] = 1;
    CHECK(waitpid(first, &status, 0) == first);
}

static void shared_table(void) {
    int fd = (int)MUST(open("/dev/null", O_RDONLY));
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        close(fd);
        fd = open("/dev/zero", O_RDONLY);
        fd = open("/dev/zero", O_RDONLY);
        _exit(fd);
    }
    int status;
    MUST(waitpid(pid, &status, 0));
    char bytes[4] = "abc";
    SHOW(read(WEXITSTATUS(status), bytes, 4));
    SHOW(read(fd, bytes, 4));
    CHECK(all_are(bytes, 4, 0));
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "hang_up";
    note = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!strcmp(how, "hang_up")) hang_up();
    if (!strcmp(how, "timedwait")) timedwait();
    if (!strcmp(how, "blocked")) blocked();
    if (!strcmp(how, "nested")) nested();
    if (!strcmp(how, "ping")) ping();
    if (!strcmp(how, "sessions")) sessions();
    if (!strcmp(how, "shared_table")) shared_table();
    DONE();
}
