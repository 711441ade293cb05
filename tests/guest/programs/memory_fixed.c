/* MAP_FIXED puts new memory over old: nothing of the old shows, its neighbours stay. */
#include "check.h"

int main(void) {
    char *map = map_anonymous(32 * PAGE);
    memset(map, 'o', 32 * PAGE);
    char *over = mmap(map + 8 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(over == map + 8 * PAGE);
    CHECK(all_are(map, 8 * PAGE, 'o'));
    CHECK(all_are(over, 8 * PAGE, 0));
    CHECK(all_are(map + 16 * PAGE, 16 * PAGE, 'o'));
    int fd = make_file("data", 4 * PAGE, 6);
    char *file = mmap(map + 12 * PAGE, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
    CHECK(file == map + 12 * PAGE);
    printf("file %016llx\n", (unsigned long long)checksum(file, 4 * PAGE));
    CHECK(all_are(map + 20 * PAGE, 12 * PAGE, 'o'));
    over = mmap(map, 32 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(over == map && all_are(map, 32 * PAGE, 0));
    WRITES(map);
    SHOW(mmap(map + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    SHOW(mmap(map + 31 * PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    MUST(munmap(map, 32 * PAGE));
    over = mmap(map + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(over == map + PAGE);
    READS(map);
    READS(map + PAGE);
    READS(map + 2 * PAGE);
    for (int round = 0; round < 50; round++) { /* Over and over: no old byte ever comes back. */
        over = mmap(map, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (over != map || !all_are(map, 4 * PAGE, 0)) check_failures++;
        memset(map, round + 1, 4 * PAGE);
    }
    CHECK(check_failures == 0);
    DONE();
}
