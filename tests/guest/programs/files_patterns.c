/* Random reads, writes, cuts and seeks of a file, against a model in memory. */
#include "check.h"

enum { MAX = 60000, STEPS = 400 };
static char model[MAX], seen[MAX];
static size_t size;

int main(void) {
    int fd = make_file("data", 0, 0), other = (int)MUST(open("data", O_RDWR));
    for (int step = 0; step < STEPS; step++) {
        uint64_t random = next_random();
        size_t at = (random >> 8) % (MAX - 9000), n = (random >> 32) % 9000;
        int use = random & 1 ? fd : other;
        switch ((random >> 1) % 6) {
            case 0:
            case 1: {
                char data[9000];
                fill(data, n, (unsigned)step);
                MUST(pwrite(use, data, n, (off_t)at));
                memcpy(model + at, data, n);
                if (n && at + n > size) size = at + n;
                break;
            }
            case 2:
                if (random >> 60) break;
                MUST(ftruncate(use, (off_t)at));
                if (at < size) memset(model + at, 0, size - at);
                size = at;
                break;
            default: {
                ssize_t got = MUST(pread(use, seen, n, (off_t)at));
                size_t expected = at >= size ? 0 : at + n > size ? size - at : n;
                if ((size_t)got != expected || memcmp(seen, model + at, expected)) check_failures++;
            }
        }
    }
    CHECK(check_failures == 0);
    SHOW(lseek(fd, 0, SEEK_END));
    CHECK((size_t)lseek(other, 0, SEEK_END) == size);
    MUST(pread(fd, seen, size, 0));
    CHECK(memcmp(seen, model, size) == 0);
    printf("%016llx\n", (unsigned long long)checksum(model, size));
    DONE();
}
