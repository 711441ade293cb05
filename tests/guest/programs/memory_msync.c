/* msync and its errors; fsync of a mapped file. */
#include "check.h"

int main(void) {
    int fd = make_file("data", 4 * PAGE, 6);
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST((long)map);
    strcpy(map + PAGE, "asynchronously");
    SHOW(msync(map, 4 * PAGE, MS_ASYNC));
    strcpy(map + 2 * PAGE, "synchronously");
    SHOW(msync(map + 2 * PAGE, 1, MS_SYNC | MS_INVALIDATE));
    strcpy(map + 3 * PAGE, "by fsync");
    SHOW(fsync(fd));
    SHOW(fdatasync(fd));
    char buffer[16] = "";
    for (int i = 1; i < 4; i++) {
        SHOW(pread(fd, buffer, sizeof buffer, i * (off_t)PAGE));
        puts(buffer);
    }
    SHOW(msync(map, 4 * PAGE, MS_SYNC | MS_ASYNC));
    SHOW(msync(map, 4 * PAGE, 64));
    SHOW(msync(map + 1, PAGE, MS_SYNC));
    SHOW(msync(map, 0, MS_SYNC));
    MUST(munmap(map + PAGE, PAGE));
    strcpy(map + 2 * PAGE, "behind the hole");
    SHOW(msync(map, 4 * PAGE, MS_SYNC)); /* All that is mapped is written, then the hole is reported. */
    SHOW(pread(fd, buffer, sizeof buffer, 2 * (off_t)PAGE));
    puts(buffer);
    SHOW(fsync(-1));
    SHOW(fsync(1234));
    DONE();
}
