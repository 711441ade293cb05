/* Code that a program writes: functions of no arguments that return a number. */
#ifndef CODE_JIT_H
#define CODE_JIT_H
#include "check.h"

typedef int (*function)(void);
enum { FUNCTION_BYTES = 6 };

/* mov eax, value; ret */
static void emit(void *at, int value) {
    unsigned char code[FUNCTION_BYTES] = {0xb8};
    memcpy(code + 1, &value, 4);
    code[5] = 0xc3;
    memcpy(at, code, sizeof code);
}

static int run(const void *at) {
    function call;
    memcpy(&call, &at, sizeof call);
    return call();
}
#endif
