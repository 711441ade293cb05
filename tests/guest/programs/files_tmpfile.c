/* O_TMPFILE: a file without a name, which may get one. */
#include "check.h"

int main(void) {
    struct stat s;
    char path[64];
    MUST(mkdir("dir", 0755));
    int fd = open("dir", O_TMPFILE | O_RDWR, 0640);
    MUST(fd);
    SHOW(write(fd, "nameless", 8));
    SHOW(fstat(fd, &s));
    printf("mode %o links %ld size %ld\n", s.st_mode, (long)s.st_nlink, (long)s.st_size);
    SHOW(rmdir("dir")); /* Nothing is in it. */
    MUST(mkdir("dir", 0755));
    fd = (int)MUST(open("dir", O_TMPFILE | O_RDWR, 0640));
    SHOW(write(fd, "nameless", 8));
    sprintf(path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "dir/named", AT_SYMLINK_FOLLOW));
    SHOW(fstat(fd, &s));
    printf("links %ld\n", (long)s.st_nlink);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "dir/named", AT_SYMLINK_FOLLOW));
    char text[16] = "";
    int again = (int)MUST(open("dir/named", O_RDONLY));
    SHOW(read(again, text, 15));
    puts(text);
    int kept = (int)MUST(open("dir", O_TMPFILE | O_RDWR | O_EXCL, 0600)); /* May never get a name. */
    sprintf(path, "/proc/self/fd/%d", kept);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "dir/never", AT_SYMLINK_FOLLOW));
    SHOW(open("dir", O_TMPFILE | O_RDONLY, 0600));
    SHOW(open("dir/named", O_TMPFILE | O_RDWR, 0600));
    SHOW(open("missing", O_TMPFILE | O_RDWR, 0600));
    FILE *file = tmpfile(); /* The C library's, in /tmp. */
    CHECK(file && fputs("temporary", file) >= 0 && ftell(file) == 9);
    DONE();
}
