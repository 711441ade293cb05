/* What an accepted socket has from its listener, and what not. */
#include "inet.h"

int main(void) {
    int server = listening(3), client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    struct timeval second = {2, 500000}, back;
    socklen_t length = sizeof back;
    MUST(set_option(server, SOL_SOCKET, SO_KEEPALIVE, 1));
    MUST(set_option(server, IPPROTO_TCP, TCP_NODELAY, 1));
    MUST(set_option(server, IPPROTO_IP, IP_TTL, 12));
    MUST(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second));
    Address address = name_of(server);
    MUST(connect(client, AT(address)));
    MUST(fcntl(server, F_SETFL, O_NONBLOCK));
    int end = (int)MUST(accept(server, NULL, NULL));
    printf("%d %d %d\n", option(end, SOL_SOCKET, SO_KEEPALIVE), option(end, IPPROTO_TCP, TCP_NODELAY), option(end, IPPROTO_IP, IP_TTL));
    SHOW(getsockopt(end, SOL_SOCKET, SO_RCVTIMEO, &back, &length));
    printf("%ld.%06ld\n", (long)back.tv_sec, (long)back.tv_usec);
    printf("flags %x %x\n", fcntl(end, F_GETFL) & O_NONBLOCK, fcntl(end, F_GETFD));
    MUST(connect(client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), AT(address)));
    end = (int)MUST(accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    printf("flags %x %x\n", fcntl(end, F_GETFL) & O_NONBLOCK, fcntl(end, F_GETFD));
    printf("%d %d\n", option(end, SOL_SOCKET, SO_ACCEPTCONN), option(server, SOL_SOCKET, SO_ACCEPTCONN));
    struct stat status;
    MUST(fstat(end, &status));
    printf("%o %ld\n", status.st_mode, (long)status.st_size);
    DONE();
}
