/* builds: static
 * The mathematical library, to thirteen digits: which of its variants runs depends on the processor. */
#include "check.h"
#include <math.h>

int main(void) {
    double (*const functions[])(double) = {sin, cos, tan, exp, log, atan, sinh, cbrt, erf, lgamma, log10, exp2};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        double sum = 0;
        for (int j = 1; j < 60; j++) sum += functions[i](j * 0.173);
        printf("%zu %.12e\n", i, sum);
    }
    printf("%.12e %.12e %.12e\n", pow(1.7, 23.5), atan2(3, -4), fmod(1e17, 7.25));
    long double x = 0.7L;
    printf("%.15Lg %.15Lg %.15Lg\n", sinl(x), expl(x), logl(x));
    double fsin = 0.5, fpatan = 1;
    __asm__("fldl %1; fsin; fstpl %0" : "=m"(fsin) : "m"(fsin));
    __asm__("fldl %1; fld1; fpatan; fstpl %0" : "=m"(fpatan) : "m"(fpatan));
    printf("%.12e %.12e\n", fsin, fpatan);
    DONE();
}
