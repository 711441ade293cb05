/* Any system call with any arguments, on Lego alone: children that each make many calls from a seed. Whatever they do to
 * themselves, the machine must go on, and the parent must see each of them end.
 *
 * The only strings are names without a directory, so nothing outside of the working directory is ever named. */
#include "programs/check.h"
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static char *area; /* two pages to use, one read-only, one without rights */

static long argument(void) {
    uint64_t random = next_random();
    static const long some[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 64, 100, 4095, 4096, 4097, 65536, -1, -2, -100, 0x7fffffff,
                                0x80000000L, 0xffffffffL, 0x100000000L, 0x7fffffffffffffffL, (long)0x8000000000000000UL};
    switch (random >> 60) {
    case 0: return (long)next_random();
    case 1: return (long)(area + (next_random() % (4 * PAGE)));
    case 2: case 3: case 4: return (long)(area + (next_random() % 512) * 8);
    case 5: return (long)area + (long)(2 * PAGE) - (long)(next_random() % 64);
    case 6: return (long)(0x7ffffffff000 - (next_random() % 3 - 1) * 8);
    case 7: return 1L << (next_random() % 64);
    case 8: case 9: case 10: return (long)(next_random() % 16);
    default: return some[next_random() % (sizeof some / sizeof *some)];
    }
}

static void fill_area(void) {
    static const char *const names[] = {"a", "b", "file", "directory", "missing", ""};
    for (int i = 0; i < 8; i++) {
        char *at = area + (next_random() % 512) * 8;
        if (next_random() % 3)
            strcpy(at, names[next_random() % 6]);
        else
            *(long *)at = argument();
    }
    for (long i = 0; i < 64; i++) /* No text but ours: a path that begins with a slash could lead anywhere. */
        if (area[i * 8] == '/' || area[i * 8] == '.') area[i * 8] = 'x';
}

static int skipped(long number) {
    switch (number) {
    case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn: return 1;
    case SYS_kill: case SYS_tkill: case SYS_tgkill: case SYS_rt_sigqueueinfo: case SYS_rt_tgsigqueueinfo:
    case 424: return 1; /* pidfd_send_signal: they would end the parent. */
    default: return 0;
    }
}

static void child(uint64_t seed, int calls, long only) {
    random_state = seed * 0x9e3779b97f4a7c15ULL + 1;
    struct rlimit files = {64, 64}, size = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_NOFILE, &files);
    setrlimit(RLIMIT_FSIZE, &size);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < calls; i++) {
        fill_area();
        long number = only >= 0 ? only : (long)(next_random() % 470);
        if (skipped(number)) continue;
        pid_t self = getpid();
        syscall(number, argument(), argument(), argument(), argument(), argument(), argument());
        if (getpid() != self) _exit(0); /* A child of fork. */
    }
    _exit(0);
}

int main(int argc, char **argv) {
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    int children = argc > 2 ? atoi(argv[2]) : 5, calls = argc > 3 ? atoi(argv[3]) : 50;
    long only = argc > 4 ? atol(argv[4]) : -1;
    mkdir("directory", 0755);
    close(make_file("file", 100, 1));
    area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(mprotect(area + 2 * PAGE, PAGE, PROT_READ));
    MUST(mprotect(area + 3 * PAGE, PAGE, PROT_NONE));
    for (uint64_t seed = first; seed < first + (uint64_t)children; seed++) {
        pid_t pid = fork();
        if (pid < 0) return 2;
        if (!pid) {
            setsid();
            child(seed, calls, only);
        }
        int status, tries;
        for (tries = 0; tries < 20; tries++) {
            struct timespec pause = {0, 50 * 1000 * 1000};
            pid_t ended = waitpid(pid, &status, WNOHANG);
            if (ended == pid) break;
            nanosleep(&pause, NULL);
        }
        if (tries == 20) {
            kill(pid, SIGKILL);
            if (waitpid(pid, &status, 0) != pid) return 3;
        }
    }
    printf("all have ended\n");
    return 0;
}
