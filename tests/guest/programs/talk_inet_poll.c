/* What poll says of streams and datagrams in their states. */
#include "inet.h"

int main(void) {
    char back[8];
    int fresh = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), server = listening(1), pair[2];
    EVENTS(fresh);
    EVENTS(server);
    Address address = name_of(server);
    MUST(connect(fresh, AT(address)));
    EVENTS(server);
    EVENTS(fresh);
    int end = (int)MUST(accept(server, NULL, NULL));
    EVENTS(server);
    MUST(write(end, "x", 1));
    EVENTS(fresh);
    MUST(shutdown(end, SHUT_WR));
    EVENTS(fresh);
    EVENTS(end);
    MUST(read(fresh, back, 8));
    EVENTS(fresh);
    MUST(shutdown(fresh, SHUT_WR));
    EVENTS(fresh);
    EVENTS(end);

    connected(pair);
    MUST(shutdown(pair[0], SHUT_RD));
    EVENTS(pair[0]);
    EVENTS(pair[1]);
    MUST(write(pair[1], "y", 1));
    EVENTS(pair[0]);
    SHOW(read(pair[0], back, 8));
    SHOW(read(pair[0], back, 8));
    MUST(close(pair[1]));
    EVENTS(pair[0]);

    connected(pair);
    static char much[1 << 16];
    MUST(fcntl(pair[0], F_SETFL, O_NONBLOCK));
    while (write(pair[0], much, sizeof much) > 0) continue;
    SHOW(write(pair[0], much, 1));
    EVENTS(pair[0]);
    EVENTS(pair[1]);
    MUST(fcntl(pair[1], F_SETFL, O_NONBLOCK));
    while (read(pair[1], much, sizeof much) > 0) continue;
    EVENTS(pair[0]);
    MUST(write(pair[0], "z", 1));
    MUST(close(pair[1]));
    EVENTS(pair[0]);
    ERROR(pair[0]);
    EVENTS(pair[0]);

    int udp = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    EVENTS(udp);
    SHOW(shutdown(udp, SHUT_RD));
    EVENTS(udp);
    SHOW(shutdown(udp, SHUT_WR));
    EVENTS(udp);
    DONE();
}
