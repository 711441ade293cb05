/* Not run natively: a parent hands one byte to a child, and then both compute for as long, each on a core of its own. */
#include "check.h"
#include <sys/wait.h>

static void compute(void) {
    for (volatile int i = 0; i < 300000; i++) {}
}

int main(void) {
    int ends[2];
    char byte = 0;
    MUST(pipe(ends));
    pid_t child = fork();
    if (!child) {
        MUST(read(ends[0], &byte, 1));
        compute();
        _exit(0);
    }
    usleep(1000); /* The child waits by now. */
    MUST(write(ends[1], &byte, 1));
    compute();
    waitpid(child, NULL, 0);
    return 0;
}
