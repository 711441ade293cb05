/* builds: static
 * The checksum of all code of this program, read as data while it runs. */
#include "check.h"

extern char __executable_start[], etext[];

int main(void) {
    size_t length = (size_t)(etext - __executable_start);
    uint64_t first = checksum(__executable_start, length);
    printf("code %016llx\n", (unsigned long long)first);
    qsort((int[]){3, 1, 2}, 3, 4, (int (*)(const void *, const void *))(uintptr_t)memcmp);
    CHECK(checksum(__executable_start, length) == first);
    CHECK(memcmp(__executable_start, "\177ELF", 4) == 0);
    int fd = (int)MUST(open("/proc/self/exe", O_RDONLY));
    char *file = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(memcmp(file, __executable_start, 64) == 0);
    DONE();
}
