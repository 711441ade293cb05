/* O_PATH: a descriptor that names a place and can do little else. */
#include "check.h"

int main(void) {
    struct stat s;
    char text[64];
    close(make_file("file", 10, 1));
    MUST(mkdir("dir", 0755));
    close(make_file("dir/inside", 20, 1));
    MUST(symlink("file", "link"));
    int fd = (int)MUST(open("file", O_PATH));
    SHOW(read(fd, text, 1));
    SHOW(write(fd, text, 1));
    SHOW(pread(fd, text, 1, 0));
    SHOW(fchmod(fd, 0600));
    SHOW(ftruncate(fd, 0));
    SHOW(fsync(fd));
    SHOW(fstat(fd, &s));
    printf("size %ld\n", (long)s.st_size);
    SHOW(fcntl(fd, F_GETFL) & O_PATH ? 1 : 0);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(dup(fd));
    int dir = (int)MUST(open("dir", O_PATH | O_DIRECTORY));
    SHOW(openat(dir, "inside", O_RDONLY));
    SHOW(fstatat(dir, "inside", &s, 0));
    SHOW(faccessat(dir, "inside", R_OK, 0));
    SHOW(mkdirat(dir, "made", 0755));
    SHOW(unlinkat(dir, "made", AT_REMOVEDIR));
    SHOW(open("file", O_PATH | O_DIRECTORY));
    SHOW(open("missing", O_PATH));
    SHOW(open("missing", O_PATH | O_CREAT, 0644)); /* O_CREAT is ignored. */
    int link = (int)MUST(open("link", O_PATH | O_NOFOLLOW));
    SHOW(fstat(link, &s));
    CHECK(S_ISLNK(s.st_mode));
    sprintf(text, "/proc/self/fd/%d", fd);
    int opened = open(text, O_RDONLY); /* From the place to the file. */
    CHECK(opened >= 0 && read(opened, text, 64) == 10);
    DONE();
}
