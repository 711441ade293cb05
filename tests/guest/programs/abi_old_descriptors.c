/* The forms of descriptor-making calls that have no flags. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>
int main(void) {
    int ends[2];
    CALL(pipe, ends);
    CHECK(fcntl(ends[0], F_GETFD) == 0 && fcntl(ends[0], F_GETFL) == O_RDONLY && fcntl(ends[1], F_GETFL) == O_WRONLY);
    CALL(pipe, (void *)8);
    CALL(epoll_create, 1);
    CALL(epoll_create, 0);
    CALL(eventfd, 3);
    CALL(eventfd, 0xffffffff);
    uint64_t count = 0;
    SHOW(read(6, &count, 8));
    printf("  %lu\n", (unsigned long)count);
    uint64_t mask = 1UL << (SIGUSR1 - 1);
    CALL(signalfd, -1, &mask, 8);
    CALL(signalfd, -1, &mask, 4);
    CALL(signalfd, 0, &mask, 8);
    CALL(signalfd4, -1, &mask, 8, 1);
    CALL(signalfd4, -1, &mask, 8, O_CLOEXEC);
    MUST(write(ends[1], "x", 1));
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    struct timeval wait = {5, 0};
    CALL(select, 10, &in, &out, NULL, &wait);
    CHECK(FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    MUST(read(ends[0], &count, 1));
    FD_SET(ends[0], &in);
    CALL(select, 10, &in, NULL, NULL, (&(struct timeval){0, 1000}));
    CHECK(!FD_ISSET(ends[0], &in));
    CALL(select, -1, NULL, NULL, NULL, NULL);
    FD_SET(60, &in); /* Below 64: there the table of descriptors always reaches. */
    CALL(select, 100, &in, NULL, NULL, &wait);
    CALL(close_range, 5, 4, 0);
    CALL(close_range, 5, 4000, 0);
    CALL(dup, 5);
    DONE();
}
