/* Locks of ranges between processes: they split, join, change their kind, and F_GETLK tells the first in the way. */
#include <sys/wait.h>
#include "check.h"

static int fd;

static int lock(int kind, int whence, off_t start, off_t length) {
    struct flock how = {.l_type = (short)kind, .l_whence = (short)whence, .l_start = start, .l_len = length};
    return fcntl(fd, F_SETLK, &how);
}

/* What another process finds: every lock that is in the way of a write lock, from the first byte on. */
static void show(const char *title) {
    printf("%s:", title);
    fflush(stdout);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        off_t at = 0;
        while (at < 1000) {
            struct flock how = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
            while (at < 1000 && fcntl(fd, F_GETLK, &how) == 0 && how.l_type == F_UNLCK) {
                how.l_type = F_WRLCK;
                how.l_start = ++at;
            }
            if (at >= 1000) break;
            printf(" %s %ld+%ld%s", how.l_type == F_RDLCK ? "read" : "write", (long)how.l_start, (long)how.l_len,
                   how.l_pid == getppid() && how.l_whence == SEEK_SET ? "" : " BAD");
            if (!how.l_len) break;
            at = how.l_start + how.l_len;
        }
        printf("\n");
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(void) {
    fd = make_file("file", 100, 1);
    struct flock how = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    SHOW(lock(F_WRLCK, SEEK_SET, 10, 10));
    show("one");
    SHOW(lock(F_WRLCK, SEEK_SET, 20, 5));
    show("joined");
    SHOW(lock(F_RDLCK, SEEK_SET, 12, 4));
    show("split by a read lock");
    SHOW(lock(F_UNLCK, SEEK_SET, 18, 2));
    show("a hole");
    SHOW(lock(F_WRLCK, SEEK_SET, 15, -3));
    show("a negative length");
    SHOW(lock(F_RDLCK, SEEK_SET, 30, 5));
    SHOW(lock(F_RDLCK, SEEK_SET, 40, 5));
    SHOW(lock(F_RDLCK, SEEK_SET, 33, 8));
    show("read locks joined");
    lseek(fd, 50, SEEK_SET);
    SHOW(lock(F_WRLCK, SEEK_CUR, 5, 5));
    SHOW(lock(F_WRLCK, SEEK_END, -5, 5));
    SHOW(lock(F_WRLCK, SEEK_END, 10, 0));
    show("from everywhere");
    SHOW(lock(F_UNLCK, SEEK_SET, 200, 10));
    show("cut out of the end");
    SHOW(lock(F_UNLCK, SEEK_SET, 0, 0));
    show("none");
    SHOW(lock(F_UNLCK, SEEK_SET, 0, 0));
    SHOW(lock(F_WRLCK, SEEK_SET, -1, 0));
    SHOW(lock(F_WRLCK, SEEK_SET, 1, -2));
    SHOW(lock(F_WRLCK, SEEK_SET, 0x7fffffffffffffff, 1));
    SHOW(lock(F_WRLCK, SEEK_SET, 0x7fffffffffffffff, 2));
    SHOW(lock(F_WRLCK, SEEK_END, 0x7fffffffffffffff, 1));
    SHOW(lock(7, SEEK_SET, -1, 0));
    how.l_type = F_UNLCK;
    SHOW(fcntl(fd, F_GETLK, &how));
    SHOW(fcntl(fd, F_GETLK, (void *)8));
    SHOW(fcntl(fd, F_SETLK, (void *)8));

    /* Another's locks: some that can be shared, some that cannot. */
    int go[2], told[2];
    char byte;
    MUST(pipe(go)), MUST(pipe(told));
    fflush(stdout);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        lock(F_RDLCK, SEEK_SET, 0, 10), lock(F_WRLCK, SEEK_SET, 20, 10);
        write(told[1], "x", 1);
        read(go[0], &byte, 1);
        _exit(0);
    }
    read(told[0], &byte, 1);
    SHOW(lock(F_RDLCK, SEEK_SET, 0, 20));
    SHOW(lock(F_WRLCK, SEEK_SET, 0, 1));
    SHOW(lock(F_RDLCK, SEEK_SET, 15, 6));
    SHOW(lock(F_WRLCK, SEEK_SET, 10, 10));
    how = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 100, .l_pid = 7};
    SHOW(fcntl(fd, F_GETLK, &how));
    CHECK(how.l_type == F_WRLCK && how.l_start == 20 && how.l_len == 10 && how.l_pid == child);
    how = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_CUR, .l_start = -20, .l_len = 10, .l_pid = 7};
    SHOW(fcntl(fd, F_GETLK, &how));
    CHECK(how.l_type == F_UNLCK && how.l_start == -20 && how.l_whence == SEEK_CUR && how.l_pid == 7);
    write(go[1], "x", 1);
    waitpid(child, NULL, 0);
    SHOW(lock(F_WRLCK, SEEK_SET, 0, 0));
    DONE();
}
