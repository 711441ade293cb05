/* A mapping that goes beyond the end of its file, which then grows and shrinks under it. */
#include "check.h"

int main(void) {
    int fd = make_file("data", 100, 4);
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST((long)map);
    CHECK(all_are(map + 100, PAGE - 100, 0));
    map[99] = 'L';
    map[200] = 'b'; /* In the last page, beyond the end: memory, not file. */
    READS(map + PAGE - 1);
    READS(map + PAGE); /* No page of the file: EFAULT for the kernel, SIGBUS for us. */
    char byte = 0;
    SHOW(pread(fd, &byte, 1, 99));
    CHECK(byte == 'L');
    SHOW(pread(fd, &byte, 1, 200));
    SHOW(ftruncate(fd, 2 * PAGE + 10));
    READS(map + PAGE);
    READS(map + 3 * PAGE - 1);
    READS(map + 3 * PAGE);
    CHECK(all_are(map + PAGE, 2 * PAGE, 0));
    map[2 * PAGE + 5] = 'g';
    SHOW(pread(fd, &byte, 1, 2 * PAGE + 5));
    CHECK(byte == 'g');
    memset(map + PAGE, 't', PAGE);
    SHOW(ftruncate(fd, 50));
    READS(map + PAGE);
    SHOW(ftruncate(fd, 2 * PAGE));
    CHECK(all_are(map + 50, 2 * PAGE - 50, 0)); /* What was cut off is zero when the file grows again. */
    SHOW(pwrite(fd, "end", 3, 3 * PAGE));
    printf("%s\n", map + 3 * PAGE);
    DONE();
}
