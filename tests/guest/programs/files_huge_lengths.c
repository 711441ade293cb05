/* Lengths and positions that no memory and no file has. */
#include "check.h"
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define TRY(call, ...)                                                                   \
    do {                                                                                 \
        errno = 0;                                                                       \
        long value = syscall(SYS_##call, __VA_ARGS__);                                   \
        printf("%-16s %s", #call, value == -1 ? error_name(errno) : "worked");           \
        if (value != -1) printf(" %ld", value);                                          \
        printf("\n");                                                                    \
    } while (0)

int main(void) {
    int fd = make_file("file", 100, 1);
    int dir = (int)MUST(open(".", O_RDONLY));
    char good[4096];
    char *pages = map_anonymous(2 * PAGE);
    static const long lengths[] = {-1, 1L << 63, 0x7fffffffffffffff, 1L << 47};
    memset(good, 0, sizeof good);
    int null = (int)MUST(open("/dev/null", O_RDWR)), ends[2];
    MUST(pipe2(ends, O_NONBLOCK));
    for (int i = 0; i < 4; i++) {
        printf("length %d\n", i);
        TRY(read, fd, good, lengths[i]);
        TRY(write, null, good, lengths[i]);
        TRY(pread64, fd, good, 10L, lengths[i]);
        TRY(pwrite64, null, good, 10L, lengths[i]);
        TRY(readv, fd, good, lengths[i]);
        TRY(writev, null, good, lengths[i]);
        MUST(lseek(dir, 0, SEEK_SET));
        errno = 0;
        printf("getdents64 %d", syscall(SYS_getdents64, dir, good, lengths[i]) > 0);
        printf(" %s\n", error_name(errno));
        MUST(lseek(fd, 0, SEEK_SET));
        TRY(sendfile, null, fd, NULL, lengths[i]);
        MUST(lseek(fd, 0, SEEK_SET));
        TRY(splice, fd, NULL, ends[1], NULL, lengths[i], 0L);
        TRY(msync, pages, lengths[i], MS_SYNC);
        TRY(mlock, pages, lengths[i]);
        TRY(munlock, pages, lengths[i]);
    }
    /* One buffer alone is cut to what a call can move before its end is looked at; of several each must be possible. */
    static char low[16];
    struct iovec claims[2] = {{low, 0x7fffffffffffffff}, {low, 1}};
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    TRY(readv, fd, claims, 1L);
    TRY(readv, fd, claims, 2L);
    MUST(write(pair[1], "hello", 5));
    TRY(recvfrom, pair[0], low, -1L, 0L, NULL, NULL);
    TRY(sendto, pair[0], NULL, -1L, (long)MSG_DONTWAIT, NULL, 0L);
    TRY(read, pair[0], low, -1L);
    DONE();
}
