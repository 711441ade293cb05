/* More than the buffers hold, sent by one process and read by another in odd pieces; and the same through poll. */
#include "inet.h"
#include <sys/wait.h>

#define TOTAL 6000000L

int main(void) {
    static unsigned char data[100000], back[70001];
    int pair[2];
    uint64_t hash = 0;
    long got = 0, n;
    connected(pair);
    fill(data, sizeof data, 5);
    fflush(stdout);
    if (!fork()) {
        MUST(close(pair[1]));
        MUST(fcntl(pair[0], F_SETFL, O_NONBLOCK));
        for (long done = 0; done < TOTAL;) {
            struct pollfd one = {pair[0], POLLOUT, 0};
            MUST(poll(&one, 1, -1));
            long at = done % (long)sizeof data, left = (long)sizeof data - at;
            if (left > TOTAL - done) left = TOTAL - done;
            n = write(pair[0], data + at, (size_t)left);
            if (n > 0) done += n;
        }
        _exit(0);
    }
    MUST(close(pair[0]));
    int equal = 1;
    while ((n = read(pair[1], back, sizeof back)) > 0) {
        for (long i = 0; i < n; i += 997) equal &= back[i] == data[(got + i) % (long)sizeof data];
        got += n;
        hash += (uint64_t)n;
    }
    CHECK(equal && got == TOTAL && hash == TOTAL);
    SHOW(wait(NULL) > 0);
    DONE();
}
