/* Calls of every kind: recursion, function pointers, longjmp, computed goto, variable arguments, red zone. */
#include "check.h"
#include <setjmp.h>
#include <stdarg.h>
#pragma GCC diagnostic ignored "-Winfinite-recursion"

static jmp_buf back;
static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static int ackermann(int m, int n) { return m ? ackermann(m - 1, n ? ackermann(m, n - 1) : 1) : n + 1; }
static int add(int a, int b) { return a + b; }
static int subtract(int a, int b) { return a - b; }
static int multiply(int a, int b) { return a * b; }
__attribute__((noinline)) static void dive(int depth) {
    volatile char frame[300];
    frame[depth] = 1;
    if (depth == 0) longjmp(back, 42);
    dive(depth - 1);
    frame[0] = frame[depth];
}
static double total(int n, ...) {
    va_list list;
    va_start(list, n);
    double sum = 0;
    for (int i = 0; i < n; i++) sum += i & 1 ? va_arg(list, double) : va_arg(list, int);
    va_end(list);
    return sum;
}
static int interpret(const unsigned char *program) {
    static void *const labels[] = {&&increment, &&twice, &&decrement, &&stop};
    int value = 0;
    goto *labels[*program++];
increment: value++; goto *labels[*program++];
twice: value *= 2; goto *labels[*program++];
decrement: value--; goto *labels[*program++];
stop: return value;
}

int main(void) {
    printf("fib %d\n", fib(20));
    printf("ackermann %d\n", ackermann(2, 60));
    int (*const table[])(int, int) = {add, subtract, multiply};
    int value = 1;
    for (int i = 0; i < 3000; i++) value = table[i % 3](value, i % 11) % 100003;
    printf("pointers %d\n", value);
    volatile int jumps = 0;
    int result = setjmp(back);
    if (jumps++ < 5) dive(50 + jumps);
    printf("jumps %d result %d\n", jumps, result);
    printf("arguments %.2f\n", total(10, 1, 2.5, 3, 4.5, 5, 6.5, 7, 8.5, 9, 10.5));
    printf("interpreted %d\n", interpret((unsigned char[]){0, 0, 1, 1, 2, 1, 0, 3}));
    unsigned a = 7, b, c, d;
    int flips = 0;
    for (unsigned i = 0; i < 100000; i++) {
        a = a * 1103515245 + 12345;
        b = a >> 16 & 3, c = a >> 20 & 1, d = b ^ c;
        if (d == 3) flips++;
        else if (d == 1) flips += 2;
        else if (c) flips--;
    }
    printf("branches %d\n", flips);
    DONE();
}
