/* Waiting for a lock: it comes when the other lets go or ends, a signal interrupts, and a circle is EDEADLK. */
#include <signal.h>
#include <sys/wait.h>
#include "check.h"

static int fd, told[2], go[2];
static volatile sig_atomic_t seen;
static void handler(int number) { (void)number, seen++; }

static int lock(int command, int kind, off_t start, off_t length) {
    struct flock how = {.l_type = (short)kind, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &how);
}

static void tell(int end) { MUST(write(end, "x", 1)); }
static void hear(int end) {
    char byte;
    MUST(read(end, &byte, 1));
}

/* A child that locks a byte, and waits until it is told to go on. */
static pid_t holder(off_t at) {
    fflush(stdout);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        lock(F_SETLK, F_WRLCK, at, 1);
        tell(told[1]);
        hear(go[0]);
        usleep(5000);
        if (at == 1) _exit(0);
        lock(F_SETLK, F_UNLCK, at, 1);
        hear(go[0]);
        _exit(0);
    }
    hear(told[0]);
    return child;
}

int main(void) {
    struct sigaction action = {.sa_handler = handler};
    fd = make_file("file", 100, 1);
    MUST(pipe(told)), MUST(pipe(go));
    pid_t child = holder(0);
    SHOW(lock(F_SETLK, F_RDLCK, 0, 1));
    tell(go[1]);
    SHOW(lock(F_SETLKW, F_RDLCK, 0, 1)); /* It unlocks. */
    tell(go[1]);
    waitpid(child, NULL, 0);
    child = holder(1);
    tell(go[1]);
    SHOW(lock(F_SETLKW, F_WRLCK, 0, 0)); /* It ends. */
    waitpid(child, NULL, 0);
    lock(F_SETLK, F_UNLCK, 0, 0);

    child = holder(2);
    sigaction(SIGALRM, &action, NULL);
    ualarm(3000, 0);
    SHOW(lock(F_SETLKW, F_WRLCK, 2, 1));
    SHOW(seen);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    fflush(stdout);
    pid_t other = fork();
    if (!other) {
        usleep(5000);
        kill(getppid(), SIGUSR1);
        usleep(5000);
        tell(go[1]);
        _exit(0);
    }
    SHOW(lock(F_SETLKW, F_WRLCK, 2, 1)); /* Restarted after the signal. */
    SHOW(seen);
    waitpid(other, NULL, 0);
    tell(go[1]);
    waitpid(child, NULL, 0);
    lock(F_SETLK, F_UNLCK, 0, 0);

    /* A circle of three. */
    lock(F_SETLK, F_WRLCK, 10, 1);
    for (int i = 1; i < 3; i++) {
        fflush(stdout);
        if (!fork()) {
            lock(F_SETLK, F_WRLCK, 10 + i, 1);
            tell(told[1]);
            hear(go[0]);
            _exit(lock(F_SETLKW, F_WRLCK, 10 + i - 1, 1) ? 1 : 0);
        }
        hear(told[0]);
    }
    tell(go[1]), tell(go[1]);
    usleep(20000);
    SHOW(lock(F_SETLKW, F_WRLCK, 12, 1));
    SHOW(lock(F_SETLK, F_UNLCK, 10, 1));
    for (int i = 1; i < 3; i++) {
        int status;
        wait(&status);
        SHOW(status);
    }
    DONE();
}
