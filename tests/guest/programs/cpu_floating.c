/* builds: static dynamic
 * Floating point with SSE and x87: values, rounding, conversions, printing. */
#include "check.h"
#include <fenv.h>
#include <float.h>
#include <math.h>

static void bits(const char *what, double x) {
    uint64_t b;
    memcpy(&b, &x, 8);
    if (x != x) b = 0x7ff8000000000000; /* The sign of a NaN is nobody's promise. */
    printf("%s %016llx %.17g\n", what, (unsigned long long)b, x != x ? 0.0 : x);
}

int main(void) {
    volatile double zero = 0, one = 1, three = 3, tiny = DBL_MIN, huge = DBL_MAX;
    bits("1/3", one / three);
    bits("1/0", one / zero);
    bits("0/0", zero / zero);
    bits("-0", -zero);
    bits("denormal", tiny / 3);
    bits("overflow", huge * 2);
    bits("sqrt", sqrt(three));
    bits("fma-free", one / three * three - one);
    volatile float f = 16777217.0, g = 0.1F;
    printf("%.9g %.9g %.9g\n", (double)f, (double)g, (double)(g * g));
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    for (int i = 0; i < 4; i++) {
        fesetround(modes[i]);
        bits("rounded", one / three);
        volatile double half = 2.5, negative = -2.5;
        volatile long double long_third = 1.0L / (long double)three;
        printf("%ld %ld %.0f %.21Lg\n", lrint(half), lrint(negative), nearbyint(half), long_third);
    }
    fesetround(FE_TONEAREST);
    volatile double big = 1e300, not_a_number = zero / zero;
    printf("%lld %lld %d\n", (long long)(int64_t)big, (long long)(int64_t)not_a_number, (int)(int32_t)(-three));
    printf("%llu\n", (unsigned long long)(volatile double){1.5e19});
    CHECK(!(not_a_number == not_a_number) && !(not_a_number < one) && !(not_a_number > one));
    double sum = 0;
    for (int i = 1; i < 2000; i++) sum += 1.0 / i / i;
    bits("basel", sum);
    long double product = 1;
    for (int i = 1; i < 100; i++) product *= (long double)i / 7;
    printf("%.20Lg\n", product);
    printf("%a %g %e %.3f %10.2f|%-10.1f|\n", 1.0 / 3, 1e-5, 12345.678, 2.0005, 3.14159, 2.5);
    printf("%.15g %.15g\n", strtod("1e-310", NULL), strtod("0x1.8p3", NULL));
    unsigned short control;
    __asm__("fnstcw %0" : "=m"(control));
    unsigned status;
    __asm__("stmxcsr %0" : "=m"(status));
    printf("control %x, mask %x\n", control, status & 0xffc0);
    DONE();
}
