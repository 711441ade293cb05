/* RLIMIT_CPU is kept, inherited and checked, and sends nothing before its time. */
#include "check.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static volatile int came;
static void handler(int number) { came = number; }

int main(void)
{
    struct rlimit limit = {1, 5};
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGXCPU, &action, NULL);
    SHOW(setrlimit(RLIMIT_CPU, &limit));
    pid_t child = fork();
    if (!child) {
        struct rlimit now;
        SHOW(getrlimit(RLIMIT_CPU, &now));
        printf("inherited %d %d, no signal yet %d\n", (int)now.rlim_cur, (int)now.rlim_max, came);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    limit.rlim_cur = 6;
    SHOW(setrlimit(RLIMIT_CPU, &limit));
    DONE();
}
