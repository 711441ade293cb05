/* EBADF for every call that takes a descriptor, for some that are closed and some that never were. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/uio.h>

int main(void) {
    int closed = (int)MUST(open(".", O_RDONLY));
    MUST(close(closed));
    const int bad_ones[] = {closed, -1, 1000, 0x7fffffff, -100000};
    char b[256];
    struct iovec part = {b, 1};
    struct stat s;
    struct statfs f;
    for (int i = 0; i < 5; i++) {
        int bad = bad_ones[i];
        printf("descriptor %d\n", i);
        SHOW(read(bad, b, 1));
        SHOW(write(bad, b, 1));
        SHOW(read(bad, b, 0));
        SHOW(pread(bad, b, 1, 0));
        SHOW(pwrite(bad, b, 1, 0));
        SHOW(readv(bad, &part, 1));
        SHOW(writev(bad, &part, 1));
        SHOW(preadv(bad, &part, 1, 0));
        SHOW(lseek(bad, 0, SEEK_SET));
        SHOW(close(bad));
        SHOW(fstat(bad, &s));
        SHOW(fstatfs(bad, &f));
        SHOW(fchmod(bad, 0644));
        SHOW(fchown(bad, 0, 0));
        SHOW(ftruncate(bad, 0));
        SHOW(fallocate(bad, 0, 0, 1));
        SHOW(posix_fadvise(bad, 0, 0, 0));
        SHOW(fsync(bad));
        SHOW(fdatasync(bad));
        SHOW(fchdir(bad));
        SHOW(dup(bad));
        SHOW(dup2(bad, 50));
        SHOW(fcntl(bad, F_GETFD));
        SHOW(fcntl(bad, F_GETFL));
        SHOW(fcntl(bad, F_DUPFD, 0));
        SHOW(isatty(bad));
        SHOW(sendfile(1, bad, NULL, 1));
        SHOW(copy_file_range(bad, NULL, 1, NULL, 1, 0));
        SHOW(futimens(bad, NULL));
        SHOW(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, bad, 0));
        if (bad == AT_FDCWD) continue;
        SHOW(openat(bad, "x", O_RDONLY));
        SHOW(close(openat(bad, "/", O_RDONLY))); /* Not looked at for an absolute path. */
        SHOW(mkdirat(bad, "x", 0755));
        SHOW(unlinkat(bad, "x", 0));
        SHOW(readlinkat(bad, "x", b, 1));
        SHOW(faccessat(bad, "x", 0, 0));
        SHOW(fstatat(bad, "x", &s, 0));
        SHOW(renameat(bad, "x", bad, "y"));
        SHOW(linkat(bad, "x", bad, "y", 0));
        SHOW(symlinkat("x", bad, "y"));
        SHOW(fchmodat(bad, "x", 0644, 0));
    }
    DONE();
}
