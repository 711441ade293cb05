/* run: data
 * run: stack
 * run: heap
 * run: null
 * run: unmapped
 * run: protected
 * run: non_canonical
 * Code can be fetched only where it may be. */
#include "check.h"

static unsigned char ret_in_data[PAGE] = {0xc3};

int main(int argc, char **argv) {
    if (argc < 2) return 99;
    unsigned char ret_on_stack[16] = {0xc3};
    unsigned char *at = (unsigned char *)map_anonymous(PAGE);
    at[0] = 0xc3;
    if (!strcmp(argv[1], "data")) at = ret_in_data;
    if (!strcmp(argv[1], "stack")) at = ret_on_stack;
    if (!strcmp(argv[1], "null")) at = NULL;
    if (!strcmp(argv[1], "unmapped")) MUST(munmap(at, PAGE));
    if (!strcmp(argv[1], "non_canonical")) at = (unsigned char *)0x8000000000000000;
    if (!strcmp(argv[1], "protected")) {
        MUST(mprotect(at, PAGE, PROT_READ | PROT_EXEC));
        ((void (*)(void))(uintptr_t)at)();
        printf("ran where it may\n");
        MUST(mprotect(at, PAGE, PROT_READ));
    }
    printf("before %s\n", argv[1]);
    ((void (*)(void))(uintptr_t)at)();
    printf("after: not reached\n");
    return 0;
}
