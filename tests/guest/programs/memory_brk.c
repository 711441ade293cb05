/* builds: static dynamic
 * brk: growing, shrinking, memory that is zero again after it was given back, and RLIMIT_AS. */
#include "check.h"
#include <sys/resource.h>
#include <sys/syscall.h>

static char *kernel_brk(void *to) { return (char *)syscall(SYS_brk, to); }

/* Whether the break stays where it is when the address space has no room for 64 MiB more. */
static int limited(void) {
    struct rlimit before, limit;
    MUST(getrlimit(RLIMIT_AS, &before));
    limit = before;
    limit.rlim_cur = 32 << 20;
    char *at = kernel_brk(NULL);
    MUST(setrlimit(RLIMIT_AS, &limit));
    char *after = kernel_brk(at + (64 << 20)), *less = kernel_brk(at);
    MUST(setrlimit(RLIMIT_AS, &before));
    return after == at && less == at;
}

int main(void) {
    int first = limited(); /* In a dynamic program there is no heap yet. */
    CHECK(first);
    char *start = (char *)(((uintptr_t)kernel_brk(NULL) + PAGE - 1) & ~(PAGE - 1));
    CHECK(kernel_brk(start) == start);
    CHECK(kernel_brk(start + 5) == start + 5 && limited());
    CHECK(kernel_brk(start + 100 * PAGE) == start + 100 * PAGE);
    CHECK(all_are(start, 100 * PAGE, 0));
    fill(start, 100 * PAGE, 5);
    printf("checksum %016llx\n", (unsigned long long)checksum(start, 100 * PAGE));
    CHECK(kernel_brk(start + 50 * PAGE + 1) == start + 50 * PAGE + 1);
    READS(start + 51 * PAGE - 1); /* The page that is begun stays. */
    READS(start + 51 * PAGE);
    CHECK(kernel_brk(start + 100 * PAGE) == start + 100 * PAGE);
    CHECK(all_are(start + 51 * PAGE, 49 * PAGE, 0));
    CHECK(start[50 * PAGE + 1] == (char)((uint64_t)((50 * PAGE + 1) * 31 + 50 * 7 + 5) & 0xff));
    CHECK(kernel_brk(start + 10 * PAGE) == start + 10 * PAGE);
    printf("checksum %016llx\n", (unsigned long long)checksum(start, 10 * PAGE));
    CHECK(kernel_brk(NULL) == start + 10 * PAGE);
    CHECK(kernel_brk((void *)1) == start + 10 * PAGE); /* Below the start: refused, by saying where it is. */
    CHECK(kernel_brk((void *)(-1L)) == start + 10 * PAGE);
    char *wall = mmap(start + 12 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(wall == start + 12 * PAGE);
    CHECK(kernel_brk(start + 20 * PAGE) == start + 10 * PAGE); /* Something is in the way. */
    CHECK(all_are(wall, PAGE, 0));
    for (int i = 0; i < 20; i++) {
        if (kernel_brk(start + 11 * PAGE) != start + 11 * PAGE || !all_are(start + 10 * PAGE, PAGE, 0)) check_failures++;
        memset(start + 10 * PAGE, 'b', PAGE);
        if (kernel_brk(start + 10 * PAGE) != start + 10 * PAGE) check_failures++;
    }
    CHECK(check_failures == 0);
    DONE();
}
