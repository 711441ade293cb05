/* run: status
 * run: options
 * run: groups
 * run: stops
 * run: waitid
 * run: signals
 * run: ignored
 * run: nocldwait
 * run: orphans
 * run: subreaper
 * run: death_signal
 * run: usage
 * run: interrupted
 * run: setpgid
 * wait4(2), waitid(2), SIGCHLD, orphans, groups. */
#include "check.h"
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static pid_t child(int code) {
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) _exit(code);
    return pid;
}
static pid_t sleeper(void) {
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0)
        for (;;) pause();
    return pid;
}
static void doze(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time)) {
    }
}
static void show(const char *what, int status) {
    if (WIFEXITED(status)) printf("%s: exit %d\n", what, WEXITSTATUS(status));
    if (WIFSIGNALED(status)) printf("%s: signal %d\n", what, WTERMSIG(status));
    if (WIFSTOPPED(status)) printf("%s: stopped %d\n", what, WSTOPSIG(status));
    if (WIFCONTINUED(status)) printf("%s: continued\n", what);
}
static void finish(const char *what, pid_t pid) {
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    show(what, status);
}

static void statuses(void) {
    finish("exit", child(0));
    finish("exit", child(256 + 7));
    pid_t pid = sleeper();
    MUST(kill(pid, SIGTERM));
    finish("term", pid);
    pid = sleeper();
    MUST(kill(pid, SIGKILL));
    finish("kill", pid);
    if ((pid = (pid_t)MUST(fork())) == 0) raise(SIGUSR1);
    finish("raise", pid);
    if ((pid = (pid_t)MUST(fork())) == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        *(volatile int *)8 = 1;
    }
    finish("fault", pid);
}

static void options(void) {
    SHOW(wait(NULL));
    SHOW(waitpid(-1, NULL, WNOHANG));
    SHOW(waitpid(INT_MIN, NULL, 0));
    SHOW(waitpid(getpid(), NULL, 0));
    SHOW(waitpid(-1, NULL, 64));
    pid_t pid = sleeper();
    SHOW(waitpid(-1, NULL, WNOHANG));
    SHOW(waitpid(1, NULL, WNOHANG));
    MUST(kill(pid, SIGKILL));
    SHOW(waitpid(pid, (int *)8, 0));
    SHOW(waitpid(pid, NULL, 0)); /* It is gone all the same. */
    siginfo_t info;
    pid = child(0);
    SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    SHOW(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WCONTINUED)); /* It will do neither any more. */
    CHECK(waitpid(pid, NULL, 0) == pid);
}

static void groups(void) {
    pid_t a = sleeper(), b = sleeper(), c = sleeper();
    MUST(setpgid(a, a));
    MUST(setpgid(b, a));
    CHECK(getpgid(b) == a && getpgid(c) == getpgrp());
    SHOW(waitpid(-a, NULL, WNOHANG));
    MUST(kill(-a, SIGUSR1));
    finish("a", a);
    finish("b", b);
    SHOW(waitpid(-a, NULL, 0));
    SHOW(waitpid(0, NULL, WNOHANG));
    SHOW(kill(-a, 0));
    MUST(kill(c, SIGKILL));
    CHECK(waitpid(0, NULL, 0) == c);
    if ((a = (pid_t)MUST(fork())) == 0) {
        CHECK(setsid() == getpid());
        CHECK(getsid(0) == getpid() && getpgrp() == getpid());
        SHOW(setsid());
        exit(0);
    }
    finish("session", a);
}

static void stops(void) {
    int status;
    pid_t pid = sleeper();
    MUST(kill(pid, SIGSTOP));
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    show("stop", status);
    SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));
    MUST(kill(pid, SIGUSR1)); /* Not taken before it goes on. */
    doze(5);
    SHOW(waitpid(pid, &status, WNOHANG));
    MUST(kill(pid, SIGCONT));
    int reported = waitpid(pid, &status, WCONTINUED) == pid;
    if (reported && WIFCONTINUED(status)) reported = waitpid(pid, &status, 0) == pid;
    CHECK(reported);
    show("end", status);
    pid = sleeper();
    MUST(kill(pid, SIGSTOP));
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    MUST(kill(pid, SIGCONT));
    CHECK(waitpid(pid, &status, WCONTINUED) == pid);
    show("continue", status);
    MUST(kill(pid, SIGSTOP));
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    MUST(kill(pid, SIGKILL));
    finish("killed", pid);
}

