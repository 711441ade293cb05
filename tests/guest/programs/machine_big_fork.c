/* A process of 100 MB that forks, or with "no" does not: the child ends at once, or with "write" writes a page first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 100 << 20, PAGE = 4096 };

int main(int argc, char **argv) {
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long at = 0; at < SIZE; at += PAGE) memory[at] = (char)(at / PAGE);
    if (argc < 2 || strcmp(argv[1], "no") != 0) {
        pid_t pid = fork();
        if (pid == 0) {
            if (argc > 1) memory[SIZE / 2] = 'x';
            _exit(memory[SIZE / 2 + PAGE] == (char)(SIZE / 2 / PAGE + 1) ? 0 : 1);
        }
        int status;
        if (waitpid(pid, &status, 0) != pid || status != 0) return 1;
    }
    printf("%d\n", memory[SIZE / 2]);
    return 0;
}
