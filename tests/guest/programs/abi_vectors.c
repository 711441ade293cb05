/* pwritev, pwritev2 and preadv2 at offsets, with flags, and with the file's own position. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/uio.h>
int main(void) {
    int fd = make_file("file", 0, 1);
    char first[8] = "first ", second[8] = "second", got[20] = "";
    struct iovec out[2] = {{first, 6}, {second, 6}}, in[1] = {{got, 19}};
    CALL(pwritev, fd, out, 2, 3L, 0L);
    CALL(pwritev, fd, out, 2, -1L, 0L);
    CALL(pwritev, fd, out, 2000, 0L, 0L);
    CALL(pwritev2, fd, out, 1, -1L, 0L, 0);
    CALL(lseek, fd, 0L, SEEK_CUR);
    CALL(pwritev2, fd, out, 2, 0L, 0L, RWF_APPEND);
    CALL(pwritev2, fd, out, 2, 0L, 0L, RWF_DSYNC);
    CALL(pwritev2, fd, out, 2, 0L, 0L, 1 << 20);
    CALL(pwritev2, 99, out, 2, 0L, 0L, 0);
    CALL(preadv2, fd, in, 1, 0L, 0L, 0);
    printf("  %s\n", got);
    CALL(preadv2, fd, in, 1, -1L, 0L, 0);
    CALL(preadv2, fd, in, 1, -2L, 0L, 0);
    CALL(preadv2, fd, in, 1, 0L, 0L, 1 << 20);
    CALL(preadv, fd, in, 1, 100L, 0L);
    in[0].iov_len = (size_t)-1;
    CALL(preadv, fd, in, 1, 0L, 0L);
    DONE();
}
