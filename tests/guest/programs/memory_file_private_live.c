/* A private page not yet written to shows what write() puts into the file; a written one no longer does. */
#include "check.h"

int main(void) {
    int fd = make_file("data", 4 * PAGE, 1);
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    MUST((long)map);
    CHECK(map[0] == 1);
    map[PAGE] = 'p';
    SHOW(pwrite(fd, "hello", 5, 0));
    SHOW(pwrite(fd, "world", 5, PAGE));
    SHOW(pwrite(fd, "untouched", 9, 2 * PAGE));
    printf("%.5s\n", map);
    CHECK(map[PAGE] == 'p' && map[PAGE + 1] != 'o');
    printf("%.9s\n", map + 2 * PAGE);
    SHOW(madvise(map + PAGE, PAGE, MADV_DONTNEED)); /* Back to the file's. */
    printf("%.5s\n", map + PAGE);
    DONE();
}
