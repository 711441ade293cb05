/* Two shared mappings of one file at two addresses, opened by two names, are one memory. */
#include "check.h"

int main(void) {
    int fd = make_file("one", 8 * PAGE, 5);
    MUST(link("one", "two"));
    int other = (int)MUST(open("two", O_RDWR));
    char *a = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *b = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 4 * PAGE);
    MUST((long)a);
    MUST((long)b);
    int wrong = 0;
    for (int round = 0; round < 200; round++) {
        size_t at = next_random() % (4 * PAGE);
        char value = (char)next_random();
        if (round & 1) {
            a[4 * PAGE + at] = value;
            wrong += b[at] != value;
        } else {
            b[at] = value;
            wrong += a[4 * PAGE + at] != value;
        }
    }
    CHECK(wrong == 0);
    CHECK(memcmp(a + 4 * PAGE, b, 4 * PAGE) == 0);
    char *private = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(memcmp(private, a, 8 * PAGE) == 0);
    private[0] = 'x';
    a[0] = 'y';
    CHECK(private[0] == 'x' && a[0] == 'y');
    SHOW(munmap(a, 8 * PAGE));
    b[0] = 'z'; /* The other view lives on. */
    char byte = 0;
    SHOW(pread(fd, &byte, 1, 4 * PAGE));
    CHECK(byte == 'z');
    printf("checksum %016llx\n", (unsigned long long)checksum(b, 4 * PAGE));
    DONE();
}
