/* mprotect: rights per page, for the program's and the kernel's accesses, and its errors. */
#include "check.h"

int main(void) {
    char *map = map_anonymous(8 * PAGE);
    memset(map, 'm', 8 * PAGE);
    SHOW(mprotect(map + 2 * PAGE, 2 * PAGE, PROT_READ));
    WRITES(map + 2 * PAGE - 1);
    WRITES(map + 2 * PAGE);
    WRITES(map + 4 * PAGE - 1);
    WRITES(map + 4 * PAGE);
    CHECK(all_are(map + 2 * PAGE, 2 * PAGE, 'm'));
    SHOW(mprotect(map + 2 * PAGE, 2 * PAGE, PROT_WRITE)); /* On x86 what can be written can be read. */
    READS(map + 2 * PAGE);
    map[2 * PAGE] = 'w';
    CHECK(map[2 * PAGE] == 'w');
    SHOW(mprotect(map + 2 * PAGE, 2 * PAGE, PROT_EXEC)); /* Without protection keys, it can be read as well... */
    SHOW(mprotect(map + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    WRITES(map + 3 * PAGE);
    SHOW(mprotect(map, 0, PROT_READ));
    SHOW(mprotect(map + 1, PAGE, PROT_READ));
    SHOW(mprotect(map, 1, PROT_READ)); /* Rounded up to the page. */
    WRITES(map + PAGE - 1);
    WRITES(map + PAGE);
    MUST(munmap(map + 5 * PAGE, PAGE));
    SHOW(mprotect(map + 4 * PAGE, 3 * PAGE, PROT_READ)); /* Up to the hole it is done. */
    WRITES(map + 4 * PAGE);
    WRITES(map + 6 * PAGE);
    SHOW(mprotect(map + 5 * PAGE, PAGE, PROT_READ));
    SHOW(mprotect(map, PAGE, 0x100));
    SHOW(mprotect((void *)0x7ffffffff000, PAGE, PROT_READ));
    for (int i = 0; i < 64; i++) { /* Back and forth, each time with a store in between. */
        if (mprotect(map + 7 * PAGE, PAGE, PROT_READ) || kernel_writes(map + 7 * PAGE) != EFAULT) check_failures++;
        if (mprotect(map + 7 * PAGE, PAGE, PROT_READ | PROT_WRITE)) check_failures++;
        map[7 * PAGE + i] = (char)i;
        if (map[7 * PAGE + i] != i) check_failures++;
    }
    CHECK(check_failures == 0);
    DONE();
}
