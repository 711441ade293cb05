/* A private file mapping: the file's bytes, copy-on-write, and nothing of it in the file. */
#include "check.h"

int main(void) {
    int fd = make_file("data", 10 * PAGE + 100, 9);
    char *map = mmap(NULL, 11 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    MUST((long)map);
    uint64_t before = checksum(map, 10 * PAGE + 100);
    printf("as mapped %016llx\n", (unsigned long long)before);
    CHECK(all_are(map + 10 * PAGE + 100, PAGE - 100, 0)); /* The rest of the last page is zero. */
    map[0] = 'A';
    memset(map + 4 * PAGE - 10, 'B', 20);
    map[10 * PAGE + 99] = 'C';
    map[10 * PAGE + 100] = 'D';
    printf("as written %016llx\n", (unsigned long long)checksum(map, 11 * PAGE));
    char *copy = malloc(11 * PAGE);
    SHOW(pread(fd, copy, 11 * PAGE, 0));
    CHECK(checksum(copy, 10 * PAGE + 100) == before);
    SHOW(msync(map, 11 * PAGE, MS_SYNC));
    SHOW(pread(fd, copy, 11 * PAGE, 0));
    CHECK(checksum(copy, 10 * PAGE + 100) == before);
    char *second = mmap(NULL, 11 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(checksum(second, 10 * PAGE + 100) == before);
    CHECK(map[0] == 'A' && second[0] != 'A');
    SHOW(close(fd));
    SHOW(unlink("data")); /* The mappings keep the file. */
    CHECK(checksum(second, 10 * PAGE + 100) == before);
    SHOW(munmap(second, 11 * PAGE));
    CHECK(map[0] == 'A' && map[4 * PAGE] == 'B');
    DONE();
}
