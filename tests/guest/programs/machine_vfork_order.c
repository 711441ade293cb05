/* Whether a parent in vfork goes on when its child has called execve, and not when that has used its turn up: who
 * writes first? */
#include "check.h"
#include <sys/wait.h>

int main(int argc, char **argv) {
    if (argc > 1) return write(atoi(argv[1]), "c", 1) != 1;
    int ends[2];
    char number[12], order[3] = "";
    MUST(pipe(ends));
    snprintf(number, sizeof number, "%d", ends[1]);
    pid_t pid = vfork();
    if (!pid) {
        execl("/proc/self/exe", argv[0], number, NULL);
        _exit(99);
    }
    MUST(write(ends[1], "p", 1));
    MUST(waitpid(pid, NULL, 0));
    MUST(read(ends[0], order, 2));
    puts(order);
    return 0;
}
