/* epoll: level, edge, oneshot, order, closed files, timers, nesting, bad arguments. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

static int set;

static int control(int operation, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {events, {.u64 = data}};
    return epoll_ctl(set, operation, fd, &event);
}

static void look(int count) {
    struct epoll_event found[8];
    int n = (int)MUST(epoll_wait(set, found, count, 0));
    printf("%d:", n);
    for (int i = 0; i < n; i++) printf(" %x/%ld", found[i].events, (long)found[i].data.u64);
    printf("\n");
}

int main(void) {
    int a[2], b[2], file = make_file("file", 10, 1);
    char back[10000];
    struct epoll_event one;
    MUST(pipe2(a, O_NONBLOCK));
    MUST(pipe2(b, O_NONBLOCK));
    SHOW(epoll_create(0));
    SHOW(epoll_create1(1));
    set = (int)MUST(epoll_create1(EPOLL_CLOEXEC));
    SHOW(control(EPOLL_CTL_ADD, file, EPOLLIN, 0));
    SHOW(control(EPOLL_CTL_ADD, 99, EPOLLIN, 0));
    SHOW(control(EPOLL_CTL_ADD, set, EPOLLIN, 0));
    SHOW(control(EPOLL_CTL_MOD, a[0], EPOLLIN, 0));
    SHOW(control(EPOLL_CTL_DEL, a[0], EPOLLIN, 0));
    SHOW(control(9, a[0], EPOLLIN, 0));
    SHOW(epoll_ctl(a[0], EPOLL_CTL_ADD, b[0], &one));
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, a[0], (void *)8));
    SHOW(epoll_wait(set, &one, 0, 0));
    SHOW(epoll_wait(set, (void *)-8L, 1, 0));
    SHOW(epoll_wait(a[0], &one, 1, 0));
    SHOW(control(EPOLL_CTL_ADD, a[0], EPOLLIN, 1));
    SHOW(control(EPOLL_CTL_ADD, a[0], EPOLLIN, 1));
    SHOW(control(EPOLL_CTL_ADD, b[0], EPOLLIN, 2));
    look(8);
    MUST(write(b[1], "b", 1));
    MUST(write(a[1], "a", 1));
    look(8);
    look(1);
    look(1);
    look(1);
    MUST(read(b[0], back, 5));
    look(8);
    /* Edges. */
    SHOW(control(EPOLL_CTL_MOD, a[0], EPOLLIN | EPOLLET, 3));
    look(8);
    look(8);
    MUST(write(a[1], "x", 1));
    look(8);
    MUST(read(a[0], back, 1));
    look(8);
    MUST(read(a[0], back, 10));
    MUST(write(a[1], "y", 1));
    look(8);
    SHOW(control(EPOLL_CTL_ADD, a[1], EPOLLOUT | EPOLLET, 4));
    look(8);
    look(8);
    while (write(a[1], back, sizeof back) > 0) continue;
    look(8);
    MUST(read(a[0], back, 5000));
    look(8);
    look(8);
    MUST(control(EPOLL_CTL_DEL, a[1], 0, 0));
    while (read(a[0], back, sizeof back) > 0) continue;
    /* Once. */
    SHOW(control(EPOLL_CTL_MOD, a[0], EPOLLIN | EPOLLONESHOT, 5));
    MUST(write(a[1], "z", 1));
    look(8);
    look(8);
    SHOW(control(EPOLL_CTL_MOD, a[0], EPOLLIN | EPOLLONESHOT, 6));
    look(8);
    SHOW(control(EPOLL_CTL_MOD, a[0], EPOLLIN, 7));
    /* The other end goes; a closed file leaves. */
    MUST(read(a[0], back, 5));
    MUST(close(a[1]));
    look(8);
    MUST(close(a[0]));
    look(8);
    int copy = (int)MUST(dup(b[0]));
    MUST(write(b[1], "b", 1));
    MUST(close(b[0]));
    look(8);
    MUST(close(copy));
    look(8);
    /* Nested, exclusive, timers. */
    int event = (int)MUST(eventfd(0, 0)), inner = (int)MUST(epoll_create1(0)), outer = set;
    set = inner;
    SHOW(control(EPOLL_CTL_ADD, event, EPOLLIN | EPOLLEXCLUSIVE, 8));
    SHOW(control(EPOLL_CTL_MOD, event, EPOLLIN, 8));
    SHOW(control(EPOLL_CTL_ADD, outer, EPOLLIN, 9));
    set = outer;
    SHOW(control(EPOLL_CTL_ADD, inner, EPOLLIN, 9));
    set = inner;
    MUST(control(EPOLL_CTL_DEL, outer, 0, 0));
    set = outer;
    SHOW(control(EPOLL_CTL_ADD, inner, EPOLLIN, 9));
    look(8);
    uint64_t value = 1;
    MUST(write(event, &value, 8));
    look(8);
    MUST(read(event, &value, 8));
    look(8);
    int timer = (int)MUST(timerfd_create(CLOCK_MONOTONIC, 0));
    struct itimerspec when = {{0, 0}, {0, 200000000}};
    MUST(timerfd_settime(timer, 0, &when, NULL));
    SHOW(control(EPOLL_CTL_ADD, timer, EPOLLIN, 10));
    SHOW(epoll_wait(set, &one, 1, 1));
    SHOW(epoll_wait(set, &one, 1, -1));
    printf("%ld\n", (long)one.data.u64);
    SHOW(epoll_pwait2(set, &one, 1, &(struct timespec){0, 1000}, NULL));
    DONE();
}
