/* run: read_null
 * run: write_null
 * run: write_constant
 * run: write_code
 * run: write_protected
 * run: read_protected
 * run: read_unmapped
 * run: write_unmapped_straddling
 * run: read_far
 * run: read_kernel
 * run: write_kernel
 * run: non_canonical
 * run: beyond_end_of_file
 * run: beyond_end_of_private_file
 * run: truncated_away
 * run: brk_given_back
 * A forbidden access ends the program by a signal; what it printed before is seen. */
#include "check.h"
#include <sys/syscall.h>

static const char constant[PAGE] = {1};
static volatile char nothing;

static volatile char *bad_address(const char *how) {
    char *map = map_anonymous(4 * PAGE);
    int fd = make_file("data", 100, 1);
    if (!strcmp(how, "read_null") || !strcmp(how, "write_null")) return (char *)(uintptr_t)nothing;
    if (!strcmp(how, "write_constant")) return (char *)(uintptr_t)constant;
    if (!strcmp(how, "write_code")) return (char *)(uintptr_t)bad_address;
    if (!strcmp(how, "write_protected")) MUST(mprotect(map, PAGE, PROT_READ));
    if (!strcmp(how, "read_protected")) MUST(mprotect(map, PAGE, PROT_NONE));
    if (!strcmp(how, "read_unmapped")) MUST(munmap(map, PAGE));
    if (!strcmp(how, "write_unmapped_straddling")) {
        MUST(munmap(map + PAGE, PAGE));
        return map + PAGE - 3;
    }
    if (!strcmp(how, "read_far")) return (char *)0x123456789000;
    if (!strcmp(how, "read_kernel") || !strcmp(how, "write_kernel")) return (char *)0xffff888000000000;
    if (!strcmp(how, "non_canonical")) return (char *)0x123456789abcdef0;
    if (!strcmp(how, "beyond_end_of_file")) map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) + PAGE;
    if (!strcmp(how, "beyond_end_of_private_file"))
        map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) + PAGE;
    if (!strcmp(how, "truncated_away")) {
        map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        map[5] = 'x';
        MUST(ftruncate(fd, 0));
    }
    if (!strcmp(how, "brk_given_back")) {
        char *start = (char *)syscall(SYS_brk, 0);
        syscall(SYS_brk, start + 3 * PAGE);
        start[3 * PAGE - 1] = 'x';
        syscall(SYS_brk, start + PAGE);
        return start + 3 * PAGE - 1;
    }
    return map;
}

int main(int argc, char **argv) {
    if (argc < 2) return 99;
    volatile char *at = bad_address(argv[1]);
    printf("before %s\n", argv[1]);
    if (strstr(argv[1], "straddling"))
        *(volatile uint64_t *)at = 1;
    else if (!strcmp(argv[1], "non_canonical")) /* Based on rax: with rbp it would be a stack fault. */
        __asm__ volatile("movb (%%rax), %%al" : "+a"(at)::"memory");
    else if (strstr(argv[1], "write"))
        *at = 1;
    else
        printf("read %d\n", *at);
    printf("after: not reached\n");
    return 0;
}
