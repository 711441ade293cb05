/* A stream: names of both ends, data both ways, peeking, waiting for all, and the end. */
#include "inet.h"

int main(void) {
    int server = listening(5), client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), held = 0;
    Address address = name_of(server), from;
    socklen_t length = sizeof from;
    char back[64] = {0};
    SHOW(connect(client, AT(address)));
    int end = (int)MUST(accept(server, (struct sockaddr *)&from, &length));
    CHECK(length == sizeof from && from.sin_port == name_of(client).sin_port);
    CHECK(from.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && from.sin_family == AF_INET);
    CHECK(name_of(end).sin_port == address.sin_port);
    length = 4;
    MUST(getpeername(client, (struct sockaddr *)&from, &length));
    CHECK(length == sizeof from && from.sin_port == address.sin_port);
    CHECK(ntohs(name_of(client).sin_port) >= 1024);
    SHOW(send(client, "hello", 5, 0));
    SHOW(recv(end, back, 3, MSG_PEEK));
    SHOW(ioctl(end, FIONREAD, &held));
    printf("%d\n", held);
    SHOW(read(end, back, 2));
    SHOW(write(client, " world", 6));
    SHOW(recv(end, back, 9, MSG_WAITALL));
    printf("%.9s\n", back);
    SHOW(recv(end, back, 9, MSG_DONTWAIT));
    SHOW(send(end, "back", 4, MSG_MORE));
    SHOW(send(end, "ward", 4, 0));
    SHOW(recv(client, back, sizeof back, MSG_WAITALL | MSG_DONTWAIT));
    SHOW(send(end, "lost", 4, 0));
    SHOW(recv(client, NULL, 4, MSG_TRUNC));
    SHOW(send(end, "", 0, 0));
    SHOW(recv(client, back, 0, MSG_DONTWAIT));
    SHOW(sendto(end, "x", 1, 0, AT(from)));
    length = sizeof from;
    SHOW(recvfrom(client, back, 9, 0, (struct sockaddr *)&from, &length));
    printf("%u\n", length);
    SHOW(lseek(client, 0, SEEK_CUR));
    SHOW(close(client));
    SHOW(read(end, back, 9));
    SHOW(read(end, back, 9));
    SHOW(accept4(server, NULL, NULL, 1));
    SHOW(fcntl(server, F_SETFL, O_NONBLOCK));
    SHOW(accept(server, NULL, NULL));
    DONE();
}
