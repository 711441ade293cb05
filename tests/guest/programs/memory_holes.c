/* munmap of pieces: what is left keeps its bytes, what is gone cannot be reached, and holes can be filled. */
#include "check.h"

int main(void) {
    char *map = map_anonymous(64 * PAGE);
    for (int i = 0; i < 64; i++) memset(map + i * PAGE, i, PAGE);
    for (int i = 1; i < 64; i += 2) MUST(munmap(map + i * PAGE, PAGE));
    int wrong = 0;
    for (int i = 0; i < 64; i++) wrong += kernel_reads(map + i * PAGE) != (i & 1 ? EFAULT : 0);
    CHECK(wrong == 0);
    for (int i = 0; i < 64; i += 2) wrong += !all_are(map + i * PAGE, PAGE, i);
    CHECK(wrong == 0);
    for (int i = 1; i < 64; i += 2) {
        char *page = mmap(map + i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        wrong += page != map + i * PAGE || !all_are(page, PAGE, 0);
    }
    CHECK(wrong == 0);
    SHOW(munmap(map + 10 * PAGE, 44 * PAGE)); /* Across many mappings. */
    READS(map + 10 * PAGE - 1);
    READS(map + 10 * PAGE);
    READS(map + 54 * PAGE - 1);
    READS(map + 54 * PAGE);
    CHECK(all_are(map + 8 * PAGE, PAGE, 8) && all_are(map + 54 * PAGE, PAGE, 54));
    /* A call that would need a byte of the hole. */
    int fd = make_file("data", 2 * PAGE, 1);
    SHOW(read(fd, map + 10 * PAGE - 10, 10));
    SHOW(read(fd, map + 10 * PAGE, 10));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(write(fd, map + 53 * PAGE, 10));
    DONE();
}
