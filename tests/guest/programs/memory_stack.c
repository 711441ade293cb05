/* Deep recursion: the stack grows by itself, keeps what is in it, and ends at its limit (fault_stack_overflow). */
#include "check.h"
#include <sys/resource.h>

__attribute__((noinline)) static uint64_t descend(int depth, uint64_t value) {
    volatile unsigned char frame[2000];
    for (int i = 0; i < 2000; i += 250) frame[i] = (unsigned char)(value + (uint64_t)i + (uint64_t)depth);
    uint64_t below = depth ? descend(depth - 1, value * 6364136223846793005ULL + 1442695040888963407ULL) : value;
    for (int i = 0; i < 2000; i += 250)
        if (frame[i] != (unsigned char)(value + (uint64_t)i + (uint64_t)depth)) check_failures++;
    return below ^ frame[250];
}

int main(void) {
    struct rlimit limit;
    MUST(getrlimit(RLIMIT_STACK, &limit));
    CHECK(limit.rlim_cur >= 8192 * 1024UL);
    printf("%016llx\n", (unsigned long long)descend(10, 1));
    printf("%016llx\n", (unsigned long long)descend(1500, 2)); /* 3 MB */
    printf("%016llx\n", (unsigned long long)descend(300, 3));
    char big[700000];
    fill(big, sizeof big, 7); /* From the far end: a store far below what is mapped so far. */
    printf("%016llx\n", (unsigned long long)checksum(big, sizeof big));
    DONE();
}
