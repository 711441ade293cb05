/* File mappings with an offset, of other lengths than the file, and what mmap refuses. */
#include "check.h"

int main(void) {
    int fd = make_file("data", 20 * PAGE + 5, 11);
    char *all = mmap(NULL, 21 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    for (int i = 0; i < 20; i += 3) {
        char *part = mmap(NULL, 2 * PAGE - 7, PROT_READ, i & 1 ? MAP_PRIVATE : MAP_SHARED, fd, i * (off_t)PAGE);
        if (part == MAP_FAILED || memcmp(part, all + i * PAGE, 2 * PAGE - 7)) check_failures++;
    }
    CHECK(check_failures == 0);
    char *tail = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 20 * PAGE);
    CHECK(memcmp(tail, all + 20 * PAGE, 5) == 0 && all_are(tail + 5, PAGE - 5, 0));
    READS(tail + PAGE);
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 77, 0));
    SHOW(mmap(NULL, PAGE, PROT_READ, 0, fd, 0));
    SHOW(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0));
    int directory = (int)MUST(open(".", O_RDONLY));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0));
    int path = (int)MUST(open("data", O_PATH));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, path, 0));
    char *zero = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, (int)MUST(open("/dev/zero", O_RDWR)), 0);
    CHECK(zero != MAP_FAILED && all_are(zero, 2 * PAGE, 0));
    zero[1] = 'z';
    CHECK(zero[1] == 'z');
    char *beyond = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 4096 * (off_t)PAGE);
    CHECK(beyond != MAP_FAILED); /* Allowed, but there is nothing to see. */
    READS(beyond);
    DONE();
}
