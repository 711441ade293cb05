/* After a fork each side changes the code that both have run, and runs its own; then the child of a child. */
#include "code_jit.h"
#include <sys/wait.h>

int main(void) {
    unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST((long)page);
    emit(page, 1);
    emit(page + 64, 11);
    printf("%d %d\n", run(page), run(page + 64));
    int ask[2], answer[2];
    char go = 0;
    MUST(pipe(ask)), MUST(pipe(answer));
    fflush(stdout);
    pid_t pid = (pid_t)MUST(fork());
    if (!pid) {
        int bad = run(page) != 1;
        emit(page, 2);
        bad += run(page) != 2 || run(page + 64) != 11;
        write(answer[1], &go, 1);
        read(ask[0], &go, 1);
        bad += run(page) != 2;
        pid_t inner = fork();
        if (!inner) {
            emit(page + 64, 33);
            _exit(run(page + 64) != 33 || run(page) != 2);
        }
        int status;
        waitpid(inner, &status, 0);
        _exit(bad * 2 + (run(page + 64) != 11) + status);
    }
    read(answer[0], &go, 1);
    printf("parent still %d\n", run(page));
    emit(page, 3);
    printf("parent now %d\n", run(page));
    write(ask[1], &go, 1);
    int status;
    waitpid(pid, &status, 0);
    printf("child %d parent %d %d\n", status, run(page), run(page + 64));
    DONE();
}
