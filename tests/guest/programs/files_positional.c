/* pread, pwrite, readv, writev, preadv, pwritev: parts, offsets that stay, and errors. */
#include "check.h"
#include <sys/uio.h>

int main(void) {
    int fd = make_file("data", 0, 0);
    struct iovec parts[3] = {{"one ", 4}, {NULL, 0}, {"two three", 9}};
    SHOW(writev(fd, parts, 3));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwrite(fd, "TWO", 3, 4));
    SHOW(lseek(fd, 0, SEEK_CUR));
    char a[8] = "", b[8] = "", c[8] = "";
    struct iovec into[3] = {{a, 4}, {b, 4}, {c, 7}};
    SHOW(preadv(fd, into, 3, 0));
    printf("%s|%s|%s\n", a, b, c);
    SHOW(lseek(fd, 4, SEEK_SET));
    SHOW(readv(fd, into, 2));
    printf("%.4s|%.4s\n", a, b);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwritev(fd, parts, 3, 100));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(preadv2(fd, into, 3, 100, 0));
    SHOW(preadv2(fd, into, 3, -1, 0)); /* At the offset, which is the end. */
    SHOW(pread(fd, a, 4, 1000));
    SHOW(pread(fd, a, 4, -1));
    SHOW(pwrite(fd, a, 4, -1));
    SHOW(pwrite(fd, a, 0, 5000));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(readv(fd, into, -1));
    SHOW(readv(fd, into, 1025));
    SHOW(readv(fd, into, 0));
    struct iovec negative[2] = {{a, 4}, {b, (size_t)-1}};
    SHOW(writev(fd, negative, 2));
    struct iovec bad[2] = {{"good", 4}, {(void *)1, 4}};
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(writev(fd, bad, 1));
    SHOW(writev(fd, (void *)8, 1));
    SHOW(writev(fd, bad + 1, 1));
    SHOW(readv(99, into, 1));
    SHOW(read(fd, (void *)8, 0));
    char *big = malloc(300000), *back = malloc(300000);
    fill(big, 300000, 3);
    struct iovec many[300], many_back[300];
    for (int i = 0; i < 300; i++) {
        many[i] = (struct iovec){big + i * 1000, 1000};
        many_back[i] = (struct iovec){back + i * 1000, 1000};
    }
    SHOW(pwritev(fd, many, 300, 7));
    SHOW(preadv(fd, many_back, 300, 7));
    CHECK(memcmp(big, back, 300000) == 0);
    DONE();
}
