/* Which addresses and ports a socket can have. */
#include "inet.h"

static int fresh(int kind) { return (int)MUST(socket(AF_INET, kind, 0)); }

int main(void) {
    Address any = {.sin_family = AF_INET}, local = loopback(0), far = any, odd = any, unspecified = {0};
    far.sin_addr.s_addr = inet_addr("192.0.2.77");
    odd.sin_addr.s_addr = inet_addr("127.1.2.3");
    for (int kind = SOCK_STREAM; kind <= SOCK_DGRAM; kind++) {
        printf("kind %d\n", kind);
        int fd = fresh(kind);
        Address name = name_of(fd);
        CHECK(name.sin_family == AF_INET && !name.sin_port && !name.sin_addr.s_addr);
        SHOW(bind(fd, (struct sockaddr *)&any, 15));
        SHOW(bind(fd, (struct sockaddr *)&any, 200));
        SHOW(bind(fd, (struct sockaddr *)8, 16));
        any.sin_family = AF_UNIX;
        SHOW(bind(fd, AT(any)));
        any.sin_family = AF_INET;
        SHOW(bind(fd, AT(far)));
        int other = fresh(kind), third = fresh(kind);
        SHOW(bind(other, AT(local)));
        odd.sin_port = name_of(other).sin_port;
        SHOW(bind(fd, AT(odd)));
        name = name_of(fd);
        CHECK(name.sin_addr.s_addr == odd.sin_addr.s_addr && name.sin_port && name.sin_port == odd.sin_port);
        SHOW(bind(fd, AT(odd)));
        SHOW(bind(third, AT(name)));
        name.sin_addr.s_addr = htonl(INADDR_ANY);
        SHOW(bind(third, AT(name)));
        SHOW(bind(fresh(kind), AT(unspecified)));
        Address same = name_of(other);
        SHOW(close(other));
        SHOW(bind(fresh(kind), AT(same)));
    }
    int tcp = fresh(SOCK_STREAM), udp = fresh(SOCK_DGRAM);
    MUST(bind(tcp, AT(any)));
    Address both = name_of(tcp);
    CHECK(ntohs(both.sin_port) >= 1024);
    SHOW(bind(udp, AT(both)));
    SHOW(listen(udp, 1));
    SHOW(listen(tcp, 1));
    SHOW(bind(tcp, AT(any)));
    int unnamed = fresh(SOCK_STREAM);
    SHOW(listen(unnamed, 0));
    CHECK(name_of(unnamed).sin_port != 0);
    DONE();
}
