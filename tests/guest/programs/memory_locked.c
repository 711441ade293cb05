/* mlock and its family: what cannot be had is told, what is locked is kept from madvise and msync, and what is
 * unmapped is not locked any more. */
#include "check.h"
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static long locked(void) {
    char line[256];
    long kilobytes = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status)) sscanf(line, "VmLck: %ld", &kilobytes);
    fclose(status);
    return kilobytes;
}

int main(void) {
    char *map = map_anonymous(8 * PAGE);
    memset(map, 'l', 8 * PAGE);
    SHOW(mlock(map + PAGE, 2 * PAGE));
    SHOW(locked());
    SHOW(madvise(map, 4 * PAGE, MADV_DONTNEED)); /* What lies before the locked pages is done. */
    CHECK(all_are(map, PAGE, 0) && all_are(map + PAGE, 3 * PAGE, 'l'));
    SHOW(madvise(map + 2 * PAGE, PAGE, MADV_FREE));
    SHOW(madvise(map + PAGE, PAGE, 20)); /* MADV_COLD */
    SHOW(madvise(map + PAGE, PAGE, 24)); /* MADV_DONTNEED_LOCKED */
    CHECK(all_are(map + PAGE, PAGE, 0) && all_are(map + 2 * PAGE, PAGE, 'l'));
    SHOW(msync(map, 2 * PAGE, MS_SYNC | MS_INVALIDATE));
    SHOW(msync(map, PAGE, MS_SYNC | MS_INVALIDATE));
    SHOW(msync(map, 2 * PAGE, MS_SYNC));
    MUST(munmap(map + PAGE, PAGE));
    SHOW(locked());
    char *moved = mremap(map + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map + 5 * PAGE);
    CHECK(moved == map + 5 * PAGE);
    SHOW(madvise(moved, PAGE, MADV_DONTNEED));
    MUST(mmap(map + 5 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0);
    SHOW(locked());
    SHOW(mlock(map, 8 * PAGE)); /* Holes. */
    SHOW(munlock(map, 8 * PAGE));
    SHOW(munlockall());
    char *nothing = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(mlock(nothing, PAGE)); /* Nobody may access it, but it counts. */
    SHOW(locked());
    SHOW(syscall(SYS_mlock2, nothing, PAGE, 1));
    SHOW(munlock(nothing, PAGE));
    int fd = make_file("data", PAGE + 1, 1);
    char *file = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(mlock(file, 2 * PAGE));
    SHOW(mlock(file, 3 * PAGE)); /* The file ends before. */
    MUST(munmap(file, 4 * PAGE));
    SHOW(locked());
    char *twice = map_anonymous(PAGE);
    MUST(mlock(twice, PAGE));
    fflush(stdout);
    if (fork() == 0) {
        SHOW(locked()); /* Not inherited. */
        SHOW(madvise(twice, PAGE, MADV_DONTNEED));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    SHOW(mlockall(0));
    SHOW(mlockall(MCL_CURRENT));
    SHOW(madvise(twice, PAGE, MADV_DONTNEED));
    SHOW(munlockall());
    SHOW(locked());
    DONE();
}
