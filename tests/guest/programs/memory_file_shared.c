/* A shared file mapping: stores reach the file, at msync, at munmap and at exit. */
#include "check.h"

static void put(const char *name, int how) {
    int fd = make_file(name, 3 * PAGE + 10, 2);
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST((long)map);
    MUST(close(fd));
    memcpy(map + PAGE - 4, "straddle", 8);
    map[3 * PAGE + 9] = '!';
    map[3 * PAGE + 10] = '?'; /* Beyond the end of the file: never in it. */
    if (how == 0) SHOW(msync(map, 4 * PAGE, MS_SYNC));
    if (how == 1) SHOW(munmap(map, 4 * PAGE));
    if (how == 2) return;
    fd = (int)MUST(open(name, O_RDONLY));
    char *copy = malloc(4 * PAGE);
    SHOW(read(fd, copy, 4 * PAGE));
    printf("%.8s %c\n", copy + PAGE - 4, copy[3 * PAGE + 9]);
    printf("checksum %016llx\n", (unsigned long long)checksum(copy, 3 * PAGE + 10));
    free(copy);
    close(fd);
}

int main(void) {
    put("synced", 0);
    put("unmapped", 1);
    put("exited", 2);
    int fd = (int)MUST(open("synced", O_RDONLY));
    SHOW(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    char *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(mprotect(map, PAGE, PROT_READ | PROT_WRITE));
    SHOW(mprotect(map, PAGE, PROT_NONE));
    int out = (int)MUST(open("synced", O_WRONLY));
    SHOW(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, out, 0));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, out, 0));
    DONE(); /* The stores of put("exited") must be in the file afterwards; the harness compares it. */
}
