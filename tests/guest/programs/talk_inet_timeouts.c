/* Timeouts of accept, receive and send. */
#include "inet.h"
#include <time.h>

static long since(struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

int main(void) {
    int server = listening(1), pair[2], udp = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    struct timeval short_time = {0, 20000}, bad = {0, 1000000};
    struct timespec start;
    char back[8];
    connected(pair);
    for (int *fd = (int[]){server, pair[0], pair[1], udp, -1}; *fd >= 0; fd++) {
        MUST(setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time));
        MUST(setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &short_time, sizeof short_time));
    }
    SHOW(setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof bad));
    clock_gettime(CLOCK_MONOTONIC, &start);
    SHOW(accept(server, NULL, NULL));
    SHOW(read(pair[0], back, 8));
    SHOW(recv(udp, back, 8, 0));
    MUST(write(pair[1], "ab", 2));
    SHOW(recv(pair[0], back, 8, MSG_WAITALL));
    static char much[1 << 20];
    while (write(pair[0], much, sizeof much) > 0) continue; /* What the other end has not taken yet may make room once more. */
    CHECK(errno == EAGAIN);
    long elapsed = since(&start);
    CHECK(elapsed >= 100 && elapsed < 3000);
    DONE();
}
