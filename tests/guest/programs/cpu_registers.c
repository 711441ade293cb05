/* A system call keeps every register but rax, rcx and r11; page faults keep all of them. */
#include "check.h"
#include <sys/syscall.h>

static uint64_t gathered[40];
static char *fresh;

int main(void) {
    for (int round = 0; round < 3; round++) {
        uint64_t *r = gathered;
        memset(gathered, 0, sizeof gathered);
        fresh = map_anonymous(64 * PAGE);
        __asm__ volatile(
            "mov $0x1111, %%rbx; mov $0x2222, %%rdi; mov $0x3333, %%rsi; mov $0x4444, %%rdx; mov $0x5555, %%r8;"
            "mov $0x6666, %%r9; mov $0x7777, %%r10; mov $0x8888, %%r12; mov $0x9999, %%r13; mov $0xaaaa, %%r14;"
            "movq %%rbx, %%xmm0; movq %%rdi, %%xmm7; movq %%r14, %%xmm15; stc;"
            "mov $110, %%eax; syscall;" /* getppid */
            "setc %%al; movzbl %%al, %%eax; mov %%rax, 0(%0); mov %%rbx, 8(%0); mov %%rdi, 16(%0); mov %%rsi, 24(%0);"
            "mov %%rdx, 32(%0); mov %%r8, 40(%0); mov %%r9, 48(%0); mov %%r10, 56(%0); mov %%r12, 64(%0);"
            "mov %%r13, 72(%0); mov %%r14, 80(%0); movq %%xmm0, 88(%0); movq %%xmm7, 96(%0); movq %%xmm15, 104(%0);"
            "mov %1, %%r12; std; mov %%rbx, 8192(%%r12); addq $5, 20480(%%r12); lock xaddq %%rbx, 40960(%%r12); pushfq; popq %%rax; cld;"
            "and $0x400, %%eax; mov %%rax, 112(%0); mov %%rbx, 120(%0); mov 40960(%%r12), %%rax; mov %%rax, 128(%0);"
            "mov 20480(%%r12), %%rax; mov %%rax, 136(%0); mov 8192(%%r12), %%rax; mov %%rax, 144(%0);"
            : "+r"(r)
            : "m"(fresh)
            : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "xmm0", "xmm7", "xmm15", "memory", "cc");
        for (int i = 0; i < 19; i++) printf("%llx ", (unsigned long long)gathered[i]);
        printf("\n");
    }
    uint64_t rcx, r11, flags;
    __asm__ volatile("mov $110, %%eax; lea 1f(%%rip), %%rbx; pushfq; popq %2; syscall; 1: mov %%r11, %1; sub %%rbx, %%rcx; mov %%rcx, %0"
                     : "=r"(rcx), "=r"(r11), "=r"(flags)::"rax", "rbx", "rcx", "r11", "memory");
    CHECK(rcx == 0);
    CHECK((r11 & 0xcd5) == (flags & 0xcd5));
    SHOW(syscall(9999)); /* Numbers that do not exist. */
    SHOW(syscall(-1L));
    SHOW(syscall(0x7fffffffL));
    DONE();
}
