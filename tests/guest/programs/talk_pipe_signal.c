/* A blocked read of a pipe ends with EINTR, or goes on after a handler with SA_RESTART; SIGPIPE ends a program. */
#include "check.h"
#include <signal.h>
#include <sys/time.h>

static int writer, writes;
static void on_alarm(int number) {
    (void)number;
    if (writes) write(writer, "late", 4);
}

static void alarm_in(int microseconds) {
    struct itimerval soon = {{0, 0}, {0, microseconds}};
    MUST(setitimer(ITIMER_REAL, &soon, NULL));
}

int main(void) {
    int ends[2];
    char back[10];
    static char much[200000];
    struct sigaction action = {.sa_handler = on_alarm};
    MUST(pipe(ends));
    writer = ends[1];
    MUST(sigaction(SIGALRM, &action, NULL));
    alarm_in(20000);
    SHOW(read(ends[0], back, sizeof back));
    alarm_in(20000);
    SHOW(write(ends[1], much, sizeof much));
    alarm_in(20000);
    SHOW(write(ends[1], much, 10));
    while (read(ends[0], much, 65536) == 65536) break;
    action.sa_flags = SA_RESTART;
    MUST(sigaction(SIGALRM, &action, NULL));
    writes = 1;
    alarm_in(20000);
    SHOW(read(ends[0], back, sizeof back));
    alarm_in(20000);
    fd_set reads;
    FD_ZERO(&reads);
    FD_SET(ends[0], &reads);
    SHOW(select(ends[0] + 1, &reads, NULL, NULL, NULL));
    SHOW(read(ends[0], back, sizeof back));
    close(ends[0]);
    printf("the end\n");
    write(ends[1], "x", 1);
    printf("not reached\n");
    DONE();
}
