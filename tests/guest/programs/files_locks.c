/* Record locks of one process: never in its own way; and their errors. */
#include "check.h"
#include <sys/file.h>

int main(void) {
    int fd = make_file("file", 100, 1), reader = (int)MUST(open("file", O_RDONLY));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    SHOW(fcntl(fd, F_SETLK, &lock));
    lock.l_start = 5;
    SHOW(fcntl(fd, F_GETLK, &lock));
    printf("type %d\n", lock.l_type == F_UNLCK);
    lock.l_type = F_RDLCK;
    SHOW(fcntl(fd, F_SETLKW, &lock));
    lock.l_type = F_UNLCK;
    SHOW(fcntl(fd, F_SETLK, &lock));
    lock.l_type = F_WRLCK;
    SHOW(fcntl(reader, F_SETLK, &lock));
    lock.l_type = 77;
    SHOW(fcntl(fd, F_SETLK, &lock));
    lock.l_type = F_RDLCK;
    lock.l_whence = 9;
    SHOW(fcntl(fd, F_SETLK, &lock));
    SHOW(fcntl(99, F_SETLK, &lock));
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    SHOW(posix_fadvise(fd, 0, 100, POSIX_FADV_WILLNEED));
    SHOW(posix_fadvise(fd, 0, 100, 99));
    DONE();
}
