/* What brings contents to storage, or advises about it: who may call it on what. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))

int main(void) {
    int fd = make_file("file", 9000, 1), ends[2], directory = (int)MUST(open(".", O_RDONLY));
    MUST(pipe(ends));
    CALL(sync);
    CALL(syncfs, fd);
    CALL(syncfs, 99);
    CALL(sync_file_range, fd, 0, 4096, 7);
    CALL(sync_file_range, fd, 0, 0, 0);
    CALL(sync_file_range, fd, -1, 10, 2);
    CALL(sync_file_range, fd, 0, 10, 8);
    CALL(sync_file_range, ends[0], 0, 10, 2);
    CALL(fsync, directory);
    CALL(fsync, ends[0]);
    CALL(fdatasync, fd);
    CALL(fdatasync, 99);
    CALL(readahead, fd, 0L, 4096L);
    CALL(readahead, ends[0], 0L, 10L);
    CALL(readahead, directory, 0L, 10L);
    CALL(fadvise64, fd, 0L, 0L, 4);
    CALL(fadvise64, fd, 0L, 0L, 9);
    CALL(fadvise64, ends[0], 0L, 0L, 0);
    DONE();
}
