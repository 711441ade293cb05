/* Signals while a call waits: begun again or not, by SA_RESTART and by timeouts; what came before counts. */
#include "inet.h"
#include <sys/time.h>

static int caught, feed = -1;
static void handler(int number) {
    (void)number;
    caught++;
    if (feed >= 0) write(feed, "fed", 3);
}

static void in_10_ms(int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    MUST(sigaction(SIGALRM, &action, NULL));
    struct itimerval timer = {{0, 0}, {0, 10000}};
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
}

int main(void) {
    int server = listening(1), pair[2], udp = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    char back[16];
    connected(pair);
    in_10_ms(0);
    SHOW(accept(server, NULL, NULL));
    in_10_ms(0);
    SHOW(read(pair[0], back, 16));
    in_10_ms(0);
    SHOW(recv(udp, back, 16, 0));
    feed = pair[1];
    in_10_ms(SA_RESTART);
    SHOW(read(pair[0], back, 16));
    feed = -1;
    MUST(write(pair[1], "part", 4));
    in_10_ms(SA_RESTART);
    SHOW(recv(pair[0], back, 16, MSG_WAITALL));
    struct timeval second = {1, 0};
    MUST(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second));
    in_10_ms(SA_RESTART);
    SHOW(read(pair[0], back, 16));
    printf("caught %d\n", caught);
    DONE();
}
