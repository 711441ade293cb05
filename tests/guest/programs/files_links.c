/* Hard and symbolic links: what they show, what they refuse, loops and long chains. */
#include "check.h"

int main(void) {
    struct stat s, t;
    char text[64];
    close(make_file("file", 10, 1));
    SHOW(symlink("file", "soft"));
    SHOW(symlink("file", "soft"));
    SHOW(symlink("", "empty"));
    memset(text, 0, sizeof text);
    SHOW(readlink("soft", text, sizeof text));
    puts(text);
    SHOW(readlink("soft", text, 2));
    SHOW(readlink("file", text, sizeof text));
    SHOW(readlink("missing", text, sizeof text));
    SHOW(readlink("soft", text, 0));
    SHOW(lstat("soft", &s));
    printf("mode %o size %ld\n", s.st_mode, (long)s.st_size);
    SHOW(stat("soft", &s));
    printf("mode %o size %ld\n", s.st_mode, (long)s.st_size);
    SHOW(link("file", "hard"));
    MUST(stat("file", &s));
    MUST(stat("hard", &t));
    CHECK(s.st_ino == t.st_ino && s.st_dev == t.st_dev && s.st_nlink == 2);
    SHOW(link("file", "hard"));
    SHOW(link("missing", "x"));
    SHOW(link(".", "x"));
    SHOW(link("soft", "hard to soft"));
    MUST(lstat("hard to soft", &s));
    CHECK(S_ISLNK(s.st_mode));
    SHOW(linkat(AT_FDCWD, "soft", AT_FDCWD, "hard to file", AT_SYMLINK_FOLLOW));
    MUST(lstat("hard to file", &s));
    CHECK(S_ISREG(s.st_mode) && s.st_nlink == 3);
    SHOW(linkat(AT_FDCWD, "soft", AT_FDCWD, "x", 0x2000));
    SHOW(symlink("loop1", "loop2"));
    SHOW(symlink("loop2", "loop1"));
    SHOW(open("loop1", O_RDONLY));
    SHOW(stat("loop1", &s));
    SHOW(lstat("loop1", &s));
    SHOW(open("loop1/x", O_RDONLY));
    SHOW(symlink("self/self", "self"));
    SHOW(access("self", F_OK));
    SHOW(symlink("file", "chain0"));
    for (int i = 1; i <= 41; i++) {
        char from[16], to[16];
        sprintf(from, "chain%d", i - 1);
        sprintf(to, "chain%d", i);
        MUST(symlink(from, to));
    }
    SHOW(access("chain38", F_OK));
    SHOW(access("chain39", F_OK));
    SHOW(access("chain40", F_OK));
    SHOW(mkdir("dir", 0755));
    SHOW(symlink("../file", "dir/up"));
    SHOW(access("dir/up", R_OK));
    SHOW(symlink("dir", "to dir"));
    SHOW(access("to dir/up", R_OK));
    SHOW(access("to dir/../file", R_OK));
    SHOW(rmdir("to dir"));
    SHOW(mkdir("to dir", 0755));
    SHOW(lstat("to dir/", &s)); /* The slash goes through the link. */
    CHECK(S_ISDIR(s.st_mode));
    int fd = (int)MUST(open("soft", O_PATH | O_NOFOLLOW));
    SHOW(readlinkat(fd, "", text, sizeof text));
    SHOW(linkat(fd, "", AT_FDCWD, "from fd", 0));
    DONE();
}
