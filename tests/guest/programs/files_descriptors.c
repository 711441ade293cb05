/* dup, dup2, dup3, fcntl, close_range: descriptors, their flags, and their limit. */
#include "check.h"
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

int main(void) {
    int fd = make_file("file", 100, 1);
    printf("%d\n", fd);
    SHOW(dup(fd));
    SHOW(dup2(fd, 10));
    SHOW(dup2(fd, fd));
    SHOW(dup2(99, 10));
    SHOW(dup2(99, 99));
    SHOW(dup2(fd, -1));
    SHOW(dup3(fd, 11, O_CLOEXEC));
    SHOW(dup3(fd, fd, 0));
    SHOW(dup3(fd, 12, O_APPEND));
    SHOW(fcntl(10, F_GETFD));
    SHOW(fcntl(11, F_GETFD));
    SHOW(fcntl(10, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(10, F_GETFD));
    SHOW(fcntl(fd, F_GETFD)); /* The flag is the descriptor's, not the file's. */
    SHOW(fcntl(fd, F_DUPFD, 20));
    SHOW(fcntl(fd, F_DUPFD, 20));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 5));
    SHOW(fcntl(5, F_GETFD));
    SHOW(fcntl(fd, F_DUPFD, -1));
    SHOW(fcntl(fd, F_DUPFD, 1 << 30));
    SHOW(lseek(20, 30, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(close(20));
    SHOW(lseek(21, 0, SEEK_CUR));
    SHOW(fcntl(99, F_GETFD));
    SHOW(fcntl(fd, 12345));
    SHOW(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    SHOW(fcntl(fd, F_SETFL, O_NONBLOCK | O_RDONLY));
    SHOW(fcntl(21, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    SHOW(ioctl(fd, FIOCLEX));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(ioctl(fd, FIONCLEX));
    SHOW(ioctl(fd, TIOCGWINSZ, (char[64]){0}));
    SHOW(isatty(fd));
    int available = 0;
    SHOW(ioctl(fd, FIONREAD, &available));
    printf("%d\n", available);
    SHOW(syscall(SYS_close_range, 10, 25, 0));
    SHOW(fcntl(10, F_GETFD));
    SHOW(fcntl(21, F_GETFD));
    struct rlimit limit = {8, 8};
    struct rlimit old;
    MUST(getrlimit(RLIMIT_NOFILE, &old));
    limit.rlim_max = old.rlim_max;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    SHOW(dup(fd));
    SHOW(dup(fd));
    SHOW(dup(fd));
    SHOW(open("file", O_RDONLY));
    SHOW(dup2(fd, 8));
    SHOW(fcntl(fd, F_DUPFD, 8));
    SHOW(setrlimit(RLIMIT_NOFILE, &old));
    SHOW(dup(fd));
    DONE();
}
