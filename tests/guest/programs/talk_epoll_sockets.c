/* Edge-triggered epoll on both ends of a stream: data, room, the other's shutdown and end. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/socket.h>

static int set;
static void look(void) {
    struct epoll_event found[8];
    int n = (int)MUST(epoll_wait(set, found, 8, 0));
    printf("%d:", n);
    for (int i = 0; i < n; i++) printf(" %x/%ld", found[i].events, (long)found[i].data.u64);
    printf("\n");
}

int main(void) {
    int s[2];
    char back[100];
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
    set = (int)MUST(epoll_create1(0));
    struct epoll_event all = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.u64 = 1}}, out = {EPOLLOUT | EPOLLET, {.u64 = 2}};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, s[0], &all));
    look();
    look();
    MUST(write(s[1], "ab", 2));
    look();
    MUST(read(s[0], back, 1));
    look();
    MUST(write(s[1], "c", 1));
    look();
    while (read(s[0], back, 100) > 0) continue;
    look();
    MUST(epoll_ctl(set, EPOLL_CTL_DEL, s[0], NULL));
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, s[0], &out));
    look();
    MUST(write(s[1], "d", 1));
    look();
    static char much[100000];
    while (write(s[0], much, sizeof much) > 0) continue;
    look();
    while (read(s[1], much, sizeof much) > 0) continue;
    look();
    MUST(epoll_ctl(set, EPOLL_CTL_MOD, s[0], &all));
    look();
    MUST(shutdown(s[1], SHUT_WR));
    look();
    look();
    MUST(close(s[1]));
    look();
    look();
    DONE();
}
