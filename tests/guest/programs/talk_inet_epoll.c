/* Edge-triggered and one-shot epoll on streams and datagrams. */
#include "inet.h"
#include <sys/epoll.h>

static int set;
static void look(const char *what) {
    struct epoll_event found[8];
    int n = (int)MUST(epoll_wait(set, found, 8, 0));
    printf("%s:", what);
    for (int i = 0; i < n; i++) printf(" %x/%ld", found[i].events, (long)found[i].data.u64);
    printf("\n");
}
static void watch(int fd, unsigned events, uint64_t data) {
    struct epoll_event event = {events, {.u64 = data}};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

int main(void) {
    int server = listening(3), pair[2];
    char back[100];
    Address address = name_of(server);
    set = (int)MUST(epoll_create1(0));
    watch(server, EPOLLIN | EPOLLET, 1);
    look("nothing");
    int client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), second = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(client, AT(address)));
    look("a client");
    look("again");
    MUST(connect(second, AT(address)));
    look("another");
    MUST(accept(server, NULL, NULL)), MUST(accept(server, NULL, NULL));
    look("accepted");
    connected(pair);
    MUST(fcntl(pair[0], F_SETFL, O_NONBLOCK));
    watch(pair[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 2);
    look("room");
    look("again");
    MUST(write(pair[1], "ab", 2));
    look("data");
    MUST(read(pair[0], back, 1));
    look("one read");
    MUST(write(pair[1], "c", 1));
    look("more");
    MUST(read(pair[0], back, 100));
    look("all read");
    MUST(shutdown(pair[1], SHUT_WR));
    look("end");
    look("again");
    MUST(close(pair[1]));
    look("closed");
    MUST(write(pair[0], "x", 1));
    look("reset");
    look("again");
    MUST(close(pair[0]));
    int one = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), two = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    Address any = loopback(0);
    MUST(bind(one, AT(any)));
    any = name_of(one);
    watch(one, EPOLLIN | EPOLLONESHOT, 3);
    look("nothing");
    MUST(sendto(two, "x", 1, 0, AT(any)));
    look("datagram");
    look("again");
    struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 4}};
    MUST(epoll_ctl(set, EPOLL_CTL_MOD, one, &event));
    look("armed");
    MUST(sendto(two, "y", 1, 0, AT(any)));
    look("another");
    DONE();
}
