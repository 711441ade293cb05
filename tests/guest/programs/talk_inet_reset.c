/* How a connection ends for the other side: by FIN, by unread data, by SO_LINGER of no time. */
#include "inet.h"

static int pipes;
static void broken(int number) { (void)number, pipes++; }

int main(void) {
    int pair[2];
    char back[8];
    struct linger none = {1, 0};
    signal(SIGPIPE, broken);

    connected(pair);
    MUST(close(pair[0]));
    SHOW(write(pair[1], "a", 1));
    SHOW(write(pair[1], "b", 1));
    printf("signals: %d\n", pipes);
    SHOW(send(pair[1], "c", 1, MSG_NOSIGNAL));
    printf("signals: %d\n", pipes);
    SHOW(read(pair[1], back, 8));

    connected(pair);
    MUST(write(pair[1], "unread", 6));
    MUST(write(pair[0], "for you", 7));
    MUST(close(pair[0]));
    EVENTS(pair[1]);
    SHOW(read(pair[1], back, 3));
    SHOW(read(pair[1], back, 8));
    SHOW(read(pair[1], back, 8));
    SHOW(read(pair[1], back, 8));
    SHOW(write(pair[1], "a", 1));
    printf("signals: %d\n", pipes);

    connected(pair);
    MUST(setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &none, sizeof none));
    MUST(close(pair[0]));
    SHOW(write(pair[1], "a", 1));
    printf("signals: %d\n", pipes);
    SHOW(write(pair[1], "a", 1));
    printf("signals: %d\n", pipes);
    SHOW(read(pair[1], back, 8));
    SHOW(shutdown(pair[1], SHUT_RD));
    socklen_t length = 0;
    SHOW(getpeername(pair[1], (struct sockaddr *)back, &length));

    int server = listening(3), client = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    Address address = name_of(server);
    MUST(connect(client, AT(address)));
    MUST(close(server));
    EVENTS(client);
    SHOW(read(client, back, 8));
    SHOW(read(client, back, 8));

    int fresh = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(write(fresh, "a", 1));
    printf("signals: %d\n", pipes);
    SHOW(read(fresh, back, 1));
    DONE();
}
