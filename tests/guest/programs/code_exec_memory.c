/* Two programs with different code at the same addresses: after execve it is the new one's; and code that a parent patched
 * in its own text does not reach its children's programs. */
#include "code_jit.h"
#include <sys/wait.h>

__attribute__((noinline, aligned(64))) static int constant(void) {
    __asm__ volatile("");
    return 1234;
}

int main(int argc, char **argv) {
    volatile function call = constant;
    if (argc > 1) {
        printf("%s: %d\n", argv[1], call());
        return 0;
    }
    printf("first: %d\n", call());
    unsigned char *text = (unsigned char *)((uintptr_t)call & -PAGE);
    SHOW(mprotect(text, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    void *place;
    function target = call;
    memcpy(&place, &target, sizeof place);
    emit(place, 4321);
    printf("patched: %d\n", call());
    SHOW(mprotect(text, 2 * PAGE, PROT_READ | PROT_EXEC));
    printf("protected: %d\n", call());
    fflush(stdout);
    if (fork() == 0) {
        printf("child: %d\n", call());
        fflush(stdout);
        execl(argv[0], argv[0], "new program", (char *)NULL);
    }
    wait(NULL);
    SHOW(madvise(text, 2 * PAGE, MADV_DONTNEED));
    printf("forgotten: %d\n", call());
    DONE();
}
