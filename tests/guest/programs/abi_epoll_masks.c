/* epoll_pwait and epoll_pwait2: a mask for the time of the wait, timeouts, and errors. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <signal.h>
#include <sys/epoll.h>
static volatile int caught;
static void handler(int number) { caught = number; }
int main(void) {
    int ends[2], poll = (int)MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77};
    uint64_t usr1 = 1UL << (SIGUSR1 - 1), none = 0;
    MUST(pipe(ends));
    MUST(epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event));
    CALL(epoll_pwait, poll, &event, 1, 0, &none, 8);
    CALL(epoll_pwait, poll, &event, 1, 0, &none, 4);
    CALL(epoll_pwait, poll, &event, 0, 0, NULL, 8);
    CALL(epoll_pwait, 99, &event, 1, 0, NULL, 8);
    CALL(epoll_pwait2, 99, &event, 1, NULL, NULL, 8);
    CALL(epoll_pwait2, poll, &event, 1, (&(struct timespec){0, 1000000000}), NULL, 8);
    CALL(epoll_pwait2, poll, &event, 1, (&(struct timespec){0, 1000}), NULL, 8);
    signal(SIGUSR1, handler);
    MUST(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &usr1, NULL, 8));
    MUST(raise(SIGUSR1));
    CALL(epoll_pwait, poll, &event, 1, -1, &none, 8);
    CHECK(caught == SIGUSR1);
    MUST(write(ends[1], "x", 1));
    event.data.u64 = 0;
    CALL(epoll_pwait, poll, &event, 1, -1, NULL, 0);
    CHECK(event.data.u64 == 77 && event.events == EPOLLIN);
    DONE();
}
