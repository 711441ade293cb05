/* Uses processor time until RLIMIT_CPU ends it. Run with "soft" it counts the SIGXCPU of each second until the hard
 * limit; with "default" the first one ends it; with "child" a child, whose time begins at zero, meets the limit. */
#include "check.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
static void on_limit(int number) {
    struct rlimit now;
    struct timespec used;
    getrlimit(RLIMIT_CPU, &now);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    printf("signal %d after %ld s, the limit is %ld now\n", number, (long)used.tv_sec, (long)now.rlim_cur);
}
int main(int argc, char **argv) {
    struct rlimit limit = {1, 3};
    if (argc > 1 && !strcmp(argv[1], "child")) {
        int status;
        limit.rlim_max = 1;
        MUST(setrlimit(RLIMIT_CPU, &limit));
        for (int i = 0; i < 2; i++) {
            pid_t child = (pid_t)MUST(fork());
            if (!child) for (;;) {}
            MUST(waitpid(child, &status, 0));
            printf("status %#x\n", status);
        }
        return 0;
    }
    if (argc > 1 && !strcmp(argv[1], "soft")) signal(SIGXCPU, on_limit);
    MUST(setrlimit(RLIMIT_CPU, &limit));
    for (;;) {}
}
