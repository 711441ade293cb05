/* Wrong families, types, protocols and arguments. */
#include "inet.h"

int main(void) {
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    SHOW(socket(AF_INET, SOCK_STREAM, 300));
    SHOW(socket(AF_INET, SOCK_STREAM, -1));
    SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
    SHOW(socket(AF_INET, 0, 0));
    SHOW(socket(AF_INET, 12, 0));
    SHOW(socket(AF_INET, SOCK_STREAM | 0x100, 0));
    SHOW(socket(AF_INET, SOCK_RAW, 0));
    SHOW(socket(99, SOCK_STREAM, 0));
    SHOW(socket(-1, SOCK_STREAM, 0));
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    int pair[2];
    SHOW(socketpair(AF_INET, SOCK_STREAM, 0, pair));
    SHOW(socketpair(AF_INET, SOCK_DGRAM, 0, pair));
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), udp = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    Address address;
    socklen_t length = sizeof address;
    SHOW(getpeername(fd, (struct sockaddr *)&address, &length));
    SHOW(getsockname(fd, (void *)8, &length));
    SHOW(getsockname(fd, (struct sockaddr *)&address, (void *)8));
    length = -1;
    SHOW(getsockname(fd, (struct sockaddr *)&address, &length));
    SHOW(accept(fd, NULL, NULL));
    SHOW(accept(udp, NULL, NULL));
    SHOW(recv(fd, &address, 4, 0));
    SHOW(recv(fd, &address, 4, MSG_OOB));
    SHOW(recv(fd, &address, 4, MSG_ERRQUEUE));
    SHOW(recv(udp, &address, 4, MSG_ERRQUEUE));
    SHOW(connect(fd, NULL, 16));
    SHOW(connect(fd, (struct sockaddr *)&address, 0));
    SHOW(bind(fd, (struct sockaddr *)&address, -1));
    SHOW(sendto(udp, "x", 1, 0, (struct sockaddr *)&address, 129));
    SHOW(shutdown(udp, SHUT_RDWR));
    int server = listening(1);
    SHOW(read(server, &address, 4));
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(server, &address, 4));
    SHOW(ioctl(server, FIONREAD, &length));
    SHOW(ioctl(fd, FIONREAD, &length));
    SHOW(ioctl(fd, SIOCATMARK, &length));
    SHOW(ioctl(fd, FIONREAD, 8));
    DONE();
}
