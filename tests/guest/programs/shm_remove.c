/* madvise(MADV_REMOVE): shared memory loses its contents for all who map it, and only where it may be written. */
#include "check.h"
#include <sys/wait.h>

static void run(const char *what, int fd) {
    puts(what);
    if (fd >= 0) MUST(ftruncate(fd, 4 * PAGE));
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
    char *view = mremap(map, 0, 4 * PAGE, MREMAP_MAYMOVE);
    MUST((long)map), MUST((long)view);
    memset(map, 'x', 4 * PAGE);
    fflush(stdout);
    if (fork() == 0) _exit(madvise(view + PAGE, 2 * PAGE, MADV_REMOVE) != 0);
    int status;
    wait(&status);
    SHOW(status);
    CHECK(all_are(map, PAGE, 'x') && all_are(map + PAGE, 2 * PAGE, 0) && all_are(view + 3 * PAGE, PAGE, 'x'));
    map[PAGE] = 'y';
    CHECK(view[PAGE] == 'y');
    SHOW(mprotect(map, PAGE, PROT_READ));
    SHOW(madvise(map, PAGE, MADV_REMOVE));
    CHECK(view[0] == 0);
    SHOW(madvise(map, 5, MADV_REMOVE));
    SHOW(madvise(map + 1, PAGE, MADV_REMOVE));
}

int main(void) {
    run("anonymous", -1);
    int fd = (int)MUST(memfd_create("x", 0));
    run("memfd", fd);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reader = (int)MUST(open(path, O_RDONLY));
    char *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
    SHOW(madvise(map, PAGE, MADV_REMOVE));
    SHOW(madvise(map_anonymous(PAGE), PAGE, MADV_REMOVE));
    map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SHOW(madvise(map, PAGE, MADV_REMOVE));
    int file = make_file("data", 4 * PAGE, 9); /* A file of a file system gets a hole too, up to where its mapping ends. */
    map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, PAGE);
    memset(map, 'f', 3 * PAGE);
    MUST(munmap(map + 2 * PAGE, PAGE));
    SHOW(madvise(map + PAGE, 2 * PAGE, MADV_REMOVE));
    CHECK(map[0] == 'f' && all_are(map + PAGE, PAGE, 0));
    char bytes[2];
    SHOW(pread(file, bytes, 2, 2 * PAGE - 1));
    CHECK(bytes[0] == 'f' && bytes[1] == 0);
    SHOW(pread(file, bytes, 2, 3 * PAGE - 1));
    CHECK(bytes[0] == 0 && bytes[1] == 'f');
    DONE();
}
