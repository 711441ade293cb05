/* mremap: growing, moving, shrinking, to a fixed place, and its errors. */
#include "check.h"

int main(void) {
    char *map = map_anonymous(64 * PAGE);
    char *target = map + 32 * PAGE;
    fill(map, 8 * PAGE, 1);
    uint64_t sum = checksum(map, 8 * PAGE);
    MUST(munmap(map + 8 * PAGE, 56 * PAGE));
    char *grown = mremap(map, 8 * PAGE, 16 * PAGE, 0);
    CHECK(grown == map); /* There is room behind it. */
    CHECK(checksum(map, 8 * PAGE) == sum && all_are(map + 8 * PAGE, 8 * PAGE, 0));
    memset(map + 15 * PAGE, 'e', PAGE);
    char *shrunk = mremap(map, 16 * PAGE, 4 * PAGE, 0);
    CHECK(shrunk == map);
    READS(map + 4 * PAGE - 1);
    READS(map + 4 * PAGE);
    grown = mremap(map, 4 * PAGE, 8 * PAGE, 0);
    CHECK(grown == map && all_are(map + 4 * PAGE, 4 * PAGE, 0)); /* What was cut off does not come back. */
    char *moved = mremap(map, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    CHECK(moved == target);
    READS(map);
    CHECK(checksum(moved, 4 * PAGE) != 0 && all_are(moved + 4 * PAGE, 4 * PAGE, 0));
    char *wall = mmap(moved + 8 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(wall == moved + 8 * PAGE);
    SHOW(mremap(moved, 8 * PAGE, 9 * PAGE, 0));
    moved[7 * PAGE] = 'k';
    sum = checksum(moved, 8 * PAGE);
    char *away = mremap(moved, 8 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
    CHECK(away != MAP_FAILED && away != moved);
    CHECK(checksum(away, 8 * PAGE) == sum && all_are(away + 8 * PAGE, 592 * PAGE, 0));
    READS(moved);
    char *middle = mremap(away + 2 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    CHECK(middle == target && middle[0] == (char)((0 * 31 + 2 * 7 + 1 + 2 * PAGE * 31) & 0xff));
    READS(away + 2 * PAGE);
    READS(away + 4 * PAGE);
    SHOW(mremap(away + 2 * PAGE, PAGE, PAGE * 2, MREMAP_MAYMOVE));
    SHOW(mremap(away + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    SHOW(mremap(away, PAGE, 0, MREMAP_MAYMOVE));
    SHOW(mremap(away, PAGE, PAGE, 64));
    SHOW(mremap(away, PAGE, PAGE, MREMAP_FIXED, target));
    SHOW(mremap(away, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, away + PAGE));
    int fd = make_file("data", 6 * PAGE, 8);
    char *file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
    file[0] = 'F';
    file = mremap(file, 2 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
    CHECK(file != MAP_FAILED && file[0] == 'F');
    char *same = malloc(5 * PAGE);
    SHOW(pread(fd, same, 5 * PAGE, PAGE));
    CHECK(memcmp(same, file, 5 * PAGE) == 0);
    char *shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared[PAGE] = 's';
    shared = mremap(shared, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    CHECK(shared != MAP_FAILED && shared[PAGE] == 's');
    WRITES(shared + 2 * PAGE - 1);
    WRITES(shared + 2 * PAGE); /* More is mapped, but no more is there: SIGBUS. */
    READS(shared + 3 * PAGE);
    DONE();
}
