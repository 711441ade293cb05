/* Not run natively: takes memory until there is no more, and says how that showed. The first argument is the
 * number of MiB that it asks for at once; "file" as the second makes a shared file of them. */
#include "check.h"

int main(int argc, char **argv) {
    size_t length = (size_t)atoi(argc > 1 ? argv[1] : "64") << 20;
    int fd = -1;
    if (argc > 2) {
        fd = (int)MUST(open("hungry", O_RDWR | O_CREAT | O_TRUNC, 0644));
        MUST(ftruncate(fd, (off_t)length));
    }
    char *map = mmap(NULL, length, PROT_READ | PROT_WRITE, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        printf("mmap: %s\n", error_name(errno));
        return 5;
    }
    printf("mapped\n");
    for (size_t at = 0; at < length; at += PAGE) map[at] = (char)(at >> 12);
    for (size_t at = 0; at < length; at += PAGE)
        if (map[at] != (char)(at >> 12)) {
            printf("wrong at page %zu\n", at / PAGE);
            return 6;
        }
    printf("all there\n");
    return 0;
}
