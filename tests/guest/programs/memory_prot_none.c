/* A reservation with PROT_NONE of which pieces become usable, as allocators do it. */
#include "check.h"

int main(void) {
    char *map = mmap(NULL, 1024 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST((long)map);
    READS(map);
    WRITES(map);
    SHOW(mprotect(map + 10 * PAGE, 10 * PAGE, PROT_READ | PROT_WRITE));
    READS(map + 10 * PAGE - 1);
    READS(map + 10 * PAGE);
    WRITES(map + 20 * PAGE - 1);
    WRITES(map + 20 * PAGE);
    memset(map + 10 * PAGE, 'a', 10 * PAGE);
    SHOW(mprotect(map + 12 * PAGE, PAGE, PROT_NONE));
    READS(map + 12 * PAGE);
    READS(map + 13 * PAGE);
    SHOW(mprotect(map + 12 * PAGE, PAGE, PROT_READ));
    CHECK(all_are(map + 10 * PAGE, 10 * PAGE, 'a')); /* Taking the right away loses nothing. */
    WRITES(map + 12 * PAGE);
    SHOW(mprotect(map, 1024 * PAGE, PROT_READ | PROT_WRITE));
    CHECK(all_are(map + 10 * PAGE, 9 * PAGE, 'a'));
    CHECK(all_are(map + 21 * PAGE, 1003 * PAGE, 0));
    DONE();
}
