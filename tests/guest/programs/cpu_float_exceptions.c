/* run: x87
 * run: sse
 * The sticky exception flags of floating point arithmetic. */
#include "check.h"

int main(int argc, char **argv) {
    if (argc < 2) return 99;
    volatile double zero = 0, one = 1, three = 3, result;
    unsigned flags = 0;
    unsigned short word = 0;
    if (!strcmp(argv[1], "x87")) {
        double quotient;
        __asm__ volatile("fnclex; fldl %1; fdivl %2; fstpl %0" : "=m"(quotient) : "m"(one), "m"(zero));
        __asm__ volatile("fnstsw %0" : "=m"(word));
        printf("1/0: %x\n", word & 0x3f);
        __asm__ volatile("fnclex; fldl %1; fdivl %2; fstpl %0" : "=m"(quotient) : "m"(one), "m"(three));
        __asm__ volatile("fnstsw %0" : "=m"(word));
        printf("1/3: %x\n", word & 0x3f);
        __asm__ volatile("fnclex; fldl %1; fsqrt; fstpl %0" : "=m"(quotient) : "m"((volatile double){-1}));
        __asm__ volatile("fnstsw %0" : "=m"(word));
        printf("sqrt -1: %x\n", word & 0x3f);
        return 0;
    }
    static const unsigned clear = 0x1f80;
    __asm__ volatile("ldmxcsr %0" ::"m"(clear));
    result = one / zero;
    __asm__ volatile("stmxcsr %0" : "=m"(flags));
    printf("1/0: %x\n", flags & 0x3f);
    __asm__ volatile("ldmxcsr %0" ::"m"(clear));
    result = one / three;
    __asm__ volatile("stmxcsr %0" : "=m"(flags));
    printf("1/3: %x\n", flags & 0x3f);
    (void)result;
    return 0;
}
