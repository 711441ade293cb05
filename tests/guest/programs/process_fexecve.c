/* run: named
 * run: removed
 * run: memory
 * run: script
 * run: directory
 * builds: static
 * Programs that are executed through a descriptor: of a file, of one that has no name any more, of memory. */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
extern char **environ;
enum { AT = 30 };
static void execute(int fd, int flags, const char *word) {
    char *arguments[] = {"called", (char *)word, NULL};
    fflush(stdout);
    if (!MUST(fork())) {
        syscall(SYS_execveat, fd, "", arguments, environ, flags);
        printf("%s: %s\n", word, error_name(errno));
        exit(7);
    }
    int status;
    MUST(wait(&status));
    printf("status %#x\n", status);
}
static void execute_at(int fd, const char *path, const char *word) {
    char *arguments[] = {"called", (char *)word, NULL};
    fflush(stdout);
    if (!MUST(fork())) {
        syscall(SYS_execveat, fd, path, arguments, environ, 0);
        printf("%s: %s\n", word, error_name(errno));
        exit(7);
    }
    int status;
    MUST(wait(&status));
    printf("status %#x\n", status);
}
static int copy_to(int fd) {
    int from = (int)MUST(open("/proc/self/exe", O_RDONLY));
    struct stat st;
    MUST(fstat(from, &st));
    for (off_t left = st.st_size; left > 0;) left -= MUST(sendfile(fd, from, NULL, (size_t)left));
    close(from);
    return fd;
}
static void reopened(const char *name) { /* Read-only, so that nobody is writing to it. */
    int fd = copy_to((int)MUST(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755)));
    close(fd);
    fd = (int)MUST(open(name, O_RDONLY | O_CLOEXEC));
    MUST(dup3(fd, AT, O_CLOEXEC));
    close(fd);
}
static void report(void) {
    char text[300] = "", *base;
    printf("called %s\n", (char *)getauxval(AT_EXECFN));
    ssize_t count = readlink("/proc/self/exe", text, sizeof text - 1);
    if (count > 0) text[count] = 0;
    base = strrchr(text, '/');
    printf("from %s\n", base ? base + 1 : text);
    int fd = (int)MUST(open("/proc/self/comm", O_RDONLY));
    memset(text, 0, sizeof text);
    MUST(read(fd, text, sizeof text - 1));
    printf("named %s", text);
    SHOW(fcntl(AT, F_GETFD));
}
int main(int argc, char **argv) {
    if (!strcmp(argv[1], "report")) return report(), 0;
    (void)argc;
    if (!strcmp(argv[1], "named")) {
        reopened("a-program-with-a-long-name");
        execute(AT, AT_EMPTY_PATH, "report");
        execute(AT, 0, "no flag");
        execute(99, AT_EMPTY_PATH, "no file");
        MUST(chmod("a-program-with-a-long-name", 0644));
        execute(AT, AT_EMPTY_PATH, "no permission");
        MUST(dup2((int)MUST(open(".", O_RDONLY)), 31));
        execute(31, AT_EMPTY_PATH, "a directory");
        MUST(unlink("a-program-with-a-long-name"));
    } else if (!strcmp(argv[1], "removed")) {
        reopened("gone");
        MUST(unlink("gone"));
        execute(AT, AT_EMPTY_PATH, "report");
    } else if (!strcmp(argv[1], "directory")) { /* A script's interpreter finds it through the descriptor. */
        int fd = (int)MUST(open("script", O_WRONLY | O_CREAT, 0755));
        MUST(write(fd, "#!/bin/echo of\n", 15));
        close(fd);
        reopened("program");
        MUST(dup2((int)MUST(open(".", O_RDONLY)), AT));
        execute_at(AT, "script", "kept");
        execute_at(AT, "program", "report");
        MUST(fcntl(AT, F_SETFD, FD_CLOEXEC));
        execute_at(AT, "script", "closed");
        execute_at(AT, "program", "report");
        execute_at(AT_FDCWD, "script", "from here");
        execute_at(-7, "/bin/echo", "absolute");
        fd = (int)MUST(open("script", O_WRONLY | O_TRUNC));
        MUST(write(fd, "#!", 2));
        close(fd);
        execute_at(AT_FDCWD, "script", "no interpreter");
        MUST(unlink("program"));
    } else if (!strcmp(argv[1], "memory")) {
        int fd = (int)MUST(syscall(SYS_memfd_create, "made", 1));
        MUST(dup3(fd, AT, O_CLOEXEC));
        close(fd);
        execute(AT, AT_EMPTY_PATH, "empty");
        copy_to(AT);
        execute(AT, AT_EMPTY_PATH, "report");
        MUST(fchmod(AT, 0600));
        execute(AT, AT_EMPTY_PATH, "no permission");
    } else {
        int fd = (int)MUST(syscall(SYS_memfd_create, "script", 0));
        MUST(write(fd, "#!/bin/echo of\n", 15));
        MUST(dup2(fd, AT));
        execute(AT, AT_EMPTY_PATH, "kept");
        MUST(fcntl(AT, F_SETFD, FD_CLOEXEC));
        execute(AT, AT_EMPTY_PATH, "closed");
    }
    DONE();
}
