/* Whose a lock of a range is: not a child's, gone with any descriptor of the file, kept by exec. */
#include "check.h"
#include <sys/wait.h>

static int set(int fd, int kind) {
    struct flock how = {.l_type = (short)kind, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    return fcntl(fd, F_SETLK, &how);
}

static int held_by_other(int fd, pid_t *who) {
    struct flock how = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    fcntl(fd, F_GETLK, &how);
    if (who) *who = how.l_pid;
    return how.l_type != F_UNLCK;
}

/* Whether another process finds the file locked. */
static int locked(void) {
    int status;
    fflush(stdout);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        int fd = open("file", O_RDWR);
        _exit(held_by_other(fd, NULL));
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

int main(int count, char **arguments) {
    if (count > 1) {
        printf("after exec\n");
        CHECK(locked());
        close(atoi(arguments[1]));
        CHECK(!locked());
        return 0;
    }
    int fd = make_file("file", 100, 1), status;
    MUST(link("file", "other name"));
    MUST(set(fd, F_WRLCK));
    CHECK(locked());
    close(dup(fd));
    CHECK(!locked());
    MUST(set(fd, F_WRLCK));
    close(open("other name", O_RDONLY));
    CHECK(!locked());
    MUST(set(fd, F_WRLCK));
    close(open("file", O_PATH));
    CHECK(locked());
    int elsewhere = make_file("another", 10, 1);
    close(elsewhere);
    CHECK(locked());
    MUST(dup2(MUST(open("file", O_RDONLY)), fd + 10));
    CHECK(locked());
    MUST(dup2(fd, fd + 10));
    CHECK(!locked());
    MUST(set(fd, F_WRLCK));

    fflush(stdout);
    if (!fork()) {
        pid_t who;
        CHECK(held_by_other(fd, &who) && who == getppid());
        SHOW(set(fd, F_RDLCK));
        SHOW(set(fd, F_UNLCK)); /* It is not the child's to give up. */
        close(fd);
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
    CHECK(locked());
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        int own = open("file", O_RDWR);
        struct flock how = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 50, .l_len = 10};
        _exit(fcntl(own, F_SETLK, &how) ? 1 : 0);
    }
    waitpid(child, &status, 0);
    SHOW(status);
    struct flock how = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 50, .l_len = 10};
    SHOW(fcntl(fd, F_SETLK, &how)); /* The child has ended. */
    char number[12];
    snprintf(number, sizeof number, "%d", fd);
    fflush(stdout);
    execl("/proc/self/exe", "files_lock_close", number, NULL);
    return 1;
}
