/* poll, select, ppoll, pselect on files: always ready; bad descriptors; timeouts. */
#include "check.h"
#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

int main(void) {
    int fd = make_file("file", 10, 1), null = (int)MUST(open("/dev/null", O_RDWR));
    int directory = (int)MUST(open(".", O_RDONLY));
    struct pollfd polls[5] = {
        {fd, POLLIN | POLLOUT, 0}, {99, POLLIN, 0}, {-1, POLLIN, 7}, {null, POLLIN | POLLOUT | POLLPRI, 0}, {directory, POLLIN, 0},
    };
    SHOW(poll(polls, 5, -1));
    for (int i = 0; i < 5; i++) printf("%x ", polls[i].revents);
    printf("\n");
    SHOW(poll(polls + 2, 1, 10));
    SHOW(poll(NULL, 0, 5));
    polls[0].events = POLLPRI;
    SHOW(poll(polls, 1, 0));
    SHOW(ppoll(polls, 1, &(struct timespec){0, 1000000}, NULL));
    SHOW(ppoll(polls, 1, &(struct timespec){0, 1000000000}, NULL));
    fd_set reads, writes, errors;
    FD_ZERO(&reads);
    FD_ZERO(&writes);
    FD_ZERO(&errors);
    FD_SET(fd, &reads);
    FD_SET(fd, &writes);
    FD_SET(fd, &errors);
    FD_SET(null, &reads);
    struct timeval second = {1, 0};
    SHOW(select(null + 1, &reads, &writes, &errors, &second));
    printf("%d %d %d %d\n", FD_ISSET(fd, &reads) != 0, FD_ISSET(fd, &writes) != 0, FD_ISSET(fd, &errors) != 0, FD_ISSET(null, &reads) != 0);
    FD_SET(60, &reads);
    SHOW(select(61, &reads, NULL, NULL, NULL));
    SHOW(select(-1, NULL, NULL, NULL, NULL));
    FD_ZERO(&errors);
    FD_SET(fd, &errors);
    struct timeval soon = {0, 2000};
    SHOW(select(fd + 1, NULL, NULL, &errors, &soon));
    printf("%ld.%06ld %d\n", (long)soon.tv_sec, (long)soon.tv_usec, FD_ISSET(fd, &errors) != 0);
    struct timespec before, after, wait = {0, 3000000};
    clock_gettime(CLOCK_MONOTONIC, &before);
    SHOW(pselect(0, NULL, NULL, NULL, &wait, NULL));
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 3000000);
    SHOW(select(1, NULL, NULL, NULL, &(struct timeval){-1, 0}));
    /* Microseconds beyond a second are added to the seconds, as C does that: the sum may be negative, or not. */
    static const struct timeval sums[] = {{INT64_MAX, 5000000}, {INT64_MAX, 999999}, {1, -1000000}, {1, -1}};
    for (int i = 0; i < 4; i++) {
        struct timeval sum = sums[i];
        FD_ZERO(&reads);
        FD_SET(null, &reads);
        SHOW(syscall(SYS_select, null + 1, &reads, NULL, NULL, &sum));
    }
    DONE();
}
