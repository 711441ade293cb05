/* lseek: positions, holes, and its errors. */
#include "check.h"

int main(void) {
    int fd = make_file("data", 10000, 1);
    char byte;
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 100, SEEK_SET));
    SHOW(lseek(fd, -50, SEEK_CUR));
    SHOW(lseek(fd, -1, SEEK_END));
    SHOW(read(fd, &byte, 1));
    SHOW(read(fd, &byte, 1));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, -20000, SEEK_CUR));
    SHOW(lseek(fd, -20000, SEEK_END));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 0, 9));
    SHOW(lseek(fd, 50000, SEEK_SET));
    SHOW(read(fd, &byte, 1));
    SHOW(write(fd, "x", 1)); /* Leaves a hole. */
    SHOW(lseek(fd, 0, SEEK_END));
    char *all = malloc(50001);
    SHOW(pread(fd, all, 50001, 0));
    CHECK(all_are(all + 10000, 40000, 0) && all[50000] == 'x');
    int sparse = (int)MUST(open("sparse", O_RDWR | O_CREAT, 0644));
    SHOW(ftruncate(sparse, 1 << 20));
    SHOW(lseek(sparse, 0, SEEK_HOLE));
    SHOW(lseek(sparse, 0, SEEK_DATA));
    SHOW(pwrite(sparse, all, 4096, 1 << 19));
    SHOW(fsync(sparse));
    SHOW(lseek(sparse, 0, SEEK_DATA));
    SHOW(lseek(sparse, 1 << 19, SEEK_HOLE));
    SHOW(lseek(sparse, 1 << 20, SEEK_DATA));
    SHOW(lseek(sparse, 1 << 20, SEEK_HOLE));
    SHOW(lseek(sparse, INT64_MAX, SEEK_CUR));
    SHOW(lseek(99, 0, SEEK_SET));
    int directory = (int)MUST(open(".", O_RDONLY));
    SHOW(lseek(directory, 0, SEEK_SET));
    SHOW(lseek((int)MUST(open("data", O_PATH)), 0, SEEK_SET));
    DONE();
}
