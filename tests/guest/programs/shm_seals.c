/* Seals of a memfd: what each forbids, in which order they can be set, and mappings that are in the way. */
#include "check.h"

#define F_SEAL_FUTURE_WRITE_ 16

static void state(int fd, const char *what) {
    char text[4] = "";
    struct stat status;
    printf("%s: seals %d\n", what, fcntl(fd, F_GET_SEALS));
    SHOW(pwrite(fd, "abcd", 4, 0));
    SHOW(pwrite(fd, "abcd", 4, PAGE - 2));
    SHOW(ftruncate(fd, PAGE / 2));
    SHOW(ftruncate(fd, 2 * PAGE));
    SHOW(fallocate(fd, 0, 0, 4 * PAGE));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
    fstat(fd, &status);
    printf("size %ld\n", (long)status.st_size);
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("shared writable: %s\n", map == MAP_FAILED ? error_name(errno) : "mapped");
    if (map != MAP_FAILED) munmap(map, PAGE);
    map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    printf("private: %s\n", map == MAP_FAILED ? error_name(errno) : "mapped");
    map[0] = 'p';
    munmap(map, PAGE);
    SHOW(pread(fd, text, 1, 0));
    printf("%d\n", text[0] != 'p');
}

int main(void) {
    int plain = (int)MUST(memfd_create("plain", 0));
    SHOW(fcntl(plain, F_GET_SEALS));
    SHOW(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW));
    int file = make_file("file", 10, 0);
    SHOW(fcntl(file, F_GET_SEALS));
    SHOW(fcntl(file, F_ADD_SEALS, F_SEAL_GROW));
    static const int seals[] = {0, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE_, F_SEAL_SHRINK | F_SEAL_GROW};
    for (unsigned i = 0; i < sizeof seals / sizeof *seals; i++) {
        int fd = (int)MUST(memfd_create("sealed", MFD_ALLOW_SEALING));
        MUST(ftruncate(fd, PAGE));
        SHOW(fcntl(fd, F_ADD_SEALS, seals[i]));
        state(fd, "state");
        SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
        SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
        SHOW(fcntl(fd, F_ADD_SEALS, 0x100));
        close(fd);
    }
    int fd = (int)MUST(memfd_create("mapped", MFD_ALLOW_SEALING));
    MUST(ftruncate(fd, 2 * PAGE));
    char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE_));
    strcpy(map, "still written");
    SHOW(pwrite(fd, "x", 1, 0));
    char *reader = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    puts(reader);
    SHOW(mprotect(reader, PAGE, PROT_READ | PROT_WRITE));
    SHOW(munmap(map, PAGE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(munmap(map + PAGE, PAGE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    puts(reader);
    DONE();
}
