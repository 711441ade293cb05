/* SO_REUSEADDR and SO_REUSEPORT: who may have a port together, and what an ended connection leaves behind. */
#include "inet.h"

static int fresh(int kind, int reuse_address, int reuse_port) {
    int fd = (int)MUST(socket(AF_INET, kind, 0));
    MUST(set_option(fd, SOL_SOCKET, SO_REUSEADDR, reuse_address));
    MUST(set_option(fd, SOL_SOCKET, SO_REUSEPORT, reuse_port));
    return fd;
}

int main(void) {
    for (int kind = SOCK_STREAM; kind <= SOCK_DGRAM; kind++)
        for (int first = 0; first < 4; first++)
            for (int second = 0; second < 4; second++) {
                int one = fresh(kind, first & 1, first >> 1), two = fresh(kind, second & 1, second >> 1);
                Address any = loopback(0);
                MUST(bind(one, AT(any)));
                any = name_of(one);
                int bound = bind(two, AT(any)) ? errno : 0;
                printf("kind %d: %d %d: %s", kind, first, second, error_name(bound));
                if (kind == SOCK_STREAM && !bound) {
                    printf(" listen %s", error_name(listen(one, 1) ? errno : 0));
                    printf(" %s", error_name(listen(two, 1) ? errno : 0));
                }
                int three = fresh(kind, 1, 0);
                printf(" third %s\n", error_name(bind(three, AT(any)) ? errno : 0));
                MUST(close(one)), MUST(close(two)), MUST(close(three));
            }
    int server = fresh(SOCK_STREAM, 1, 0), client = fresh(SOCK_STREAM, 0, 0);
    Address any = loopback(0);
    MUST(bind(server, AT(any)));
    MUST(listen(server, 1));
    any = name_of(server);
    MUST(connect(client, AT(any)));
    int end = (int)MUST(accept(server, NULL, NULL));
    MUST(close(server));
    SHOW(bind(fresh(SOCK_STREAM, 0, 0), AT(any)));
    MUST(close(end));
    MUST(close(client));
    SHOW(bind(fresh(SOCK_STREAM, 0, 0), AT(any)));
    server = fresh(SOCK_STREAM, 1, 0);
    SHOW(bind(server, AT(any)));
    SHOW(listen(server, 1));
    DONE();
}
