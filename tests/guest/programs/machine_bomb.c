/* run:
 * A fork bomb for tests/machine/test_processes.py, whose machine has room for few processes; without an argument it
 * does nothing. Every process forks until it is refused; with `threads` each makes a thread as well.
 * flags: -pthread
 */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static void *sleep_long(void *argument) {
    pause();
    return argument;
}

int main(int argc, char **argv) {
    pthread_t thread;
    if (argc < 2) return 0;
    volatile int *refused = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t first = getpid();
    while (!refused[0]) {
        if (!strcmp(argv[1], "threads")) pthread_create(&thread, NULL, sleep_long, NULL);
        if (fork() < 0) refused[0] = errno;
    }
    if (getpid() != first) pause();
    printf("%s\n", error_name(refused[0]));
    return 0;
}
