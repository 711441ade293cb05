/* Where buffers end in memory that is not there: what getrandom and copy_file_range make of it. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))

int main(void) {
    int fd = make_file("file", 100, 1), sink = make_file("sink", 0, 1);
    char *at = map_anonymous(2 * PAGE);
    MUST(munmap(at + PAGE, PAGE));
    CALL(getrandom, at + PAGE - 10, 64, 0);
    CALL(getrandom, at + PAGE, 64, 0);
    long *offset = (long *)(at + 64);
    *offset = 100;
    CALL(copy_file_range, fd, offset, sink, NULL, 10, 0);
    printf("  %ld\n", *offset);
    *offset = 95;
    CALL(copy_file_range, fd, offset, sink, NULL, 10, 0);
    printf("  %ld\n", *offset);
    CALL(copy_file_range, fd, offset, sink, NULL, 10, 1);
    CALL(copy_file_range, fd, NULL, fd, NULL, 10, 0);
    CALL(utimensat, AT_FDCWD, "file", ((struct timespec[2]){{1L << 40, 0}, {1, 1}}), 0);
    DONE();
}
