/* Lengths and positions that no memory and no file has. */
#include "check.h"
#include <sys/syscall.h>

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
    DONE();
}
