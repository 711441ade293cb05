/* madvise: DONTNEED on each kind of mapping, advice that changes nothing, and errors. */
#include "check.h"

int main(void) {
    char *map = map_anonymous(8 * PAGE);
    memset(map, 'd', 8 * PAGE);
    SHOW(madvise(map + 2 * PAGE, 3 * PAGE, MADV_DONTNEED));
    CHECK(all_are(map, 2 * PAGE, 'd') && all_are(map + 5 * PAGE, 3 * PAGE, 'd'));
    CHECK(all_are(map + 2 * PAGE, 3 * PAGE, 0));
    map[2 * PAGE] = 'n';
    CHECK(map[2 * PAGE] == 'n' && map[2 * PAGE + 1] == 0);
    int fd = make_file("data", 4 * PAGE, 3);
    char *private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(private, 'p', 4 * PAGE);
    shared[0] = 's';
    SHOW(madvise(private, 2 * PAGE, MADV_DONTNEED));
    SHOW(madvise(shared, 4 * PAGE, MADV_DONTNEED));
    CHECK(shared[0] == 's'); /* It is the file's. */
    CHECK(private[0] == 's' && private[1] == shared[1] && private[PAGE] == shared[PAGE]);
    CHECK(all_are(private + 2 * PAGE, 2 * PAGE, 'p'));
    SHOW(madvise(map, 8 * PAGE, MADV_NORMAL));
    SHOW(madvise(map, 8 * PAGE, MADV_RANDOM));
    SHOW(madvise(map, 8 * PAGE, MADV_SEQUENTIAL));
    SHOW(madvise(shared, 4 * PAGE, MADV_WILLNEED));
    SHOW(madvise(map, 0, MADV_DONTNEED));
    SHOW(madvise(map + 1, PAGE, MADV_DONTNEED));
    SHOW(madvise(map, PAGE, 1234));
    MUST(munmap(map + 4 * PAGE, PAGE));
    memset(map, 'h', 4 * PAGE);
    memset(map + 5 * PAGE, 'h', 3 * PAGE);
    SHOW(madvise(map, 8 * PAGE, MADV_DONTNEED)); /* A hole is an error, after the rest was done. */
    CHECK(all_are(map, 4 * PAGE, 0) && all_are(map + 5 * PAGE, 3 * PAGE, 0));
    DONE();
}
