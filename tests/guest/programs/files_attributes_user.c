/* Extended attributes of users: set, read, listed and removed, by path, by link and by descriptor, where the file
 * system has them; else the same errors as the host's. */
#include "check.h"
#include <sys/xattr.h>
#define TEXT(call)                                                                              \
    do {                                                                                        \
        memset(value, 0, sizeof value);                                                         \
        errno = 0;                                                                              \
        ssize_t got = call;                                                                     \
        printf("%s: %ld %s %.40s\n", #call, (long)got, got < 0 ? error_name(errno) : "", value); \
    } while (0)
int main(void) {
    char value[70000], large[70000];
    int fd = make_file("file", 10, 1);
    memset(large, 'v', sizeof large);
    MUST(symlink("file", "link")), MUST(mkdir("directory", 0755)), MUST(mkfifo("fifo", 0644));
    SHOW(setxattr("file", "user.one", "first", 5, 0));
    SHOW(setxattr("link", "user.one", "second", 6, XATTR_REPLACE));
    SHOW(fsetxattr(fd, "user.two", "", 0, XATTR_CREATE));
    SHOW(fsetxattr(fd, "user.two", "x", 1, XATTR_CREATE));
    SHOW(setxattr("file", "user.three", "x", 1, XATTR_REPLACE));
    SHOW(setxattr("directory", "user.d", "of a directory", 14, 0));
    SHOW(setxattr("fifo", "user.f", "x", 1, 0));
    SHOW(lsetxattr("link", "user.l", "x", 1, 0));
    SHOW(setxattr("missing", "user.l", "x", 1, 0));
    SHOW(setxattr("file", "user.", "x", 1, 0));
    SHOW(setxattr("file", "nobody.x", "x", 1, 0));
    SHOW(setxattr("file", "user.huge", large, sizeof large, 0));
    TEXT(getxattr("file", "user.one", value, sizeof value));
    TEXT(getxattr("link", "user.one", value, 0));
    TEXT(getxattr("file", "user.one", value, 3));
    TEXT(lgetxattr("link", "user.one", value, 10));
    TEXT(fgetxattr(fd, "user.two", value, 10));
    TEXT(fgetxattr(fd, "user.nothing", value, 10));
    TEXT(getxattr("directory", "user.d", value, 100));
    TEXT(getxattr("fifo", "user.f", value, 100));
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    TEXT(getxattr(path, "user.one", value, 100));
    int looked = (int)MUST(open("file", O_PATH));
    TEXT(fgetxattr(looked, "user.one", value, 100));
    int reader = (int)MUST(open("file", O_RDONLY));
    SHOW(fsetxattr(reader, "user.three", "by a reader", 11, 0));
    TEXT(getxattr("file", "user.three", value, 100));
    /* Names, those of users only: others are the host's affair. */
    ssize_t count = flistxattr(fd, value, sizeof value);
    int users = 0, length = 0;
    for (char *at = value; at < value + count; at += strlen(at) + 1)
        if (!strncmp(at, "user.", 5)) users++, length += (int)strlen(at) + 1;
    printf("%d names of %d bytes\n", users, length);
    CHECK(listxattr("file", NULL, 0) == count);
    CHECK(llistxattr("file", value, 1) == -1 ? errno == ERANGE : count == 0);
    SHOW(removexattr("link", "user.one"));
    SHOW(removexattr("file", "user.one"));
    SHOW(fremovexattr(fd, "user.two"));
    SHOW(lremovexattr("link", "user.one"));
    SHOW(lremovexattr("file", "user.three"));
    /* What has no name any more still has its attributes. */
    SHOW(fsetxattr(fd, "user.last", "kept", 4, 0));
    MUST(unlink("file"));
    TEXT(fgetxattr(fd, "user.last", value, 100));
    SHOW(fsetxattr(1, "user.out", "x", 1, XATTR_CREATE | XATTR_REPLACE | 4));
    int ends[2];
    MUST(pipe(ends));
    TEXT(fgetxattr(99, "user.out", value, 100));
    DONE();
}
