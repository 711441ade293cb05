/* /dev/null, zero, full, random, urandom and the standard streams' names. */
#include "check.h"
#include <sys/sysmacros.h>

int main(void) {
    char b[5000];
    static const char *const names[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
    for (int i = 0; i < 6; i++) {
        struct stat s;
        MUST(stat(names[i], &s));
        printf("%s: type %o rdev %u,%u\n", names[i], s.st_mode & S_IFMT, major(s.st_rdev), minor(s.st_rdev));
    }
    int null = (int)MUST(open("/dev/null", O_RDWR)), zero = (int)MUST(open("/dev/zero", O_RDWR));
    int full = (int)MUST(open("/dev/full", O_RDWR)), random = (int)MUST(open("/dev/urandom", O_RDONLY));
    SHOW(read(null, b, 100));
    SHOW(write(null, b, 5000));
    SHOW(pread(null, b, 10, 5));
    SHOW(lseek(null, 10, SEEK_SET));
    memset(b, 'x', sizeof b);
    SHOW(read(zero, b, 4999));
    CHECK(all_are(b, 4999, 0) && b[4999] == 'x');
    SHOW(write(zero, b, 77));
    SHOW(write(full, b, 10));
    SHOW(read(full, b, 4));
    /* They do not look at what is written. */
    SHOW(write(null, (void *)8, 100));
    SHOW(pwrite(zero, (void *)8, 100, 3));
    SHOW(write(full, (void *)8, 0));
    SHOW(write(full, (void *)8, 100));
    SHOW(write(null, (void *)-1, 100));
    SHOW(read(random, b, 64));
    CHECK(!all_are(b, 64, 0));
    char c[64];
    SHOW(read(random, c, 64));
    CHECK(memcmp(b, c, 64) != 0);
    SHOW(read((int)MUST(open("/dev/random", O_RDONLY)), c, 16));
    SHOW(ftruncate(null, 10));
    SHOW(fsync(null));
    SHOW(open("/dev/null", O_RDONLY | O_TRUNC) >= 0);
    SHOW(open("/dev/null", O_WRONLY | O_CREAT | O_EXCL, 0644));
    SHOW(open("/dev/null/x", O_RDONLY));
    SHOW(open("/dev/missing", O_RDONLY));
    SHOW(open("/dev/null", O_DIRECTORY));
    SHOW(isatty(null));
    int out = open("/dev/stdout", O_WRONLY);
    CHECK(out >= 0 && write(out, "to /dev/stdout\n", 15) == 15);
    out = open("/proc/self/fd/1", O_WRONLY);
    CHECK(out >= 0 && write(out, "to /proc/self/fd/1\n", 19) == 19);
    int err = open("/dev/stderr", O_WRONLY);
    CHECK(err >= 0 && write(err, "to /dev/stderr\n", 15) == 15);
    SHOW(readlink("/dev/fd", b, sizeof b) > 0);
    SHOW(access("/dev/null", R_OK | W_OK));
    DONE();
}
