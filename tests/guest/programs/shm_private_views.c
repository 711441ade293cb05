/* A private mapping shows what was stored through a shared one before its page was touched; its own stores stay its own, in a
 * child too. */
#include "check.h"
#include <sys/wait.h>

static void run(const char *what, int fd) {
    puts(what);
    MUST(ftruncate(fd, 4 * PAGE));
    char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *mine = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    MUST((long)shared), MUST((long)mine);
    strcpy(shared + PAGE, "stored after both were mapped");
    puts(mine + PAGE);
    strcpy(mine + PAGE, "private");
    puts(shared + PAGE);
    strcpy(shared + 2 * PAGE, "in the child");
    fflush(stdout);
    if (fork() == 0) {
        puts(mine + PAGE);
        puts(mine + 2 * PAGE);
        strcpy(mine + 2 * PAGE, "the child's");
        strcpy(shared + 3 * PAGE, "from the child");
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    puts(mine + 2 * PAGE);
    puts(mine + 3 * PAGE);
    puts(mine + PAGE);
    MUST(munmap(mine, 4 * PAGE)), MUST(munmap(shared, 4 * PAGE)), close(fd);
}

/* Whoever stores runs apart from whoever has the private mapping only. */
static void between(const char *what, int fd) {
    int go[2], done[2];
    char byte;
    printf("%s of another process\n", what);
    MUST(ftruncate(fd, 4 * PAGE));
    MUST(pipe(go)), MUST(pipe(done));
    fflush(stdout);
    if (fork() == 0) {
        char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        for (int page = 0; page < 3; page++) {
            shared[page * PAGE] = (char)('a' + page);
            MUST(write(done[1], "d", 1));
            MUST(read(go[0], &byte, 1));
        }
        _exit(0);
    }
    MUST(read(done[0], &byte, 1));
    char *mine = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(mine[0] == 'a'); /* Stored before the mapping was made, ... */
    MUST(write(go[1], "g", 1));
    MUST(read(done[0], &byte, 1));
    CHECK(mine[PAGE] == 'b'); /* ... and after. */
    MUST(write(go[1], "g", 1));
    MUST(read(done[0], &byte, 1));
    mine[2 * PAGE + 1] = 'p';
    CHECK(mine[2 * PAGE] == 'c');
    MUST(write(go[1], "g", 1));
    wait(NULL);
    MUST(munmap(mine, 4 * PAGE)), close(fd);
}

int main(void) {
    run("memfd", (int)MUST(memfd_create("x", 0)));
    run("file", make_file("file", 0, 0));
    between("memfd", (int)MUST(memfd_create("y", 0)));
    between("file", make_file("other", 0, 0));
    DONE();
}
