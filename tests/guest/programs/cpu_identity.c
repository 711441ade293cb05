/* What CPUID, the auxiliary vector and /proc/cpuinfo say must agree, and what is announced must work. */
#include "check.h"
#include <cpuid.h>
#include <sys/auxv.h>

static int announces(unsigned leaf, int reg, int bit) {
    unsigned r[4] = {0};
    if (!__get_cpuid_count(leaf, 0, &r[0], &r[1], &r[2], &r[3])) return 0;
    return r[reg] >> bit & 1;
}

/* The C library gives a value of its own for AT_HWCAP: this one is the kernel's. */
static unsigned long real_auxv(unsigned long kind) {
    char **at = environ;
    while (*at) at++;
    for (unsigned long *pair = (unsigned long *)(at + 1); pair[0]; pair += 2)
        if (pair[0] == kind) return pair[1];
    return 0;
}

int main(void) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    CHECK(__get_cpuid(1, &a, &b, &c, &d));
    CHECK((real_auxv(AT_HWCAP) & ~(1UL << 28)) == (d & ~(1UL << 28))); /* Kernels set bit 28 for themselves. */
    CHECK(d >> 25 & 1 && d >> 26 & 1); /* SSE and SSE2 */
    CHECK(c >> 0 & 1 && c >> 9 & 1 && c >> 19 & 1 && c >> 20 & 1 && c >> 23 & 1); /* up to x86-64-v2 */
    CHECK(c >> 13 & 1);                                                             /* cmpxchg16b */
    CHECK(announces(0x80000001, 2, 0));                                             /* lahf */
    CHECK(announces(0x80000001, 3, 29));                                            /* long mode */
    int xsave = c >> 27 & 1, avx = c >> 28 & 1;
    CHECK(!avx || xsave);
    if (xsave) {
        unsigned low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        CHECK((low & 3) == 3);
        if (avx && (low & 4)) {
            unsigned char from[32] = {7, 8, 9}, to[32] = {0};
            __asm__ volatile("vmovups (%0), %%ymm0; vmovups %%ymm0, (%1); vzeroupper" ::"r"(from), "r"(to) : "memory", "xmm0");
            if (memcmp(from, to, 32)) check_failures++;
        }
    } else {
        puts("ok (low & 3) == 3"); /* Nothing to ask. */
    }
    if (c >> 30 & 1) {
        unsigned long value;
        unsigned char good = 0;
        for (int i = 0; i < 100 && !good; i++) __asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=q"(good)::"cc");
        if (!good) check_failures++;
    }
    if (announces(7, 1, 3)) { /* BMI1 */
        unsigned long value;
        __asm__ volatile("andn %1, %2, %0" : "=r"(value) : "r"(6UL), "r"(3UL) : "cc");
        if (value != 4) check_failures++;
    }
    CHECK(check_failures == 0);
    CHECK(getauxval(AT_PLATFORM) && !strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
    CHECK((real_auxv(AT_HWCAP2) & 2) == 0 || announces(7, 1, 0)); /* FSGSBASE */
    static char text[1 << 16];
    int fd = (int)MUST(open("/proc/cpuinfo", O_RDONLY));
    size_t length = 0;
    ssize_t n;
    while (length < sizeof text - 1 && (n = read(fd, text + length, sizeof text - 1 - length)) > 0) length += (size_t)n;
    CHECK(strstr(text, "processor\t: 0\n") == text);
    char *flags = strstr(text, "\nflags\t");
    CHECK(flags != NULL);
    char *end = strchr(flags + 1, '\n');
    *end = ' ';
    end[1] = 0;
    CHECK(strstr(flags, " sse2 ") && strstr(flags, " sse4_2 ") && strstr(flags, " lm "));
    CHECK(!!strstr(flags, " avx ") == avx);
    unsigned long before = __builtin_ia32_rdtsc(), after;
    for (volatile int i = 0; i < 10000; i++) continue;
    after = __builtin_ia32_rdtsc();
    CHECK(after > before);
    DONE();
}
