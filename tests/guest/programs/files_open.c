/* open(2): flags, what they create, what they refuse. */
#include "check.h"
#include <sys/syscall.h>

static void mode_of(const char *name) {
    struct stat s;
    if (stat(name, &s))
        printf("%s: %s\n", name, error_name(errno));
    else
        printf("%s: mode %o size %ld links %ld\n", name, s.st_mode, (long)s.st_size, (long)s.st_nlink);
}

int main(void) {
    SHOW(open("file", O_RDONLY));
    SHOW(open("file", O_RDWR | O_CREAT, 0666));
    mode_of("file");
    SHOW(open("file", O_RDWR | O_CREAT | O_EXCL, 0666));
    SHOW(write(3, "hello world", 11));
    SHOW(open("file", O_WRONLY | O_TRUNC));
    mode_of("file");
    SHOW(write(4, "abc", 3));
    SHOW(read(4, (char[4]){0}, 4));
    SHOW(open("file", O_RDONLY));
    SHOW(write(5, "abc", 3));
    SHOW(open("file", O_DIRECTORY));
    SHOW(open("file/", O_RDONLY));
    SHOW(open("file/x", O_RDONLY));
    SHOW(open("file/..", O_RDONLY));
    SHOW(open("missing/x", O_RDWR | O_CREAT, 0644));
    SHOW(open("", O_RDONLY));
    SHOW(open(".", O_RDWR));
    SHOW(open(".", O_RDONLY | O_CREAT, 0644));
    SHOW(open("new/", O_RDWR | O_CREAT, 0644));
    SHOW(mkdir("dir", 0755));
    SHOW(open("dir", O_WRONLY));
    SHOW(open("dir", O_RDONLY | O_DIRECTORY));
    SHOW(read(6, (char[4]){0}, 4));
    SHOW(openat(6, "inside", O_RDWR | O_CREAT | O_TRUNC, 0600));
    mode_of("dir/inside");
    SHOW(openat(7, "x", O_RDONLY));
    SHOW(openat(99, "x", O_RDONLY));
    SHOW(openat(99, "", O_RDONLY));
    SHOW(symlink("file", "link"));
    SHOW(symlink("nowhere", "dangling"));
    SHOW(open("link", O_RDONLY | O_NOFOLLOW));
    SHOW(open("link", O_RDONLY));
    SHOW(open("dangling", O_RDONLY));
    SHOW(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0644));
    SHOW(open("dangling", O_RDWR | O_CREAT, 0640));
    mode_of("nowhere");
    SHOW(umask(077));
    SHOW(open("private", O_RDWR | O_CREAT, 0777));
    mode_of("private");
    SHOW(umask(022));
    SHOW(close(3));
    SHOW(close(3));
    SHOW(open("file", O_RDONLY | O_CLOEXEC)); /* The lowest free number. */
    SHOW(fcntl(3, F_GETFD));
    SHOW(fcntl(3, F_GETFL) & ~O_LARGEFILE);
    SHOW(fcntl(4, F_GETFL) & O_ACCMODE);
    SHOW(syscall(SYS_creat, "created", 0644));
    SHOW(open("file", 3)); /* Neither reading nor writing. */
    SHOW(read(dup(11), (char[4]){0}, 4));
    SHOW(syscall(SYS_close, -1));
    DONE();
}
