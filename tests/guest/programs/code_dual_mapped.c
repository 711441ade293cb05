/* A memfd that is mapped twice, writable here and executable there: code changes through the one and runs through the other,
 * as just-in-time compilers do. The same with a file, a System V segment and anonymous shared memory. */
#include "code_jit.h"
#include <sys/shm.h>
#include <sys/wait.h>

static void use(const char *what, unsigned char *writer, unsigned char *runner) {
    MUST((long)writer), MUST((long)runner);
    long wrong = 0;
    for (int i = 0; i < 30; i++) {
        emit(writer + i * 16, i);
        wrong += run(runner + i * 16) != i;
        emit(writer, 1000 + i);
        wrong += run(runner) != 1000 + i;
    }
    emit(writer + PAGE - 3, 77);
    wrong += run(runner + PAGE - 3) != 77;
    emit(writer + PAGE - 3, 78);
    wrong += run(runner + PAGE - 3) != 78;
    fflush(stdout);
    pid_t pid = (pid_t)MUST(fork());
    if (!pid) { /* Another process changes it ... */
        wrong = run(runner) != 1029;
        emit(writer, 5);
        _exit(wrong || run(runner) != 5);
    }
    int status;
    waitpid(pid, &status, 0);
    printf("%s: wrong %ld child %d now %d\n", what, wrong, status, run(runner));
}

static void views(const char *what, int fd) {
    MUST(ftruncate(fd, 2 * PAGE));
    unsigned char *writer = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char *runner = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    use(what, writer, runner);
    unsigned char code[FUNCTION_BYTES];
    emit(code, 99);
    MUST(pwrite(fd, code, sizeof code, 0));
    printf("written by a call: %d\n", run(runner));
    MUST(ftruncate(fd, 0));
    MUST(ftruncate(fd, 2 * PAGE));
    emit(writer, 98);
    printf("cut and grown: %d\n", run(runner));
}

int main(void) {
    views("memfd", (int)MUST(memfd_create("code", 0)));
    views("file", make_file("file", 0, 0));
    int id = (int)MUST(shmget(IPC_PRIVATE, 2 * PAGE, 0700));
    unsigned char *writer = shmat(id, NULL, 0);
    unsigned char *runner = shmat(id, NULL, SHM_RDONLY | SHM_EXEC);
    MUST(shmctl(id, IPC_RMID, NULL));
    use("segment", writer, runner);
    writer = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    runner = mremap(writer, 0, 2 * PAGE, MREMAP_MAYMOVE);
    SHOW(mprotect(runner, 2 * PAGE, PROT_READ | PROT_EXEC));
    use("anonymous", writer, runner);
    DONE();
}
