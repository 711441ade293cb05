/* Pages far from each other: several gigabytes of address space, a few pages of memory. */
#include "check.h"

enum { STEPS = 96 };

int main(void) {
    size_t step = (size_t)64 << 20;
    char *map = mmap(NULL, STEPS * step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST((long)map);
    for (int i = 0; i < STEPS; i++) memset(map + i * step + (size_t)i * PAGE, i + 1, PAGE);
    int wrong = 0;
    for (int i = STEPS - 1; i >= 0; i--) {
        wrong += !all_are(map + i * step + (size_t)i * PAGE, PAGE, i + 1);
        wrong += map[i * step + (size_t)(i + 1) * PAGE] != 0;
    }
    CHECK(wrong == 0);
    SHOW(munmap(map + 10 * step, 40 * step)); /* More than two vRegions in one piece. */
    READS(map + 10 * step - 1);
    READS(map + 10 * step);
    READS(map + 50 * step - 1);
    READS(map + 50 * step);
    CHECK(map[9 * step + 9 * PAGE] == 10 && map[50 * step + 50 * PAGE] == 51);
    SHOW(mprotect(map + 60 * step, 20 * step, PROT_READ));
    WRITES(map + 60 * step);
    WRITES(map + 80 * step - 1);
    WRITES(map + 80 * step);
    CHECK(map[70 * step + 70 * PAGE] == 71);
    SHOW(madvise(map + 60 * step, 36 * step, MADV_DONTNEED));
    CHECK(map[70 * step + 70 * PAGE] == 0 && map[95 * step + 95 * PAGE] == 0 && map[59 * step + 59 * PAGE] == 60);
    char *huge = mmap(NULL, (size_t)1 << 38, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(huge != MAP_FAILED); /* 256 GiB: address space is not memory. */
    SHOW(mprotect(huge + ((size_t)200 << 30), PAGE, PROT_READ | PROT_WRITE));
    huge[(size_t)200 << 30] = 'h';
    CHECK(huge[(size_t)200 << 30] == 'h');
    SHOW(munmap(huge, (size_t)1 << 38));
    DONE();
}
