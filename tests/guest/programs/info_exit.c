/* run: 0
 * run: 1
 * run: 255
 * run: 256
 * run: 300
 * run: -1
 * run: quick
 * run: _exit
 * run: raw
 * run: return
 * builds: static dynamic
 * Exit codes, the order of atexit functions, and what is written when. */
#include "check.h"
#include <sys/syscall.h>

static void first(void) { puts("registered first, runs last"); }
static void second(void) { puts("registered second"); }
static void third(void) { puts("registered third, runs first"); atexit(second); }
__attribute__((destructor)) static void destructor(void) { puts("destructor"); }
__attribute__((constructor)) static void constructor(void) { puts("constructor"); }
static void quick(void) { puts("at quick exit"); }

int main(int argc, char **argv) {
    if (argc < 2) return 99;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    printf("buffered\n");
    atexit(first);
    atexit(third);
    at_quick_exit(quick);
    if (!strcmp(argv[1], "quick")) fflush(stdout), quick_exit(3);
    if (!strcmp(argv[1], "_exit")) _exit(4); /* What is buffered is lost. */
    if (!strcmp(argv[1], "raw")) fflush(stdout), syscall(SYS_exit, 5);
    if (!strcmp(argv[1], "return")) return 6;
    exit(atoi(argv[1]));
}
