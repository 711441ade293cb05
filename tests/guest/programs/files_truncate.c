/* truncate, ftruncate, fallocate: sizes, zeroes, and errors. */
#include "check.h"

static long size_of(const char *name) {
    struct stat s;
    return stat(name, &s) ? -1 : (long)s.st_size;
}

int main(void) {
    int fd = make_file("data", 10000, 1);
    char text[64];
    SHOW(truncate("data", 5000));
    SHOW(size_of("data"));
    SHOW(ftruncate(fd, 9000));
    char *all = malloc(20000);
    SHOW(pread(fd, all, 20000, 0));
    CHECK(all_are(all + 5000, 4000, 0) && all[4999] != 0);
    SHOW(ftruncate(fd, -1));
    SHOW(truncate("data", -1));
    SHOW(truncate("missing", 0));
    SHOW(truncate(".", 0));
    SHOW(truncate("data/x", 0));
    SHOW(ftruncate(99, 0));
    int reader = (int)MUST(open("data", O_RDONLY));
    SHOW(ftruncate(reader, 0));
    SHOW(symlink("data", "link"));
    SHOW(truncate("link", 100));
    SHOW(size_of("data"));
    SHOW(fallocate(fd, 0, 0, 50));
    SHOW(size_of("data"));
    SHOW(fallocate(fd, 0, 50, 8000));
    SHOW(size_of("data"));
    SHOW(pread(fd, text, 8, 8042));
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100000));
    SHOW(size_of("data"));
    fill(all, 8050, 5);
    SHOW(pwrite(fd, all, 8050, 0));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 4100));
    SHOW(pread(fd, all, 8050, 0));
    CHECK(all_are(all + 10, 4100, 0) && all[9] != 0 && all[4110] != 0);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 10, 10));
    SHOW(fallocate(fd, 0, -1, 10));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(fallocate(reader, 0, 0, 10));
    SHOW(fallocate(99, 0, 0, 10));
    SHOW(posix_fallocate(fd, 0, 9000));
    SHOW(size_of("data"));
    SHOW(ftruncate(fd, 0));
    SHOW(read(reader, text, 10));
    DONE();
}
