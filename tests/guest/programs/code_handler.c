/* A signal handler that repairs code: undefined instructions and breakpoints become others, and the program goes on. */
#include "code_jit.h"
#include <signal.h>
#include <ucontext.h>

static unsigned char *page;
static int seen;

static void patch(int number, siginfo_t *info, void *raw) {
    ucontext_t *context = raw;
    unsigned char *at = (unsigned char *)context->uc_mcontext.gregs[REG_RIP];
    (void)info;
    seen++;
    if (number == SIGTRAP) context->uc_mcontext.gregs[REG_RIP] = (greg_t)--at;
    emit(at, 100 * number + seen);
}

int main(void) {
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST((long)page);
    struct sigaction action = {.sa_sigaction = patch, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGTRAP, &action, NULL);
    for (int i = 0; i < 5; i++) {
        memcpy(page + 40, "\x0f\x0b\x90\x90\x90\x90", 6); /* ud2 */
        printf("%d ", run(page + 40));
        printf("%d\n", run(page + 40));
        page[40] = 0xcc; /* int3 */
        printf("%d ", run(page + 40));
        printf("%d\n", run(page + 40));
    }
    SHOW(seen);
    DONE();
}
