/* arch_prctl: the bases of FS and GS, and thread-local variables. */
#include "check.h"
#include <sys/syscall.h>

enum { SET_GS = 0x1001, SET_FS = 0x1002, GET_FS = 0x1003, GET_GS = 0x1004 };
static __thread int local = 42;
static __thread char zeroed[3000];

int main(void) {
    uint64_t fs = 0, gs = 1, block[4] = {11, 22, 33, 44}, value;
    SHOW(syscall(SYS_arch_prctl, GET_FS, &fs));
    SHOW(syscall(SYS_arch_prctl, GET_GS, &gs));
    __asm__("mov %%fs:0, %0" : "=r"(value));
    CHECK(fs == value && gs == 0);
    SHOW(syscall(SYS_arch_prctl, SET_GS, block));
    SHOW(syscall(SYS_arch_prctl, GET_GS, &gs));
    CHECK(gs == (uint64_t)block);
    __asm__ volatile("mov %%gs:16, %0" : "=r"(value));
    CHECK(value == 33);
    __asm__ volatile("movq $55, %%gs:8" ::: "memory");
    CHECK(block[1] == 55);
    SHOW(syscall(SYS_arch_prctl, SET_GS, 0x8000000000000000));
    SHOW(syscall(SYS_arch_prctl, SET_FS, 0xffff800000000000));
    SHOW(syscall(SYS_arch_prctl, 0x9999, 0));
    SHOW(syscall(SYS_arch_prctl, SET_FS, fs));
    CHECK(local == 42 && all_are(zeroed, sizeof zeroed, 0));
    local++;
    zeroed[2999] = 5;
    errno = EXDEV; /* errno is thread-local, too. */
    CHECK(local == 43 && zeroed[2999] == 5 && errno == EXDEV);
    DONE();
}
