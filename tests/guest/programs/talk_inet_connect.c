/* connect in all states of a socket, waiting or not. */
#include "inet.h"

int main(void) {
    int server = listening(5);
    Address address = name_of(server), nowhere, unspecified = {0}, bad = address;
    int closed = listening(1);
    nowhere = name_of(closed);
    MUST(close(closed));
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(connect(fd, (struct sockaddr *)&address, 1));
    SHOW(connect(fd, (struct sockaddr *)&address, 15));
    SHOW(connect(fd, (struct sockaddr *)8, 16));
    bad.sin_family = AF_UNIX;
    SHOW(connect(fd, AT(bad)));
    bad = address;
    bad.sin_addr.s_addr = inet_addr("127.255.255.255");
    SHOW(connect(fd, AT(bad)));
    SHOW(connect(fd, AT(nowhere)));
    ERROR(fd);
    SHOW(connect(fd, AT(nowhere)));
    SHOW(connect(fd, AT(address)));
    SHOW(connect(fd, AT(address)));
    SHOW(listen(fd, 1));
    SHOW(connect(fd, (struct sockaddr *)&unspecified, 16));
    SHOW(connect(server, AT(address)));

    fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    EVENTS(fd);
    SHOW(connect(fd, AT(address)));
    EVENTS(fd);
    ERROR(fd);
    SHOW(connect(fd, AT(address)));
    SHOW(connect(fd, AT(address)));

    fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    SHOW(connect(fd, AT(nowhere)));
    EVENTS(fd);
    ERROR(fd);
    ERROR(fd);
    EVENTS(fd);
    SHOW(connect(fd, AT(nowhere)));
    SHOW(connect(fd, AT(nowhere)));
    SHOW(connect(fd, AT(nowhere)));
    SHOW(connect(fd, AT(address)));
    SHOW(connect(fd, AT(address)));

    bad = address;
    bad.sin_addr.s_addr = htonl(INADDR_ANY);
    fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(connect(fd, AT(bad)));
    socklen_t length = sizeof bad;
    SHOW(getpeername(fd, (struct sockaddr *)&bad, &length));
    CHECK(bad.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    DONE();
}
