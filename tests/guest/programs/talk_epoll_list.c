/* The list of ready files: its order, what leaves it, and edges that only time makes. */
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PIPES 6

static int set, in[PIPES], out[PIPES];

static void watch(int op, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    if (epoll_ctl(set, op, fd, &event))
        perror("epoll_ctl");
}

static void show(const char *what, int count, int timeout) {
    struct epoll_event found[16];
    int got = epoll_wait(set, found, count, timeout);
    printf("%s: %d", what, got);
    for (int i = 0; i < got; i++)
        printf(" %d/%x", (int)found[i].data.u64, found[i].events);
    printf("\n");
}

static void put(int which) {
    if (write(out[which], "x", 1) != 1)
        perror("write");
}

static void take(int which) {
    char byte;
    if (read(in[which], &byte, 1) != 1)
        perror("read");
}

static void levels(void) {
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        if (pipe(ends))
            perror("pipe");
        in[i] = ends[0];
        out[i] = ends[1];
        watch(EPOLL_CTL_ADD, in[i], EPOLLIN, i);
    }
    show("none", 16, 0);
    put(4), put(1), put(3);
    show("as they came", 16, 0);
    show("two", 2, 0), show("two", 2, 0), show("two", 2, 0);
    take(1), put(1), put(0);
    show("again", 16, 0);
    take(4);
    show("one less", 16, 0);
    watch(EPOLL_CTL_MOD, in[0], EPOLLIN, 100);
    show("modified", 16, 0);
    take(0), take(1), take(3);
    show("none", 16, 0);
}

static void edges(void) {
    watch(EPOLL_CTL_MOD, in[2], EPOLLIN | EPOLLET, 2);
    watch(EPOLL_CTL_MOD, in[5], EPOLLIN | EPOLLONESHOT, 5);
    put(5), put(2);
    show("both", 16, 0);
    show("none", 16, 0);
    put(5), put(2);
    show("edge", 16, 0);
    watch(EPOLL_CTL_MOD, in[5], EPOLLIN | EPOLLONESHOT, 5);
    put(0), put(2);
    show("three", 16, 0);
    watch(EPOLL_CTL_MOD, in[2], EPOLLIN | EPOLLET, 2);
    show("two", 16, 0);
    take(0);
}

static void ends(void) {
    int copy = dup(in[0]);
    put(0);
    close(in[0]); /* The file is open still. */
    show("closed", 16, 0);
    close(copy);
    show("gone", 16, 0);
    close(out[1]);
    show("hung up", 16, 0);
    close(in[1]);
    show("none", 16, 0);
}

static void times(void) {
    struct itimerspec left, every = {{0, 10000000}, {0, 10000000}}, once = {{0, 0}, {0, 10000000}};
    uint64_t ticks;
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(timer, 0, &every, NULL);
    watch(EPOLL_CTL_ADD, timer, EPOLLIN | EPOLLET, 50);
    show("first", 16, 1000), show("second", 16, 30); /* A timer that nobody reads goes off once. */
    timerfd_gettime(timer, &left);
    show("third", 16, 1000); /* It goes on for who asks it. */
    show("not again", 16, 0);
    timerfd_settime(timer, 0, &once, NULL);
    show("once", 16, 1000);
    show("never", 16, 30);
    watch(EPOLL_CTL_MOD, timer, EPOLLIN, 51);
    show("level", 16, 0);
    if (read(timer, &ticks, 8) != 8)
        perror("read");
    show("read", 16, 10);
    close(timer);
}

static void nested(void) {
    int inner = set, event = eventfd(0, 0), pair[2];
    set = epoll_create1(0);
    watch(EPOLL_CTL_ADD, inner, EPOLLIN, 200);
    show("quiet", 16, 0);
    put(3);
    show("inner", 16, 0);
    take(3);
    show("quiet", 16, 0);
    watch(EPOLL_CTL_ADD, event, EPOLLIN | EPOLLOUT | EPOLLET, 201);
    show("room", 16, 0);
    eventfd_write(event, 3);
    show("count", 16, 0);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    watch(EPOLL_CTL_ADD, pair[0], EPOLLIN, 202);
    show("none", 16, 0);
    send(pair[1], "x", 1, 0);
    show("datagram", 16, 1000);
}

int main(void) {
    set = epoll_create1(0);
    levels();
    edges();
    ends();
    times();
    nested();
    return 0;
}
