/* shutdown of one direction, of both, of a listener, and of what is not connected. */
#include "inet.h"

int main(void) {
    int pair[2];
    char back[8];
    socklen_t length = sizeof(Address);
    Address address;
    signal(SIGPIPE, SIG_IGN);
    connected(pair);
    SHOW(shutdown(pair[0], 3));
    SHOW(shutdown(pair[0], -1));
    SHOW(shutdown(pair[0], SHUT_WR));
    SHOW(write(pair[0], "a", 1));
    SHOW(read(pair[1], back, 8));
    SHOW(write(pair[1], "still", 5));
    SHOW(read(pair[0], back, 8));
    SHOW(shutdown(pair[0], SHUT_WR));
    SHOW(getpeername(pair[0], (struct sockaddr *)&address, &length));
    SHOW(shutdown(pair[1], SHUT_WR));
    SHOW(read(pair[0], back, 8));
    SHOW(shutdown(pair[0], SHUT_RD));
    SHOW(getpeername(pair[0], (struct sockaddr *)&address, &length));
    SHOW(getpeername(pair[1], (struct sockaddr *)&address, &length));

    connected(pair);
    SHOW(shutdown(pair[0], SHUT_RDWR));
    SHOW(read(pair[0], back, 8));
    SHOW(read(pair[1], back, 8));
    SHOW(write(pair[1], "a", 1));
    usleep(1000);
    SHOW(write(pair[1], "a", 1));

    int fresh = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), server = listening(1);
    SHOW(shutdown(fresh, SHUT_RDWR));
    SHOW(shutdown(server, SHUT_WR));
    SHOW(option(server, SOL_SOCKET, SO_ACCEPTCONN));
    SHOW(shutdown(server, SHUT_RD));
    SHOW(option(server, SOL_SOCKET, SO_ACCEPTCONN));
    SHOW(accept(server, NULL, NULL));
    SHOW(shutdown(server, SHUT_RD));
    SHOW(listen(server, 1));
    SHOW(option(server, SOL_SOCKET, SO_ACCEPTCONN));
    DONE();
}
