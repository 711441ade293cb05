/* pidfd_getfd(2): another process's open files. */
#include "check.h"
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int get(int pidfd, int fd, unsigned flags) { return (int)syscall(SYS_pidfd_getfd, pidfd, fd, flags); }

int main(void) {
    int pair[2], go[2], status;
    char byte, text[16] = "";
    MUST(pipe(pair)), MUST(pipe(go));
    fflush(stdout);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
        dup2(fd, 77);
        write(fd, "from the child", 14);
        write(pair[1], "x", 1);
        read(go[0], &byte, 1);
        _exit(lseek(fd, 0, SEEK_CUR) == 4 ? 0 : 1);
    }
    read(pair[0], &byte, 1);
    int pidfd = (int)MUST(syscall(SYS_pidfd_open, child, 0));
    int mine = (int)MUST(get(pidfd, 77, 0));
    SHOW(fcntl(mine, F_GETFD));
    SHOW(lseek(mine, 0, SEEK_CUR));
    SHOW(pread(mine, text, 14, 0));
    puts(text);
    SHOW(lseek(mine, 4, SEEK_SET)); /* The position is shared. */
    SHOW(get(pidfd, 78, 0));
    SHOW(get(pidfd, 77, 1));
    SHOW(get(mine, 77, 0));
    SHOW(get(99, 77, 0));
    write(go[1], "x", 1);
    waitpid(child, &status, 0);
    SHOW(status);
    SHOW(get(pidfd, 77, 0));
    int own = (int)MUST(syscall(SYS_pidfd_open, getpid(), 0));
    SHOW(get(own, 1, 0) > 2);
    DONE();
}
