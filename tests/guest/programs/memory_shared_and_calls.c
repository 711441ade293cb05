/* read() and write() see what a shared mapping stored and the other way round, without msync. */
#include "check.h"

int main(void) {
    int fd = make_file("data", 6 * PAGE, 0);
    char *map = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST((long)map);
    char buffer[64] = "";
    for (int page = 0; page < 6; page++) {
        sprintf(map + page * PAGE, "stored in page %d", page);
        SHOW(pread(fd, buffer, 20, page * (off_t)PAGE));
        puts(buffer);
        sprintf(buffer, "written to page %d", page);
        SHOW(pwrite(fd, buffer, 20, page * (off_t)PAGE));
        puts(map + page * PAGE);
    }
    int wrong = 0;
    for (int round = 0; round < 100; round++) {
        size_t at = next_random() % (6 * PAGE - 8);
        uint64_t value = next_random(), seen;
        memcpy(map + at, &value, 8);
        wrong += pread(fd, &seen, 8, (off_t)at) != 8 || seen != value;
        value = ~value;
        wrong += pwrite(fd, &value, 8, (off_t)at) != 8;
        memcpy(&seen, map + at, 8);
        wrong += seen != value;
    }
    CHECK(wrong == 0);
    SHOW(pread(fd, map + PAGE, PAGE, 0)); /* From the file into a mapping of the same file. */
    CHECK(memcmp(map, map + PAGE, PAGE) == 0);
    SHOW(pwrite(fd, map + 2 * PAGE, PAGE, 3 * PAGE));
    CHECK(memcmp(map + 2 * PAGE, map + 3 * PAGE, PAGE) == 0);
    printf("checksum %016llx\n", (unsigned long long)checksum(map, 6 * PAGE));
    DONE();
}
