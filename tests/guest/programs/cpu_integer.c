/* Integer arithmetic of all widths: results and flags. */
#include "check.h"

static uint64_t state;
static void mix(uint64_t value) { state = (state ^ value) * 0x9e3779b97f4a7c15ULL; state ^= state >> 29; }

#define FLAGS_OF(instruction, type, x, y)                                                                      \
    do {                                                                                                       \
        type result = (type)(x);                                                                               \
        uint64_t flags;                                                                                        \
        __asm__ volatile("xor %%eax, %%eax; " instruction " %2, %0; pushfq; popq %1"                           \
                         : "+r"(result), "=r"(flags)                                                           \
                         : "r"((type)(y))                                                                      \
                         : "cc", "rax");                                                                       \
        mix(result);                                                                                           \
        mix(flags & 0x8d5 & defined);                                                                          \
    } while (0)

int main(void) {
    static const uint64_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
                                     0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0x1234567890abcdef};
    enum { N = sizeof edges / sizeof *edges };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            uint64_t x = edges[i], y = edges[j], defined = 0x8d5;
            FLAGS_OF("addb", uint8_t, x, y);
            FLAGS_OF("addq", uint64_t, x, y);
            FLAGS_OF("subl", uint32_t, x, y);
            FLAGS_OF("subq", uint64_t, x, y);
            FLAGS_OF("adcw", uint16_t, x, y);
            FLAGS_OF("sbbq", uint64_t, x, y);
            FLAGS_OF("cmpq", uint64_t, x, y);
            defined = 0x8c5; /* The auxiliary flag is undefined after these. */
            FLAGS_OF("andl", uint32_t, x, y);
            FLAGS_OF("orq", uint64_t, x, y);
            FLAGS_OF("xorw", uint16_t, x, y);
            FLAGS_OF("testq", uint64_t, x, y);
            defined = 0x801;
            FLAGS_OF("imulq", uint64_t, x, y);
            FLAGS_OF("imull", uint32_t, x, y);
            __uint128_t wide = (__uint128_t)x * y;
            mix((uint64_t)(wide >> 64));
            __int128_t signed_wide = (__int128_t)(int64_t)x * (int64_t)y;
            mix((uint64_t)(signed_wide >> 64));
            if (y) mix(x / y), mix(x % y);
            if (y && !((int64_t)y == -1 && x == 1ULL << 63)) mix((uint64_t)((int64_t)x / (int64_t)y)), mix((uint64_t)((int64_t)x % (int64_t)y));
        }
    printf("arithmetic %016llx\n", (unsigned long long)state);
    for (int i = 0; i < N; i++)
        for (int n = 0; n < 70; n += 3) {
            uint64_t x = edges[i], r = x;
            __asm__("rolq %%cl, %0" : "+r"(r) : "c"(n) : "cc"); mix(r);
            r = x; __asm__("shlq %%cl, %0" : "+r"(r) : "c"(n) : "cc"); mix(r);
            r = x; __asm__("sarl %%cl, %k0" : "+r"(r) : "c"(n) : "cc"); mix((uint32_t)r);
            r = x; __asm__("shrdq %%cl, %1, %0" : "+r"(r) : "r"(~x), "c"(n) : "cc"); mix(r);
            r = x; __asm__("clc; rcrq $5, %0" : "+r"(r)::"cc"); mix(r);
            r = x; __asm__("btcq %1, %0" : "+r"(r) : "r"((uint64_t)n) : "cc"); mix(r);
        }
    printf("shifts %016llx\n", (unsigned long long)state);
    for (int i = 1; i < N; i++) {
        uint64_t r;
        __asm__("bsfq %1, %0" : "=r"(r) : "r"(edges[i]) : "cc"); mix(r);
        __asm__("bsrq %1, %0" : "=r"(r) : "r"(edges[i]) : "cc"); mix(r);
        __asm__("popcntq %1, %0" : "=r"(r) : "r"(edges[i]) : "cc"); mix(r);
        r = edges[i]; __asm__("bswapq %0" : "+r"(r)); mix(r);
        mix((uint64_t)(int64_t)(int8_t)edges[i]); mix((uint64_t)(int64_t)(int32_t)edges[i]);
    }
    printf("bits %016llx\n", (unsigned long long)state);
    uint64_t memory[2] __attribute__((aligned(16))) = {5, 6}, expected = 5;
    unsigned char equal;
    __asm__("lock cmpxchgq %3, %1; sete %0" : "=q"(equal), "+m"(memory[0]), "+a"(expected) : "r"(9UL) : "cc");
    CHECK(equal && memory[0] == 9);
    __asm__("lock cmpxchgq %3, %1; sete %0" : "=q"(equal), "+m"(memory[0]), "+a"(expected) : "r"(10UL) : "cc");
    CHECK(!equal && expected == 9);
    __asm__("lock cmpxchg16b %1; sete %0" : "=q"(equal), "+m"(*(__uint128_t *)memory) : "a"(9UL), "d"(6UL), "b"(1UL), "c"(2UL) : "cc");
    CHECK(equal && memory[0] == 1 && memory[1] == 2);
    CHECK(__atomic_fetch_add(&memory[1], 40, __ATOMIC_SEQ_CST) == 2 && memory[1] == 42);
    CHECK(__atomic_exchange_n(&memory[0], 77, __ATOMIC_SEQ_CST) == 1 && memory[0] == 77);
    DONE();
}
