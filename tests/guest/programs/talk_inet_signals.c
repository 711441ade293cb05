/* Signals while a call waits: begun again or not, by SA_RESTART and by timeouts; what came before counts. */
#include "inet.h"
#include <sys/time.h>

static int feed = -1;
static void handler(int number) {
    (void)number;
    if (feed >= 0) write(feed, "fed", 3);
}

/* Signals every 10 ms while a call is made: the first may come before it waits. */
static void start(int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    MUST(sigaction(SIGALRM, &action, NULL));
    struct itimerval timer = {{0, 10000}, {0, 10000}};
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
}

static void stop(void) {
    struct itimerval none = {{0, 0}, {0, 0}};
    MUST(setitimer(ITIMER_REAL, &none, NULL));
}
#define DURING(flags, call) \
    do {                    \
        start(flags);       \
        SHOW(call);         \
        stop();             \
    } while (0)

int main(void) {
    int server = listening(1), pair[2], udp = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    char back[16];
    connected(pair);
    DURING(0, accept(server, NULL, NULL));
    DURING(0, read(pair[0], back, 16));
    DURING(0, recv(udp, back, 16, 0));
    feed = pair[1];
    DURING(SA_RESTART, read(pair[0], back, 3));
    feed = -1;
    while (recv(pair[0], back, 16, MSG_DONTWAIT) > 0) continue;
    MUST(write(pair[1], "part", 4));
    DURING(SA_RESTART, recv(pair[0], back, 16, MSG_WAITALL));
    struct timeval second = {1, 0};
    MUST(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second));
    DURING(SA_RESTART, read(pair[0], back, 16));
    DONE();
}
