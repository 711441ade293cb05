/* A string instruction that faults in its middle has done exactly what lies before the fault. */
#include "check.h"

/* The destination is a shared file, which the harness compares afterwards. */
int main(void) {
    char *map = map_anonymous(4 * PAGE);
    int fd = make_file("seen", 4 * PAGE, 1);
    char *file = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST((long)file);
    MUST(mprotect(file + 2 * PAGE, PAGE, PROT_READ));
    memset(map, 'm', 4 * PAGE);
    printf("before\n");
    void *to = file + 100, *from = map;
    size_t n = 4 * PAGE - 100;
    __asm__ volatile("cld; rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
    printf("not reached\n");
    return 0;
}
