/* For tests/machine/test_balance.py: `exec COUNT` starts as many programs one after another, `pipeline LENGTH BYTES`
 * sends bytes through as many processes; `leaf` is the program that is started. */
#include "check.h"
#include <sys/wait.h>

extern char **environ;

static int exec_many(int count) {
    char *arguments[] = {"leaf", "leaf", NULL};
    int good = 0, status;
    for (int i = 0; i < count; i++) {
        pid_t child = (pid_t)MUST(fork());
        if (!child) {
            execve("/proc/self/exe", arguments, environ);
            _exit(9);
        }
        good += waitpid(child, &status, 0) == child && status == 3 << 8;
    }
    return good;
}

static void copy(int from, int to) {
    static char buffer[65536];
    ssize_t got;
    while ((got = read(from, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0; done < got;) done += MUST(write(to, buffer + done, (size_t)(got - done)));
}

/* Each process reads what the one before wrote; returns how many bytes came out, and whether they were the right ones. */
static long pipeline(int length, long bytes) {
    static char buffer[65536];
    int from = -1, ends[2];
    for (int i = 0; i < length; i++) {
        MUST(pipe(ends));
        if (!MUST(fork())) {
            close(ends[0]);
            if (from >= 0) {
                copy(from, ends[1]);
                _exit(0);
            }
            fill(buffer, sizeof buffer, 0);
            for (long left = bytes; left > 0; left -= MUST(write(ends[1], buffer, left < 65536 ? (size_t)left : 65536)))
                continue;
            _exit(0);
        }
        close(ends[1]);
        if (from >= 0) close(from);
        from = ends[0];
    }
    long total = 0;
    ssize_t got;
    while ((got = read(from, buffer, sizeof buffer)) > 0) total += got;
    while (wait(NULL) > 0) continue;
    return total;
}

int main(int count, char **arguments) {
    if (count < 2) return 0;
    if (!strcmp(arguments[1], "leaf")) _exit(3);
    if (!strcmp(arguments[1], "exec")) SHOW(exec_many(atoi(arguments[2])));
    if (!strcmp(arguments[1], "pipeline")) SHOW(pipeline(atoi(arguments[2]), atol(arguments[3])));
    return 0;
}
