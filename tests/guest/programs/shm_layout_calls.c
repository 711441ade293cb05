/* mremap, munmap, mprotect and madvise of shared mappings: contents belong to the memory, not to the mapping. */
#include "check.h"
#include <sys/wait.h>

static void run(const char *what, int fd) {
    puts(what);
    int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
    if (fd >= 0) MUST(ftruncate(fd, 4 * PAGE));
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    MUST((long)map);
    for (int page = 0; page < 4; page++) memset(map + page * PAGE, 'a' + page, PAGE);
    char *place = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *moved = mremap(map, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place + PAGE);
    CHECK(moved == place + PAGE && all_are(moved + PAGE, PAGE, 'b') && kernel_reads(map) == EFAULT);
    /* A second view by an old size of 0. */
    char *view = mremap(moved, 0, 2 * PAGE, MREMAP_MAYMOVE);
    CHECK(view != MAP_FAILED && all_are(view, PAGE, 'a'));
    view[5] = 'V';
    CHECK(moved[5] == 'V');
    SHOW(mprotect(moved, PAGE, PROT_READ));
    WRITES(moved);
    WRITES(view);
    CHECK(moved[0] == 'Z');
    SHOW(mprotect(moved, PAGE, PROT_NONE));
    READS(moved);
    CHECK(view[0] == 'Z');
    SHOW(mprotect(moved, PAGE, PROT_READ | PROT_WRITE));
    SHOW(madvise(moved, 4 * PAGE, MADV_DONTNEED));
    CHECK(moved[5] == 'V' && all_are(moved + 3 * PAGE, PAGE, 'd'));
    SHOW(munmap(moved + PAGE, PAGE));
    CHECK(all_are(view + PAGE, PAGE, 'b'));
    view[PAGE] = 'U';
    char *grown = mremap(moved + 2 * PAGE, 2 * PAGE, PAGE, 0);
    CHECK(grown == moved + 2 * PAGE && all_are(grown, PAGE, 'c'));
    fflush(stdout);
    if (fork() == 0) {
        view[PAGE + 1] = 'C';
        munmap(view, 2 * PAGE);
        grown[0] = 'G';
        _exit(0);
    }
    wait(NULL);
    CHECK(view[PAGE] == 'U' && view[PAGE + 1] == 'C' && grown[0] == 'G');
    CHECK(mmap(grown, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == grown);
    CHECK(grown[0] == 0);
    SHOW(munmap(place, 16 * PAGE));
    CHECK(view[5] == 'V' && view[PAGE] == 'U');
    SHOW(munmap(view, 2 * PAGE));
    if (fd >= 0) {
        char text[3 * PAGE];
        SHOW(pread(fd, text, sizeof text, 0));
        CHECK(text[0] == 'Z' && text[5] == 'V' && text[PAGE + 1] == 'C' && text[2 * PAGE] == 'G');
        close(fd);
    }
}

int main(void) {
    run("anonymous", -1);
    run("memfd", (int)MUST(memfd_create("x", 0)));
    run("file", make_file("file", 0, 0));
    DONE();
}
