/* Options of the levels SOCKET, IP, TCP and UDP: their defaults, what can be set, and what is refused. */
#include "inet.h"
#define GET(fd, level, name) printf("%s = %d\n", #name, option(fd, level, name))
#define SET(fd, level, name, value) do { SHOW(set_option(fd, level, name, value)); GET(fd, level, name); } while (0)

int main(void) {
    int tcp = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), udp = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    for (int *fd = (int[]){tcp, udp, -1}; *fd >= 0; fd++) {
        GET(*fd, SOL_SOCKET, SO_TYPE); GET(*fd, SOL_SOCKET, SO_DOMAIN); GET(*fd, SOL_SOCKET, SO_PROTOCOL);
        GET(*fd, SOL_SOCKET, SO_ACCEPTCONN); GET(*fd, SOL_SOCKET, SO_ERROR); GET(*fd, SOL_SOCKET, SO_RCVLOWAT);
        SET(*fd, SOL_SOCKET, SO_REUSEADDR, 7); SET(*fd, SOL_SOCKET, SO_REUSEPORT, 1); SET(*fd, SOL_SOCKET, SO_KEEPALIVE, -1);
        SET(*fd, SOL_SOCKET, SO_BROADCAST, 1); SET(*fd, SOL_SOCKET, SO_OOBINLINE, 1); SET(*fd, SOL_SOCKET, SO_DONTROUTE, 1);
        SET(*fd, SOL_SOCKET, SO_SNDBUF, 10000); SET(*fd, SOL_SOCKET, SO_RCVBUF, 20000); SET(*fd, SOL_SOCKET, SO_SNDBUF, 1);
        SET(*fd, SOL_SOCKET, SO_RCVLOWAT, 0); SET(*fd, SOL_SOCKET, SO_RCVLOWAT, 5); SET(*fd, SOL_SOCKET, SO_PRIORITY, 3);
        SHOW(set_option(*fd, SOL_SOCKET, SO_TYPE, 1)); SHOW(set_option(*fd, SOL_SOCKET, SO_ERROR, 1));
        SHOW(set_option(*fd, SOL_SOCKET, SO_ACCEPTCONN, 1)); SHOW(set_option(*fd, SOL_SOCKET, 9999, 1));
        SHOW(setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &(char){1}, 1));
        GET(*fd, IPPROTO_IP, IP_TTL); GET(*fd, IPPROTO_IP, IP_TOS); GET(*fd, IPPROTO_IP, IP_RECVERR);
        SET(*fd, IPPROTO_IP, IP_TTL, 9); SET(*fd, IPPROTO_IP, IP_TOS, 0x28); SET(*fd, IPPROTO_IP, IP_RECVERR, 5);
        SHOW(setsockopt(*fd, IPPROTO_IP, IP_TTL, &(char){33}, 1)); GET(*fd, IPPROTO_IP, IP_TTL);
        SHOW(set_option(*fd, IPPROTO_IP, 9999, 1)); GET(*fd, IPPROTO_IP, 9999); GET(*fd, 99, 1);
        SHOW(set_option(*fd, 99, 1, 1));
    }
    SET(tcp, IPPROTO_TCP, TCP_NODELAY, 5); SET(tcp, IPPROTO_TCP, TCP_CORK, 1); SET(tcp, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    GET(tcp, IPPROTO_TCP, TCP_KEEPINTVL); GET(tcp, IPPROTO_TCP, TCP_KEEPCNT); SET(tcp, IPPROTO_TCP, TCP_KEEPCNT, 200);
    SET(tcp, IPPROTO_TCP, TCP_KEEPIDLE, 0); SET(tcp, IPPROTO_TCP, TCP_SYNCNT, 3); SET(tcp, IPPROTO_TCP, TCP_USER_TIMEOUT, 9);
    SHOW(set_option(tcp, IPPROTO_TCP, TCP_USER_TIMEOUT, -1)); SHOW(set_option(tcp, IPPROTO_TCP, 9999, 1));
    GET(tcp, IPPROTO_UDP, 1); GET(udp, IPPROTO_TCP, TCP_NODELAY); GET(tcp, IPPROTO_TCP, 9999);
    SHOW(setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &(char){1}, 1)); SHOW(set_option(udp, IPPROTO_TCP, TCP_NODELAY, 1));
    struct tcp_info info;
    socklen_t length = sizeof info;
    SHOW(getsockopt(tcp, IPPROTO_TCP, TCP_INFO, &info, &length));
    printf("state %d\n", info.tcpi_state);
    unsigned char byte = 0;
    length = 1;
    SHOW(getsockopt(udp, IPPROTO_IP, IP_TTL, &byte, &length));
    printf("%d %u\n", byte, length);
    struct linger linger = {1, 30}, back;
    length = sizeof back;
    SHOW(setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    linger.l_onoff = linger.l_linger = 0;
    SHOW(setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, 4));
    SHOW(setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    SHOW(getsockopt(tcp, SOL_SOCKET, SO_LINGER, &back, &length));
    printf("%d %d %u\n", back.l_onoff, back.l_linger, length);
    length = -1;
    SHOW(getsockopt(tcp, SOL_SOCKET, SO_TYPE, &back, &length));
    SHOW(getsockopt(tcp, SOL_SOCKET, SO_TYPE, &back, (void *)8));
    length = 4;
    SHOW(getsockopt(tcp, SOL_SOCKET, SO_TYPE, (void *)8, &length));
    SHOW(setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4));
    SHOW(setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &length, -1));
    DONE();
}