static void info_of(const char *what, int result, siginfo_t *info, pid_t pid) {
    printf("%s: %d signo %d code %d status %d %s\n", what, result, info->si_signo, info->si_code, info->si_status,
           info->si_pid == pid ? "child" : info->si_pid == 0 ? "none" : "other");
}
static void waiting_by_id(void) {
    siginfo_t info;
    memset(&info, 0x55, sizeof info);
    SHOW(waitid(P_ALL, 0, &info, WEXITED));
    SHOW(waitid(P_ALL, 0, &info, 0));
    SHOW(waitid(P_PID, 0, &info, WEXITED));
    SHOW(waitid(17, 1, &info, WEXITED));
    pid_t pid = sleeper();
    info_of("nothing", waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG), &info, pid);
    MUST(kill(pid, SIGSTOP));
    info_of("stop", waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), &info, pid);
    info_of("stop", waitid(P_PID, (id_t)pid, &info, WSTOPPED), &info, pid);
    MUST(kill(pid, SIGCONT));
    info_of("cont", waitid(P_ALL, 0, &info, WCONTINUED), &info, pid);
    MUST(kill(pid, SIGINT));
    info_of("end", waitid(P_PGID, 0, &info, WEXITED | WNOWAIT), &info, pid);
    info_of("end", waitid(P_PID, (id_t)pid, &info, WEXITED), &info, pid);
    pid = child(5);
    info_of("exit", waitid(P_ALL, 0, &info, WEXITED), &info, pid);
    CHECK(waitid(P_ALL, 0, NULL, WEXITED) == -1 && errno == ECHILD);
}

static volatile sig_atomic_t count;
static volatile siginfo_t last;
static void on_child(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    count++;
    last = *info;
}
static void install(int flags) {
    struct sigaction action = {.sa_flags = SA_SIGINFO | flags};
    action.sa_sigaction = on_child;
    MUST(sigaction(SIGCHLD, &action, NULL));
}
static void signals(void) {
    install(SA_RESTART);
    pid_t pid = child(3);
    finish("with a handler", pid);
    CHECK(count == 1 && last.si_pid == pid && last.si_code == CLD_EXITED && last.si_status == 3);
    pid = sleeper();
    MUST(kill(pid, SIGSTOP));
    CHECK(waitpid(pid, NULL, WUNTRACED) == pid);
    CHECK(count == 2 && last.si_code == CLD_STOPPED && last.si_status == SIGSTOP);
    MUST(kill(pid, SIGCONT));
    CHECK(waitpid(pid, NULL, WCONTINUED) == pid);
    while (count < 3) doze(1); /* Linux lets the wait return before it sends the signal. */
    CHECK(count == 3 && last.si_code == CLD_CONTINUED && last.si_status == SIGCONT);
    install(SA_NOCLDSTOP);
    MUST(kill(pid, SIGSTOP));
    CHECK(waitpid(pid, NULL, WUNTRACED) == pid);
    CHECK(count == 3);
    MUST(kill(pid, SIGKILL));
    finish("killed", pid);
    CHECK(count == 4 && last.si_code == CLD_KILLED && last.si_status == SIGKILL);
}
static void ignored(void) {
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = child(1);
    SHOW(waitpid(pid, NULL, 0));
    for (int i = 0; i < 5; i++) child(i);
    SHOW(wait(NULL));
    SHOW(kill(pid, 0));
}
static void nocldwait(void) {
    install(SA_NOCLDWAIT | SA_RESTART);
    child(1);
    SHOW(wait(NULL));
    printf("%d\n", count);
}

