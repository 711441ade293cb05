/* Timers belong to one process: a child has none, exec deletes them, alarm(2) stays. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include "check.h"

int main(int count, char **arguments) {
    struct itimerspec spec;
    if (count > 1) {
        SHOW(syscall(SYS_timer_gettime, atoi(arguments[1]), &spec));
        CHECK(alarm(0) > 90);
        return 0;
    }
    int id, status;
    MUST(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
    struct itimerspec later = {{0, 0}, {100, 0}};
    MUST(syscall(SYS_timer_settime, id, 0, &later, NULL));
    alarm(100);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        SHOW(syscall(SYS_timer_gettime, id, &spec));
        SHOW(alarm(0));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    SHOW(status);
    SHOW(syscall(SYS_timer_gettime, id, &spec));
    fflush(stdout);
    char number[12];
    snprintf(number, sizeof number, "%d", id);
    execl("/proc/self/exe", "process_timers", number, NULL);
    return 1;
}
