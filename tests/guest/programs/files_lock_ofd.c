/* Locks of open file descriptions: shared by dup and fork, in the way of each other and of a process's own. */
#include "check.h"
#include <sys/wait.h>

static int set(int fd, int command, int kind, off_t start, off_t length) {
    struct flock how = {.l_type = (short)kind, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &how);
}

int main(void) {
    int first = make_file("file", 100, 1), second = (int)MUST(open("file", O_RDWR)), copy = dup(first), status;
    struct flock how = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
    SHOW(set(first, F_OFD_SETLK, F_WRLCK, 10, 10));
    SHOW(set(second, F_OFD_SETLK, F_RDLCK, 15, 1));
    SHOW(set(second, F_SETLK, F_RDLCK, 15, 1));
    SHOW(set(copy, F_OFD_SETLK, F_RDLCK, 10, 10));
    SHOW(set(second, F_OFD_SETLK, F_RDLCK, 15, 1));
    SHOW(set(copy, F_OFD_SETLK, F_WRLCK, 10, 10));
    SHOW(fcntl(second, F_OFD_GETLK, &how));
    CHECK(how.l_type == F_RDLCK && how.l_start == 10 && how.l_len == 10 && how.l_pid == -1);
    how = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
    SHOW(fcntl(first, F_GETLK, &how));
    CHECK(how.l_type == F_RDLCK && how.l_pid == -1);
    how.l_pid = 5;
    SHOW(fcntl(first, F_OFD_GETLK, &how));
    SHOW(fcntl(first, F_OFD_SETLK, &how));
    close(copy);
    close(open("file", O_RDONLY));
    SHOW(set(second, F_OFD_SETLK, F_WRLCK, 12, 1));
    fflush(stdout);
    if (!fork()) {
        SHOW(set(first, F_OFD_SETLK, F_RDLCK, 30, 10)); /* The same description. */
        SHOW(set(second, F_OFD_SETLK, F_WRLCK, 30, 10));
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
    SHOW(set(second, F_OFD_SETLK, F_WRLCK, 30, 10));
    fflush(stdout);
    if (!fork()) {
        usleep(5000);
        set(first, F_OFD_SETLK, F_UNLCK, 30, 10);
        _exit(0);
    }
    SHOW(set(second, F_OFD_SETLKW, F_WRLCK, 30, 10));
    wait(&status);
    close(first);
    SHOW(set(second, F_OFD_SETLKW, F_WRLCK, 0, 0));
    int reader = (int)MUST(open("file", O_RDONLY));
    SHOW(set(reader, F_OFD_SETLK, F_WRLCK, 0, 1));
    SHOW(set(reader, F_OFD_SETLK, F_RDLCK, 0, 1));
    SHOW(fcntl(second, 1025 /* F_GETLEASE */) == F_UNLCK);
    SHOW(set(99, F_OFD_SETLK, F_RDLCK, 0, 1));
    DONE();
}