static void orphans(void) {
    volatile int *note = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        pid_t middle = getpid();
        if (MUST(fork()) == 0) {
            while (getppid() == middle) doze(2);
            note[0] = getppid() > 0 ? 1 : 2; /* Somebody adopts it: init, or who stands in for that. */
            _exit(8);
        }
        _exit(2);
    }
    finish("middle", pid);
    while (!note[0]) doze(2);
    SHOW(note[0]);
    SHOW(wait(NULL));
}
static void subreaper(void) {
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        if (MUST(fork()) == 0) {
            doze(20);
            _exit(8);
        }
        if (MUST(fork()) == 0) _exit(9);
        doze(10);
        _exit(2);
    }
    int status, sum = 0;
    finish("middle", pid);
    while (wait(&status) > 0) sum += WEXITSTATUS(status);
    printf("%d\n", sum);
}
static void death_signal(void) {
    volatile int *note = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        if (MUST(fork()) == 0) {
            MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2));
            note[0] = 1;
            for (;;) pause();
        }
        while (!note[0]) doze(1);
        _exit(0);
    }
    finish("parent", pid);
    int status = 0;
    MUST(wait(&status));
    show("orphan", status);
}

static void burn(void) {
    for (volatile int i = 0; i < 20000000; i++) {
    }
}
static void usage(void) {
    struct rusage one, all;
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        burn();
        _exit(0);
    }
    CHECK(wait4(pid, NULL, 0, &one) == pid);
    MUST(getrusage(RUSAGE_CHILDREN, &all));
    CHECK(one.ru_utime.tv_sec * 1000000 + one.ru_utime.tv_usec > 0);
    CHECK(all.ru_utime.tv_sec == one.ru_utime.tv_sec && all.ru_utime.tv_usec == one.ru_utime.tv_usec);
}

static void on_alarm(int number) { count += number; }
static void interrupted(void) {
    struct sigaction action = {.sa_handler = on_alarm};
    MUST(sigaction(SIGALRM, &action, NULL));
    struct itimerval timer = {.it_value = {0, 5000}};
    pid_t pid = sleeper();
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    SHOW(waitpid(pid, NULL, 0));
    CHECK(count == SIGALRM);
    if (MUST(fork()) == 0) {
        doze(30);
        kill(pid, SIGKILL);
        _exit(0);
    }
    action.sa_flags = SA_RESTART;
    MUST(sigaction(SIGALRM, &action, NULL));
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    finish("restarted", pid);
    CHECK(count == 2 * SIGALRM);
    CHECK(wait(NULL) > 0);
}

static void moving(void) {
    volatile int *note = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        execl("/bin/sleep", "sleep", "30", NULL);
        _exit(1);
    }
    while (!note[1] && setpgid(pid, pid) == 0) doze(5);
    SHOW(setpgid(pid, pid));
    MUST(kill(pid, SIGKILL));
    finish("sleep", pid);
    pid = sleeper();
    SHOW(setpgid(pid, 0));
    SHOW(setpgid(pid, -1));
    SHOW(setpgid(-1, 0));
    SHOW(setpgid(pid, 999999));
    SHOW(setpgid(999999, 0));
    MUST(kill(pid, SIGKILL));
    finish("moved", pid);
    if ((pid = (pid_t)MUST(fork())) == 0) {
        MUST(setsid());
        note[0] = 1;
        for (;;) pause();
    }
    while (!note[0]) doze(2);
    SHOW(setpgid(pid, 0));
    MUST(kill(pid, SIGKILL));
    finish("leader", pid);
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "status";
    if (!strcmp(how, "status")) statuses();
    if (!strcmp(how, "options")) options();
    if (!strcmp(how, "groups")) groups();
    if (!strcmp(how, "stops")) stops();
    if (!strcmp(how, "waitid")) waiting_by_id();
    if (!strcmp(how, "signals")) signals();
    if (!strcmp(how, "ignored")) ignored();
    if (!strcmp(how, "nocldwait")) nocldwait();
    if (!strcmp(how, "orphans")) orphans();
    if (!strcmp(how, "subreaper")) subreaper();
    if (!strcmp(how, "death_signal")) death_signal();
    if (!strcmp(how, "usage")) usage();
    if (!strcmp(how, "interrupted")) interrupted();
    if (!strcmp(how, "setpgid")) moving();
    DONE();
}
