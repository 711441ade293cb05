/* run: ud2
 * run: hlt
 * run: cli
 * run: in
 * run: out
 * run: rdmsr
 * run: mov_cr3
 * run: lgdt
 * run: invlpg
 * run: int3
 * run: int80_vector_7
 * run: divide_by_zero
 * run: divide_overflow
 * run: divide_64
 * run: abort
 * run: trap
 * run: sse_unaligned
 * Instructions that a program may not execute, or not with these operands, and what they are killed by. */
#include "check.h"

int main(int argc, char **argv) {
    if (argc < 2) return 99;
    const char *how = argv[1];
    volatile int zero = argc - 2, minus_one = -1, lowest = (int)0x80000000;
    volatile long long_zero = zero;
    static char bytes[64] __attribute__((aligned(16)));
    printf("before %s\n", how);
    if (!strcmp(how, "ud2")) __asm__ volatile("ud2");
    if (!strcmp(how, "hlt")) __asm__ volatile("hlt");
    if (!strcmp(how, "cli")) __asm__ volatile("cli");
    if (!strcmp(how, "in")) __asm__ volatile("in $0x60, %%al" ::: "rax");
    if (!strcmp(how, "out")) __asm__ volatile("out %%al, $0x80" ::: "rax");
    if (!strcmp(how, "rdmsr")) __asm__ volatile("rdmsr" ::"c"(0x10) : "rax", "rdx");
    if (!strcmp(how, "mov_cr3")) __asm__ volatile("mov %%cr3, %%rax" ::: "rax");
    if (!strcmp(how, "lgdt")) __asm__ volatile("lgdt %0" ::"m"(bytes));
    if (!strcmp(how, "invlpg")) __asm__ volatile("invlpg %0" ::"m"(bytes));
    if (!strcmp(how, "int3")) __asm__ volatile("int3");
    if (!strcmp(how, "int80_vector_7")) __asm__ volatile("int $7");
    if (!strcmp(how, "divide_by_zero")) printf("%d\n", 5 / zero);
    if (!strcmp(how, "divide_overflow")) printf("%d\n", lowest / minus_one);
    if (!strcmp(how, "divide_64")) printf("%ld\n", 5L % long_zero);
    if (!strcmp(how, "abort")) abort();
    if (!strcmp(how, "trap")) __builtin_trap();
    if (!strcmp(how, "sse_unaligned")) __asm__ volatile("movaps (%0), %%xmm0" ::"r"(bytes + 1) : "xmm0");
    printf("after: not reached\n");
    return 0;
}
