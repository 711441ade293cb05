/* Code written at run time: in a page with all rights, and by mprotect between writing and running. */
#include "check.h"

typedef int (*function)(void);

static void emit(unsigned char *at, int value) { /* mov $value, %eax; ret */
    at[0] = 0xb8;
    memcpy(at + 1, &value, 4);
    at[5] = 0xc3;
}

int main(void) {
    unsigned char *all = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST((long)all);
    long sum = 0;
    for (int i = 0; i < 300; i++) {
        emit(all, i);
        sum += ((function)(uintptr_t)all)();
    }
    printf("rewritten in place: %ld\n", sum);
    for (int i = 0; i < 200; i++) emit(all + i * 16, i * 3);
    sum = 0;
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 200; i++) sum += ((function)(uintptr_t)(all + i * 16))();
    printf("many functions: %ld\n", sum);
    unsigned char *page = (unsigned char *)map_anonymous(2 * PAGE);
    sum = 0;
    for (int i = 0; i < 50; i++) {
        MUST(mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE));
        emit(page + PAGE - 3, i * 7); /* The code crosses the boundary of its pages. */
        MUST(mprotect(page, 2 * PAGE, PROT_READ | PROT_EXEC));
        sum = sum * 3 + ((function)(uintptr_t)(page + PAGE - 3))();
    }
    printf("by mprotect: %ld\n", sum);
    WRITES(page);
    int fd = make_file("code", 0, 0); /* Rewritten by read() and by remapping, not by stores. */
    for (int i = 0; i < 2; i++) {
        unsigned char code[6];
        emit(code, 1000 + i);
        MUST(pwrite(fd, code, 6, i * (off_t)PAGE));
    }
    MUST(pread(fd, all, 6, 0));
    printf("%d\n", ((function)(uintptr_t)all)());
    MUST(pread(fd, all, 6, PAGE));
    printf("%d\n", ((function)(uintptr_t)all)());
    for (int i = 0; i < 6; i++) {
        function f = (function)mmap(page, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, (i & 1) * PAGE);
        printf("%d ", f());
    }
    printf("\n");
    unsigned char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char *run = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    for (int i = 0; i < 20; i++) { /* Written at one address, run at another. */
        emit(shared, i);
        __asm__ volatile("cpuid" : : "a"(0) : "rbx", "rcx", "rdx", "memory");
        if (((function)(uintptr_t)run)() != i) check_failures++;
    }
    CHECK(check_failures == 0);
    emit(all + 100, 5); /* An instruction that rewrites the one right behind it: mov %bl, 1(%rip) ; mov $0, %al */
    static const unsigned char ahead[] = {0x53, 0xb3, 0x2a, 0x88, 0x1d, 0x01, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0x5b, 0xc3};
    memcpy(all, ahead, sizeof ahead);
    printf("%d\n", ((function)(uintptr_t)all)());
    memcpy(all, ahead, sizeof ahead);
    printf("%d\n", ((function)(uintptr_t)all)());
    DONE();
}
