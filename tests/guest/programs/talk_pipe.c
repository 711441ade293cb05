/* Pipes: order, limits, O_NONBLOCK, the end of file, SIGPIPE, poll, sizes, what they are not. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static int pipes_broken;
static void on_pipe(int number) { pipes_broken += number == SIGPIPE; }

static int events(int fd, short asked) {
    struct pollfd one = {fd, asked, 0};
    MUST(poll(&one, 1, 0));
    return one.revents;
}

/* A pipe's inode, which both ends have, and which can be opened again for either. */
static void attributes(int ends[2]) {
    struct stat is;
    char path[40], back[20];
    struct iovec room = {back, 20}, some = {"some", 4};
    SHOW(fchmod(ends[0], 0640));
    SHOW(fchown(ends[1], getuid(), -1));
    SHOW(futimens(ends[1], (struct timespec[2]){{5, 0}, {6, 0}}));
    MUST(fstat(ends[1], &is));
    printf("%o %ld\n", is.st_mode, (long)is.st_mtime);
    SHOW(fallocate(ends[1], 0, 0, 10));
    SHOW(preadv2(ends[0], &room, 1, -1, RWF_NOWAIT));
    SHOW(pwritev2(ends[1], &some, 1, -1, RWF_NOWAIT));
    SHOW(preadv2(ends[0], &room, 1, -1, RWF_NOWAIT));
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    int writer = (int)MUST(open(path, O_WRONLY));
    SHOW(write(writer, "again", 5));
    SHOW(read(ends[0], back, 20));
    MUST(close(ends[1]));
    printf("%x\n", events(ends[0], POLLIN));
    MUST(close(writer));
    printf("%x\n", events(ends[0], POLLIN));
    SHOW(chmod(path, 0600));
    MUST(stat(path, &is));
    printf("%o\n", is.st_mode);
}

int main(void) {
    static char data[70000], back[70000];
    int ends[2], left = 0;
    fill(data, sizeof data, 3);
    SHOW(pipe2(ends, 1));
    SHOW(pipe((int *)8));
    SHOW(pipe2(ends, O_CLOEXEC));
    SHOW(fcntl(ends[0], F_GETFD));
    SHOW(fcntl(ends[1], F_GETFL));
    MUST(close(ends[0]));
    MUST(close(ends[1]));
    SHOW(pipe(ends));
    printf("%d %d\n", ends[0], ends[1]);
    printf("%x %x\n", events(ends[0], POLLIN | POLLOUT), events(ends[1], POLLIN | POLLOUT));
    SHOW(write(ends[1], "hello", 5));
    SHOW(write(ends[1], " world", 6));
    SHOW(write(ends[1], "", 0));
    SHOW(ioctl(ends[0], FIONREAD, &left));
    printf("%d %x\n", left, events(ends[0], POLLIN));
    SHOW(read(ends[0], back, 3));
    SHOW(read(ends[0], back + 3, 100));
    printf("%.11s\n", back);
    SHOW(read(ends[1], back, 1));
    SHOW(write(ends[0], back, 1));
    SHOW(lseek(ends[0], 0, SEEK_SET));
    SHOW(pread(ends[0], back, 1, 0));
    SHOW(fsync(ends[0]));
    SHOW(ftruncate(ends[1], 0));
    SHOW((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, ends[0], 0));
    struct stat is;
    SHOW(fstat(ends[0], &is));
    printf("%o %ld %ld %ld\n", is.st_mode, (long)is.st_size, (long)is.st_nlink, (long)is.st_blksize);
    /* Limits. */
    SHOW(fcntl(ends[0], F_GETPIPE_SZ));
    SHOW(fcntl(ends[0], F_SETPIPE_SZ, 5000));
    SHOW(fcntl(ends[1], F_SETPIPE_SZ, 1));
    SHOW(fcntl(ends[1], F_SETPIPE_SZ, 65536));
    SHOW(fcntl(0x7fff, F_GETPIPE_SZ));
    SHOW(fcntl(ends[1], F_SETFL, O_NONBLOCK));
    SHOW(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    SHOW(read(ends[0], back, 1));
    SHOW(write(ends[1], data, sizeof data));
    SHOW(write(ends[1], data, 1));
    printf("%x\n", events(ends[1], POLLOUT));
    SHOW(fcntl(ends[1], F_SETPIPE_SZ, 4096));
    SHOW(read(ends[0], back, 100));
    SHOW(write(ends[1], data, 1));
    SHOW(read(ends[0], back + 100, 3996));
    printf("%x\n", events(ends[1], POLLOUT));
    SHOW(write(ends[1], data, 4000));
    SHOW(write(ends[1], data, 4000));
    SHOW(write(ends[1], data, 96));
    SHOW(ioctl(ends[1], FIONREAD, &left));
    printf("%d\n", left);
    SHOW(read(ends[0], back + 4096, sizeof back - 4096));
    CHECK(!memcmp(back, data, 65536));
    CHECK(!memcmp(back + 65536, data, 4000));
    /* Small writes share pages. */
    int count = 0;
    while (write(ends[1], data, 1000) == 1000) count++;
    printf("%d\n", count);
    while (read(ends[0], back, sizeof back) > 0) continue;
    struct iovec parts[3] = {{"abc", 3}, {"", 0}, {"defg", 4}};
    SHOW(writev(ends[1], parts, 3));
    SHOW(write(ends[1], (void *)8, 4));
    SHOW(read(ends[0], (void *)8, 4));
    SHOW(read(ends[0], back, 10));
    /* Ends. */
    int second = (int)MUST(dup(ends[1]));
    MUST(close(ends[1]));
    SHOW(read(ends[0], back, 1));
    SHOW(write(second, "x", 1));
    MUST(close(second));
    printf("%x\n", events(ends[0], POLLIN));
    SHOW(read(ends[0], back, 9));
    printf("%x\n", events(ends[0], POLLIN));
    SHOW(read(ends[0], back, 9));
    MUST(close(ends[0]));
    MUST(pipe(ends));
    MUST(close(ends[0]));
    printf("%x\n", events(ends[1], POLLOUT));
    signal(SIGPIPE, on_pipe);
    SHOW(write(ends[1], "x", 1));
    SHOW(write(ends[1], "x", 0));
    printf("%d\n", pipes_broken);
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(ends[1], "x", 1));
    MUST(close(ends[1]));
    /* Packets. */
    MUST(pipe2(ends, O_DIRECT));
    SHOW(write(ends[1], "one", 3));
    SHOW(write(ends[1], "twotwo", 6));
    SHOW(write(ends[1], data, 5000));
    SHOW(read(ends[0], back, 100));
    SHOW(read(ends[0], back, 2));
    SHOW(read(ends[0], back, sizeof back));
    SHOW(read(ends[0], back, sizeof back));
    MUST(fcntl(ends[1], F_SETFL, 0));
    MUST(write(ends[1], "goes", 4));
    MUST(fcntl(ends[1], F_SETFL, O_DIRECT));
    SHOW(write(ends[1], "on", 2));
    SHOW(read(ends[0], back, sizeof back));
    attributes(ends);
    DONE();
}
