/* MADV_POPULATE_READ and MADV_POPULATE_WRITE: what they refuse, and that they change nothing but what is resident. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include "check.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

int main(void) {
    unsigned char resident[8];
    int fd = make_file("data", 6000, 1);
    char *memory = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *file = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memory[5000] = 'x';
    SHOW(madvise(memory, 4 * 4096, MADV_POPULATE_WRITE));
    CHECK(mincore(memory, 4 * 4096, resident) == 0 && resident[0] && resident[1] && resident[3]);
    CHECK(memory[5000] == 'x' && memory[0] == 0);
    SHOW(madvise(memory, 8 * 4096, MADV_POPULATE_READ));
    SHOW(madvise(memory + 1, 4096, MADV_POPULATE_READ));
    SHOW(madvise(memory, 0, MADV_POPULATE_READ));
    SHOW(madvise(memory, -4096, MADV_POPULATE_READ));
    SHOW(madvise(memory, -1, MADV_POPULATE_READ));
    SHOW(mprotect(memory + 4096, 4096, PROT_READ));
    SHOW(madvise(memory, 8192, MADV_POPULATE_WRITE));
    SHOW(madvise(memory, 8192, MADV_POPULATE_READ));
    SHOW(mprotect(memory + 4096, 4096, PROT_NONE));
    SHOW(madvise(memory, 8192, MADV_POPULATE_READ));
    SHOW(munmap(memory + 3 * 4096, 4096));
    SHOW(madvise(memory + 2 * 4096, 8192, MADV_POPULATE_WRITE));
    SHOW(madvise(file, 8192, MADV_POPULATE_WRITE));
    SHOW(madvise(file, 4 * 4096, MADV_POPULATE_READ));
    SHOW(madvise(shared, 8192, MADV_POPULATE_WRITE));
    CHECK(shared[0] == file[0] && shared[5999] == file[5999]);
    DONE();
}
