/* More pages of code than a small cache has lines, each changed and run again in an order of its own: lines of code are given
 * up and come back, on their way through memory. */
#include "code_jit.h"

enum { PAGES = 96 };

static void all(const char *what, unsigned char *writer, unsigned char *runner) {
    long wrong = 0, sum = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PAGES; i++) emit(writer + i * PAGE + 8 * round, i * 10 + round);
        for (int i = 0; i < PAGES; i++) {
            int page = (i * 37 + round) % PAGES;
            int value = run(runner + page * PAGE + 8 * round);
            wrong += value != page * 10 + round;
            sum += value;
        }
        for (int i = 0; i < PAGES; i += 5) emit(writer + i * PAGE, -i);
        for (int i = 0; i < PAGES; i += 5) wrong += run(runner + i * PAGE) != -i;
        for (int i = 0; i < PAGES; i += 5) emit(writer + i * PAGE, i * 10);
    }
    printf("%s: wrong %ld sum %ld\n", what, wrong, sum);
}

int main(void) {
    unsigned char *page = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST((long)page);
    all("private", page, page);
    int fd = (int)MUST(memfd_create("code", 0));
    MUST(ftruncate(fd, PAGES * PAGE));
    unsigned char *writer = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char *runner = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    all("shared", writer, runner);
    DONE();
}
