/* FIFOs by path: O_NONBLOCK, both directions in one, POLLHUP only after a writer, removal, stat. */
#include "check.h"
#include <poll.h>

static int events(int fd, short asked) {
    struct pollfd one = {fd, asked, 0};
    MUST(poll(&one, 1, 0));
    return one.revents;
}

int main(void) {
    char back[20];
    SHOW(mkfifo("queue", 0640));
    SHOW(mkfifo("queue", 0640));
    SHOW(open("queue", O_WRONLY | O_NONBLOCK));
    SHOW(open("queue", O_RDONLY | O_DIRECTORY));
    int reader = (int)MUST(open("queue", O_RDONLY | O_NONBLOCK));
    printf("%x\n", events(reader, POLLIN));
    SHOW(read(reader, back, 5));
    int writer = (int)MUST(open("queue", O_WRONLY));
    SHOW(read(reader, back, 5));
    SHOW(write(writer, "hello", 5));
    printf("%x\n", events(reader, POLLIN));
    SHOW(read(reader, back, 3));
    MUST(close(writer));
    printf("%x\n", events(reader, POLLIN));
    SHOW(read(reader, back, 3));
    SHOW(read(reader, back, 3));
    printf("%x\n", events(reader, POLLIN));
    struct stat by_path, by_fd;
    MUST(stat("queue", &by_path));
    MUST(fstat(reader, &by_fd));
    CHECK(by_path.st_ino == by_fd.st_ino && by_path.st_dev == by_fd.st_dev);
    printf("%o %ld\n", by_fd.st_mode, (long)by_fd.st_size);
    MUST(close(reader));
    int both = (int)MUST(open("queue", O_RDWR));
    SHOW(write(both, "round", 5));
    SHOW(read(both, back, 20));
    SHOW(lseek(both, 0, SEEK_CUR));
    int other = (int)MUST(open("queue", O_RDONLY));
    MUST(unlink("queue"));
    MUST(mkfifo("queue", 0600));
    SHOW(open("queue", O_WRONLY | O_NONBLOCK));
    SHOW(write(both, "still", 5));
    SHOW(read(other, back, 20));
    MUST(close(both));
    SHOW(read(other, back, 20));
    MUST(close(other));
    DONE();
}
