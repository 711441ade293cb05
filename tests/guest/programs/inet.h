/* What the programs about AF_INET share. */
#ifndef INET_H
#define INET_H
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

typedef struct sockaddr_in Address;
#define AT(address) (struct sockaddr *)&(address), sizeof(Address)

__attribute__((unused)) static Address loopback(int port) {
    Address address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

__attribute__((unused)) static Address name_of(int fd) {
    Address address = {0};
    socklen_t length = sizeof address;
    MUST(getsockname(fd, (struct sockaddr *)&address, &length));
    return address;
}

__attribute__((unused)) static int listening(int backlog) {
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    Address any = loopback(0);
    MUST(bind(fd, AT(any)));
    MUST(listen(fd, backlog));
    return fd;
}

/* A connection: pair[0] called, pair[1] was accepted. */
__attribute__((unused)) static void connected(int pair[2]) {
    int server = listening(5);
    Address address = name_of(server);
    pair[0] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(pair[0], AT(address)));
    pair[1] = (int)MUST(accept(server, NULL, NULL));
    MUST(close(server));
}

__attribute__((unused)) static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(fd, level, name, &value, &length) ? -errno : value;
}

__attribute__((unused)) static int set_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value);
}

__attribute__((unused)) static int events(int fd) {
    struct pollfd one = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI | POLLRDNORM | POLLWRNORM | POLLWRBAND};
    MUST(poll(&one, 1, 0));
    return one.revents;
}
#define EVENTS(fd) printf("%s: %x\n", #fd, events(fd))
#define ERROR(fd) printf("SO_ERROR of %s: %s\n", #fd, error_name(option(fd, SOL_SOCKET, SO_ERROR)))
#endif
