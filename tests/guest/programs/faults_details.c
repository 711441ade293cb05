/* run: kernel
 * run: non_canonical
 * run: interrupts
 * run: single_step
 * run: x87
 * What a handler is told of a fault: signal, code, address, and the processor's vector and error code. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf again;
static volatile int steps;
static char *volatile floating;

static void on_fault(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    printf("signal %d code %d at %lx vector %lld error %llx\n", number, info->si_code, (char *)info->si_addr - floating,
           registers[REG_TRAPNO], registers[REG_ERR]);
    siglongjmp(again, 1);
}

static void on_step(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    printf("signal %d code %d here %d vector %lld\n", number, info->si_code,
           info->si_addr == (void *)registers[REG_RIP], registers[REG_TRAPNO]);
    if (++steps == 3) registers[REG_EFL] &= ~0x100L;
}

#define TRY(code)                        \
    do {                                 \
        printf("%s: ", #code);           \
        if (!sigsetjmp(again, 1)) code;  \
    } while (0)
#define READ(at) TRY(__asm__ volatile("movb (%%rax), %%al" : : "a"(at) : "memory"))
#define WRITE(at) TRY(__asm__ volatile("movb %%al, (%%rax)" : : "a"(at) : "memory"))
#define THROUGH(code, at) TRY(__asm__ volatile("mov %%rsp, %%rbx; mov %0, %%rsp; " code : : "a"(at) : "rbx"))

int main(int argc, char **argv) {
    if (argc < 2) return 99;
    static char stack[1 << 16];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    MUST(sigaltstack(&other, NULL));
    for (int number = 1; number < 32; number++) sigaction(number, &action, NULL);
    if (!strcmp(argv[1], "kernel")) { /* As far as a program can tell, nothing is mapped there. */
        READ(-1L);
        WRITE(-8L);
        READ(0xffff800000000000);
        WRITE(0xffffffff80000000);
        TRY(((void (*)(void))0xffffffff80000000)());
    } else if (!strcmp(argv[1], "non_canonical")) {
        READ(0x800000000000);
        WRITE(0xffff7ffffffffff0);
        THROUGH("push %%rax", 0x8000000000000008);
        THROUGH("mov 8(%%rsp), %%rax", 0x8000000000000008);
    } else if (!strcmp(argv[1], "interrupts")) {
        TRY(__asm__ volatile("int $0"));
        TRY(__asm__ volatile("int $1"));
        TRY(__asm__ volatile("int $3"));
        TRY(__asm__ volatile("int $4"));
        TRY(__asm__ volatile("int $13"));
        TRY(__asm__ volatile("int $14"));
        TRY(__asm__ volatile("int $200"));
    } else if (!strcmp(argv[1], "x87")) { /* Told by the next instruction that waits for the x87. */
        extern char waits[] __attribute__((visibility("hidden")));
        unsigned short control = 0x37f & ~4;
        floating = waits;
        TRY(__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; nop; waits: fwait" : : "m"(control)));
    } else {
        action.sa_sigaction = on_step;
        sigaction(SIGTRAP, &action, NULL);
        __asm__ volatile("sub $128, %rsp; pushfq; orl $0x100, (%rsp); popfq; nop; nop; nop; add $128, %rsp");
    }
    DONE();
}
