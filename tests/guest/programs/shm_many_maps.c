/* Hundreds of shared mappings of a few pages, in any order and of all kinds, in one address space; checked through calls. */
#include "check.h"

enum { MAPS = 300, PAGES = 16 };

int main(void) {
    int fd = (int)MUST(memfd_create("x", 0));
    MUST(ftruncate(fd, PAGES * PAGE));
    char *maps[MAPS];
    for (int i = 0; i < MAPS; i++) {
        int page = (int)(next_random() % PAGES);
        maps[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page * (long)PAGE);
        MUST((long)maps[i]);
        maps[i][i] = (char)(page + 1);
    }
    long wrong = 0;
    for (int i = 0; i < MAPS; i++) {
        int page = maps[i][i] - 1;
        char byte;
        MUST(pread(fd, &byte, 1, page * (long)PAGE + i));
        wrong += byte != page + 1;
        if (i % 3 == 0) MUST(munmap(maps[i], PAGE));
    }
    SHOW(wrong);
    for (int i = 0; i < MAPS; i++)
        if (i % 3) wrong += maps[i][i] < 1 || maps[i][i] > PAGES;
    SHOW(wrong);
    for (int i = 1; i < MAPS; i += 3) MUST(mprotect(maps[i], PAGE, PROT_READ));
    for (int i = 1; i < MAPS; i += 50) WRITES(maps[i]);
    for (int i = 2; i < MAPS; i += 50) READS(maps[i]);
    DONE();
}
