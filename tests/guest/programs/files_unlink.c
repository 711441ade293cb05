/* Files live as long as something has them open. */
#include "check.h"

int main(void) {
    struct stat s;
    char text[16] = "";
    int fd = make_file("data", 0, 0);
    SHOW(write(fd, "still here", 10));
    SHOW(unlink("data"));
    SHOW(unlink("data"));
    SHOW(open("data", O_RDONLY));
    SHOW(pread(fd, text, 15, 0));
    puts(text);
    SHOW(fstat(fd, &s));
    printf("links %ld size %ld\n", (long)s.st_nlink, (long)s.st_size);
    SHOW(write(fd, " and growing", 12));
    SHOW(lseek(fd, 0, SEEK_END));
    int other = make_file("data", 3, 1); /* The name is another file's now. */
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(lseek(other, 0, SEEK_END));
    SHOW(link("data", "second"));
    SHOW(fstat(other, &s));
    printf("links %ld\n", (long)s.st_nlink);
    SHOW(unlink("data"));
    SHOW(fstat(other, &s));
    printf("links %ld\n", (long)s.st_nlink);
    SHOW(rename("second", "third"));
    SHOW(write(other, "moved", 5));
    SHOW(stat("third", &s));
    printf("size %ld\n", (long)s.st_size);
    SHOW(unlink("third/"));
    SHOW(mkdir("dir", 0755));
    SHOW(unlink("dir"));
    SHOW(unlinkat(AT_FDCWD, "dir", AT_REMOVEDIR));
    SHOW(unlinkat(AT_FDCWD, "third", AT_REMOVEDIR));
    SHOW(unlinkat(AT_FDCWD, "third", 0x8000));
    SHOW(unlink(""));
    SHOW(unlink("missing/x"));
    SHOW(symlink("third", "link"));
    SHOW(unlink("link"));
    SHOW(access("third", F_OK));
    DONE();
}
