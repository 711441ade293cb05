/* socketpair: streams, datagrams, packets; peeking, flags, shutdown, the end, options. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static int events(int fd, short asked) {
    struct pollfd one = {fd, asked, 0};
    MUST(poll(&one, 1, 0));
    return one.revents;
}

static long option(int fd, int name) {
    int value = -77;
    socklen_t length = sizeof value;
    MUST(getsockopt(fd, SOL_SOCKET, name, &value, &length));
    return value;
}

static void stream(void) {
    int s[2], left;
    char back[100];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    printf("%x\n", events(s[0], POLLIN | POLLOUT | POLLRDHUP));
    SHOW(write(s[0], "hello", 5));
    SHOW(send(s[0], " world", 6, 0));
    SHOW(ioctl(s[1], FIONREAD, &left));
    printf("%d %x\n", left, events(s[1], POLLIN | POLLOUT));
    SHOW(recv(s[1], back, 3, MSG_PEEK));
    SHOW(recv(s[1], back, 100, MSG_PEEK));
    SHOW(read(s[1], back, 3));
    SHOW(recv(s[1], back + 3, 8, MSG_WAITALL));
    printf("%.11s\n", back);
    SHOW(recv(s[1], back, 8, MSG_DONTWAIT));
    SHOW(send(s[1], "back", 4, 0));
    SHOW(recvfrom(s[0], back, 100, 0, NULL, NULL));
    SHOW(lseek(s[0], 0, SEEK_SET));
    SHOW(pread(s[0], back, 1, 0));
    SHOW(shutdown(s[0], 7));
    SHOW(shutdown(s[0], SHUT_WR));
    printf("%x %x\n", events(s[1], POLLIN | POLLOUT | POLLRDHUP), events(s[0], POLLIN | POLLOUT));
    SHOW(recv(s[1], back, 8, 0));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(send(s[1], "still", 5, 0));
    SHOW(recv(s[0], back, 8, 0));
    MUST(close(s[1]));
    printf("%x\n", events(s[0], POLLIN | POLLOUT | POLLRDHUP));
    SHOW(recv(s[0], back, 8, 0));
    signal(SIGPIPE, SIG_IGN);
    MUST(close(s[0]));
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s));
    printf("%x %d\n", fcntl(s[0], F_GETFL), fcntl(s[0], F_GETFD));
    SHOW(send(s[0], "unread", 6, 0));
    SHOW(recv(s[0], back, 1, 0));
    MUST(close(s[1]));
    SHOW(send(s[0], "x", 1, 0));
    SHOW(recv(s[0], back, 1, 0));
    SHOW(recv(s[0], back, 1, 0));
    MUST(close(s[0]));
}

static void packets(int kind) {
    int s[2], left;
    char back[100];
    struct iovec part = {back, 4};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    MUST(socketpair(AF_UNIX, kind, 0, s));
    SHOW(send(s[0], "first", 5, 0));
    SHOW(send(s[0], "", 0, 0));
    SHOW(send(s[0], "third one", 9, 0));
    SHOW(ioctl(s[1], FIONREAD, &left));
    SHOW(recv(s[1], back, 2, MSG_PEEK | MSG_TRUNC));
    SHOW(recv(s[1], back, 3, 0));
    SHOW(recv(s[1], back, 100, 0));
    SHOW(recvmsg(s[1], &header, 0));
    printf("%d\n", (header.msg_flags & MSG_TRUNC) != 0);
    SHOW(recv(s[1], back, 3, MSG_DONTWAIT));
    static char much[300000];
    SHOW(send(s[0], much, 300000, 0));
    for (int i = 0; i < 30; i++) MUST(send(s[0], "x", 1, MSG_DONTWAIT));
    SHOW(shutdown(s[1], SHUT_RD));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    for (int i = 0; i < 30; i++) MUST(recv(s[1], back, 1, MSG_DONTWAIT));
    SHOW(recv(s[1], back, 1, 0));
    MUST(close(s[1]));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    printf("%x\n", events(s[0], POLLIN | POLLOUT));
    MUST(close(s[0]));
}

int main(void) {
    int s[2];
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 77, s));
    SHOW(socketpair(AF_UNIX, 9, 0, s));
    SHOW(socketpair(AF_UNIX, 77, 0, s));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, s));
    SHOW(socketpair(99, SOCK_STREAM, 0, s));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, (void *)8L));
    stream();
    packets(SOCK_DGRAM);
    packets(SOCK_SEQPACKET);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    printf("%ld %ld %ld %ld\n", option(s[0], SO_TYPE), option(s[0], SO_DOMAIN), option(s[0], SO_PROTOCOL), option(s[0], SO_ERROR));
    printf("%ld %ld %ld\n", option(s[0], SO_SNDBUF), option(s[0], SO_RCVBUF), option(s[0], SO_ACCEPTCONN));
    int value = 8000;
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof value));
    printf("%ld\n", option(s[0], SO_SNDBUF));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, 2));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_TYPE, &value, sizeof value));
    SHOW(setsockopt(s[0], SOL_SOCKET, 9999, &value, sizeof value));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
    printf("%ld\n", option(s[0], SO_REUSEADDR));
    struct ucred who;
    socklen_t length = sizeof who;
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &who, &length));
    CHECK(who.pid == getpid() && who.uid == geteuid() && length == 12);
    struct timeval soon = {0, 20000}, back;
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    length = sizeof back;
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &back, &length));
    printf("%ld %ld\n", (long)back.tv_sec, (long)back.tv_usec);
    SHOW(recv(s[0], &value, 1, 0));
    struct stat is;
    MUST(fstat(s[0], &is));
    printf("%o\n", is.st_mode & S_IFMT);
    SHOW(getsockopt(0x7fff, SOL_SOCKET, SO_TYPE, &value, &length));
    int file = make_file("file", 0, 0);
    SHOW(send(file, "x", 1, 0));
    SHOW(write(s[1], "ab", 2));
    SHOW(read(s[0], (void *)8, 2));
    DONE();
}
