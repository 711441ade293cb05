/* run: fork 30
 * run: exec 10
 * run: vfork 10
 * run: spawn 10
 * run: orphans 10
 * run: killed 10
 * Processes that come and go: nothing may be left of them (tests/machine/test_processes.py runs more of them). */
#include "check.h"
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "fork";
    int rounds = argc > 2 ? atoi(argv[2]) : 1, good = 0, status;
    volatile char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = make_file("churned", 4 * PAGE, 1);
    volatile char *file = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *heap = malloc(50 * PAGE), *arguments[] = {"true", NULL};
    for (int i = 0; i < rounds; i++) {
        fill(heap, 50 * PAGE, (unsigned)i);
        shared[i % (4 * PAGE)]++;
        pid_t pid = 0;
        if (!strcmp(how, "spawn")) {
            CHECK(posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) == 0);
            CHECK(posix_spawn(&pid, "/no/such", NULL, NULL, arguments, environ) == ENOENT);
        } else if (!strcmp(how, "vfork")) {
            if ((pid = vfork()) == 0) {
                execve("/bin/true", arguments, environ);
                _exit(9);
            }
        } else if ((pid = (pid_t)MUST(fork())) == 0) {
            if (!strcmp(how, "killed")) pause();
            heap[i] = file[i] = shared[PAGE] = 7;
            if (!strcmp(how, "exec")) {
                MUST(chdir("/"));
                execve("/bin/true", arguments, environ);
            }
            if (!strcmp(how, "orphans") && MUST(fork()) == 0) heap[PAGE]++;
            _exit(0);
        }
        if (!strcmp(how, "killed")) MUST(kill(pid, SIGKILL));
        while (wait(&status) > 0) good += status == (!strcmp(how, "killed") ? SIGKILL : 0);
    }
    printf("%s %d\n", how, good);
    DONE();
}
