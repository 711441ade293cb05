/* Recursion without end is ended by SIGSEGV at the stack's limit. */
#include "check.h"
#include <sys/resource.h>

__attribute__((noinline)) static int forever(volatile char *above, int depth) {
    volatile char frame[60000];
    frame[0] = (char)depth;
    if (above == (volatile char *)1) return 0;
    return forever(frame, depth + 1) + frame[0];
}

int main(void) {
    struct rlimit small = {1 << 20, 8 << 20};
    MUST(setrlimit(RLIMIT_STACK, &small)); /* A limit of one MiB counts at once. */
    printf("before\n");
    int depth = forever(NULL, 1);
    printf("not reached %d\n", depth);
    return 0;
}
