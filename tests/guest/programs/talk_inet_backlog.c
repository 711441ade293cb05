/* A listener's queue: connections are made before anybody accepts, until it is full; what was sent and closed waits. */
#include "inet.h"

int main(void) {
    int server = listening(1), fd[4];
    Address address = name_of(server);
    char back[8];
    for (int i = 0; i < 3; i++) {
        fd[i] = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        SHOW(connect(fd[i], AT(address)));
        printf("%d: %x\n", i, events(fd[i]));
    }
    SHOW(connect(fd[2], AT(address)));
    SHOW(write(fd[2], "x", 1));
    SHOW(read(fd[2], back, 1));
    socklen_t length = sizeof address;
    Address peer;
    SHOW(getpeername(fd[2], (struct sockaddr *)&peer, &length));
    MUST(close(fd[2]));
    SHOW(write(fd[0], "gone", 4));
    MUST(close(fd[0]));
    int one = (int)MUST(accept(server, NULL, NULL)), two = (int)MUST(accept(server, NULL, NULL));
    SHOW(read(one, back, 8));
    SHOW(read(one, back, 8));
    SHOW(write(two, "y", 1));
    SHOW(read(fd[1], back, 8));
    SHOW(fcntl(server, F_SETFL, O_NONBLOCK));
    SHOW(accept(server, NULL, NULL));
    SHOW(listen(server, 0));
    DONE();
}
