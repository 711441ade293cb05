/* Errors and flags that are rarely met, where the order of the kernel's checks or the wrapping of its sums shows. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include "check.h"

#define PER_THREAD(pid) ((~(pid) << 3) | 4 | 2)

static void opening(void) {
    mkdir("dir", 0755);
    mkfifo("fifo", 0600);
    SHOW(open("dir", O_RDONLY | O_TRUNC));
    SHOW(open("/proc", O_RDONLY | O_TRUNC));
    SHOW(open("dir", O_RDONLY | O_DIRECT));
    SHOW(open("/dev/null", O_RDONLY | O_DIRECT));
    SHOW(open("/proc/self", O_RDONLY | O_DIRECT));
    CHECK(close(open("dir", O_PATH | O_TRUNC | O_DIRECT)) == 0);
}

static void positions(int fd) {
    char byte = 0;
    struct iovec vector = {&byte, 1};
    SHOW(pread(fd, &byte, 1, LONG_MAX));
    SHOW(pread(fd, &byte, 0, LONG_MAX));
    SHOW(pwrite(fd, &byte, 1, LONG_MAX));
    SHOW(preadv(fd, &vector, 1, LONG_MAX));
    SHOW(pwritev(fd, &vector, 1, LONG_MAX));
}

static void locked(int fd) {
    char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    SHOW(mlock(memory, 4096));
    SHOW(msync(memory, 4096, MS_INVALIDATE));
    SHOW(msync(memory + 4096, 4096, MS_INVALIDATE));
    SHOW(msync(memory, 4096, MS_INVALIDATE | 8));
    SHOW(munmap(memory, 8192));
    SHOW(mmap(memory, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == memory);
    SHOW(msync(memory, 4096, MS_INVALIDATE));
    SHOW(msync(memory, -1, MS_SYNC));
    SHOW(mlock(memory, -1));
    SHOW(munlock(memory, -1));
}

int main(void) {
    int fd = make_file("data", 8192, 1), ends[2];
    struct timespec bad[2] = {{1, 1000000000}, {1, 0}}, brief = {0, 1000};
    opening();
    positions(fd);
    locked(fd);
    CHECK(pipe(ends) == 0);
    SHOW(fallocate(ends[1], 0, 0, 1));
    SHOW(fallocate(ends[0], 0, 0, 1));
    SHOW(syscall(SYS_clock_nanosleep, PER_THREAD(0), 0, &brief, NULL));
    SHOW(syscall(SYS_clock_nanosleep, PER_THREAD(getpid()), 0, &brief, NULL));
    SHOW(setpgid(-1, 0));
    SHOW(flock(fd, 32 | LOCK_SH));
    SHOW(vmsplice(fd, NULL, 0, 0));
    SHOW(utimensat(AT_FDCWD, "nosuch", bad, 0));
    SHOW(utimensat(AT_FDCWD, "data", bad, 0));
    SHOW(utimensat(99, NULL, bad, 0));
    DONE();
}
