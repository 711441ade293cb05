/* read and write calls of a file, and stores into its mappings by several processes, always see each other. */
#include "check.h"
#include <sys/uio.h>
#include <sys/wait.h>

static void run(const char *what, int fd) {
    puts(what);
    MUST(ftruncate(fd, 3 * PAGE));
    unsigned char *map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char *offset = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
    int ask[2], answer[2];
    char go = 0;
    MUST(pipe(ask)), MUST(pipe(answer));
    fflush(stdout);
    if (fork() == 0) {
        unsigned char *mine = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        for (int i = 0; i < 8; i++) {
            MUST(read(ask[0], &go, 1));
            mine[i] = (unsigned char)(mine[i] + 1);
            unsigned char byte;
            MUST(pread(fd, &byte, 1, PAGE + i));
            byte = (unsigned char)(byte * 2);
            MUST(pwrite(fd, &byte, 1, 2 * PAGE + i));
            MUST(write(answer[1], &go, 1));
        }
        _exit(0);
    }
    int right = 0;
    for (int i = 0; i < 8; i++) {
        unsigned char byte = (unsigned char)(i * 3);
        MUST(pwrite(fd, &byte, 1, i));
        map[PAGE + i] = (unsigned char)(i + 40);
        MUST(write(ask[1], &go, 1));
        MUST(read(answer[0], &go, 1));
        unsigned char first;
        MUST(pread(fd, &first, 1, i));
        right += first == i * 3 + 1 && map[i] == i * 3 + 1 && offset[i] == (i + 40) * 2 && map[2 * PAGE + i] == offset[i];
    }
    wait(NULL);
    printf("right %d\n", right);
    /* Into a mapping of the very file, and out of it. */
    SHOW(pread(fd, map + PAGE + 100, 50, 0));
    CHECK(!memcmp(map, map + PAGE + 100, 50));
    SHOW(pwrite(fd, map + 2 * PAGE, 8, 500));
    CHECK(!memcmp(map + 500, offset, 8));
    struct iovec pieces[2] = {{map + PAGE, 4}, {map + 2 * PAGE, 4}};
    SHOW(pwritev(fd, pieces, 2, 3 * PAGE - 8));
    CHECK(!memcmp(offset + PAGE - 8, map + PAGE, 4));
    munmap(map, 3 * PAGE);
    CHECK(offset[7] == 94);
    munmap(offset, PAGE);
    close(fd);
}

int main(void) {
    run("memfd", (int)MUST(memfd_create("x", 0)));
    run("file", make_file("file", 0, 0));
    DONE();
}
