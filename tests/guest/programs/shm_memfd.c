/* memfd_create: reading, writing, mapping, sizes, holes, names, and being opened again through /proc. */
#include "check.h"
#include <sys/vfs.h>
#include <sys/wait.h>

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif

static void names(void) {
    char path[64], link[300], longest[300];
    int fd = (int)MUST(memfd_create("a name", MFD_CLOEXEC));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, link, sizeof link - 1);
    link[length] = 0;
    printf("%s\n", link);
    SHOW(fcntl(fd, F_GETFD));
    struct stat status;
    SHOW(fstat(fd, &status));
    printf("mode %o links %d size %ld blocks %ld\n", status.st_mode, (int)status.st_nlink, (long)status.st_size,
           (long)status.st_blocks);
    struct statfs system;
    SHOW(fstatfs(fd, &system));
    CHECK(system.f_type == 0x01021994);
    CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    memset(longest, 'x', sizeof longest);
    longest[249] = 0;
    int second = (int)MUST(memfd_create(longest, 0));
    SHOW(fcntl(second, F_GETFD));
    longest[249] = 'x', longest[250] = 0;
    SHOW(memfd_create(longest, 0));
    SHOW(memfd_create((char *)8, 0));
    SHOW(memfd_create("x", 0x400));
    SHOW(memfd_create("x", 8 | 16));
    close(second);
    /* Opened again: another position, the same contents. */
    MUST(write(fd, "contents", 8));
    int again = (int)MUST(open(path, O_RDONLY));
    char text[16] = "";
    SHOW(read(again, text, 16));
    puts(text);
    SHOW(write(again, "x", 1));
    SHOW(ftruncate(again, 3));
    close(again);
    again = (int)MUST(open(path, O_RDWR | O_TRUNC));
    SHOW(fstat(fd, &status));
    SHOW(status.st_size);
    close(again);
    close(fd);
    SHOW(open(path, O_RDONLY));
}

static void contents(void) {
    int fd = (int)MUST(memfd_create("contents", 0));
    SHOW(ftruncate(fd, 3 * PAGE + 100));
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *other = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
    MUST((long)map), MUST((long)other);
    CHECK(all_are(map, 4 * PAGE, 0));
    strcpy(map + PAGE + 10, "through one map");
    puts(other + 10);
    strcpy(other + PAGE, "through the other");
    puts(map + 2 * PAGE);
    char buffer[64];
    SHOW(pread(fd, buffer, 32, PAGE + 10));
    puts(buffer);
    SHOW(pwrite(fd, "by a call", 10, PAGE + 10));
    puts(map + PAGE + 10);
    puts(other + 10);
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(write(fd, "end", 3));
    CHECK(!memcmp(map + 3 * PAGE + 100, "end", 4));
    /* What is cut off is zero when the file grows again; what was stored beyond its end comes to light. */
    map[3 * PAGE + 200] = 'x';
    SHOW(ftruncate(fd, 3 * PAGE + 150));
    CHECK(map[3 * PAGE + 200] == 'x');
    SHOW(ftruncate(fd, 3 * PAGE + 20));
    SHOW(ftruncate(fd, 4 * PAGE));
    CHECK(map[3 * PAGE + 200] == 0);
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, PAGE, SEEK_HOLE));
    SHOW(lseek(fd, 4 * PAGE, SEEK_DATA));
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, PAGE + 12, PAGE));
    puts(map + PAGE + 10);
    puts(map + 2 * PAGE + 12);
    CHECK(map[2 * PAGE] == 0);
    SHOW(fallocate(fd, 0, 4 * PAGE, PAGE));
    struct stat status;
    SHOW(fstat(fd, &status));
    SHOW(status.st_size);
    SHOW(fallocate(fd, 0x10, 0, PAGE));
    SHOW(fsync(fd));
    /* A child has it too, and it outlives its descriptors as long as it is mapped. */
    close(fd);
    if (fork() == 0) {
        strcpy(other, "from the child");
        _exit(0);
    }
    wait(NULL);
    puts(map + PAGE);
    munmap(map, 4 * PAGE);
    puts(other);
}

int main(void) {
    names();
    contents();
    DONE();
}
