/* Extended attributes without a namespace, which no file system has: which error comes first. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))

#define NAME "nobody"
int main(void) {
    int fd = make_file("file", 10, 1);
    char value[16] = "value", long_name[300];
    MUST(symlink("file", "link"));
    memset(long_name, 'x', 299), long_name[299] = 0;
    CALL(setxattr, "file", NAME, value, 5, 0);
    CALL(lsetxattr, "link", NAME, value, 5, 0);
    CALL(fsetxattr, fd, NAME, value, 5, 0);
    CALL(setxattr, "file", NAME, value, 5, 4);
    CALL(setxattr, "file", "", value, 5, 0);
    CALL(setxattr, "file", long_name, value, 5, 0);
    CALL(setxattr, "file", NAME, value, 70000, 0);
    CALL(setxattr, "missing", NAME, value, 5, 0);
    CALL(getxattr, "file", NAME, value, 16);
    CALL(lgetxattr, "link", NAME, value, 16);
    CALL(fgetxattr, fd, NAME, value, 16);
    CALL(fgetxattr, 99, NAME, value, 16);
    CALL(getxattr, "missing", NAME, value, 16);
    CALL(removexattr, "file", NAME);
    CALL(lremovexattr, "link", NAME);
    CALL(fremovexattr, fd, NAME);
    CALL(removexattr, "missing", NAME);
    CHECK(syscall(SYS_listxattr, "file", NULL, 0) >= 0);
    CHECK(syscall(SYS_llistxattr, "link", NULL, 0) >= 0);
    CHECK(syscall(SYS_flistxattr, fd, NULL, 0) >= 0);
    CALL(listxattr, "missing", NULL, 0);
    CALL(llistxattr, "missing", NULL, 0);
    CALL(flistxattr, 99, NULL, 0);
    DONE();
}
