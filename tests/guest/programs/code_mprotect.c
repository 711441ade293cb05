/* Code that is written while a page is writable and run while it is executable, back and forth; and faults when it is not. */
#include "code_jit.h"
#include <setjmp.h>
#include <signal.h>

static sigjmp_buf back;

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    siglongjmp(back, number * 10 + info->si_code);
}

static void attempt(const void *at) {
    int fault = sigsetjmp(back, 1);
    if (!fault)
        printf("runs: %d\n", run(at));
    else
        printf("signal %d code %d\n", fault / 10, fault % 10);
}

static void store(unsigned char *at, unsigned char value) {
    int fault = sigsetjmp(back, 1);
    if (!fault) {
        *(volatile unsigned char *)at = value;
        puts("stored");
    } else
        printf("signal %d code %d\n", fault / 10, fault % 10);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    unsigned char *page = map_anonymous(PAGE);
    long wrong = 0;
    for (int i = 0; i < 20; i++) {
        MUST(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
        emit(page, i);
        MUST(mprotect(page, PAGE, PROT_READ | PROT_EXEC));
        wrong += run(page) != i;
    }
    SHOW(wrong);
    store(page + 1, 3);
    attempt(page);
    SHOW(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
    attempt(page);
    store(page + 1, 33);
    SHOW(mprotect(page, PAGE, PROT_EXEC));
    attempt(page);
    SHOW(mprotect(page, PAGE, PROT_NONE));
    attempt(page);
    SHOW(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    attempt(page);
    /* Other code at the same address: unmapped and mapped again, remapped, forgotten. */
    SHOW(munmap(page, PAGE));
    attempt(page);
    CHECK(mmap(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
    emit(page, 44);
    attempt(page);
    unsigned char *other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    emit(other, 55);
    attempt(other);
    CHECK(mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == page);
    attempt(page);
    attempt(other);
    SHOW(madvise(page, PAGE, MADV_DONTNEED));
    emit(page, 66);
    attempt(page);
    DONE();
}
