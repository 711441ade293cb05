/* mknod for what needs no privilege, and the calls that change owners and modes by name. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/sysmacros.h>
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
static void kind(const char *name) {
    struct stat status;
    MUST(lstat(name, &status));
    printf("  %o\n", status.st_mode);
}
int main(void) {
    CALL(mknod, "fifo", S_IFIFO | 0622, 0);
    kind("fifo");
    CALL(mknod, "plain", 0644, 0);
    kind("plain");
    CALL(mknod, "socket", S_IFSOCK | 0700, 0);
    kind("socket");
    CALL(mknod, "plain", S_IFREG | 0644, 0);
    CALL(mknod, "plain", S_IFBLK | 0644, 0x103);
    CALL(mknod, "whiteout", S_IFCHR | 0640, 0);
    kind("whiteout");
    SHOW(open("whiteout", O_RDONLY));
    SHOW(open("whiteout", O_RDWR | O_CREAT, 0600));
    SHOW(open("whiteout", O_PATH) >= 0);
    SHOW(access("whiteout", R_OK));
    SHOW(unlink("whiteout"));
    CALL(mknodat, AT_FDCWD, "missing/whiteout", S_IFCHR | 0600, 0);
    CALL(mknod, "directory", S_IFDIR | 0755, 0);
    CALL(mknod, "odd", 0170644, 0);
    CALL(mknodat, AT_FDCWD, "missing/fifo", S_IFIFO | 0622, 0);
    CALL(mknodat, 99, "fifo2", S_IFIFO | 0622, 0);
    CALL(fchmodat2, AT_FDCWD, "plain", 0600, 0);
    kind("plain");
    CALL(fchmodat2, AT_FDCWD, "plain", 0600, 1);
    CALL(fchmodat2, AT_FDCWD, "missing", 0600, 0);
    CALL(fchownat, AT_FDCWD, "plain", getuid(), getgid(), 0);
    CALL(fchownat, AT_FDCWD, "plain", -1, -1, AT_SYMLINK_NOFOLLOW);
    CALL(fchownat, AT_FDCWD, "plain", -1, -1, 1);
    CALL(fchownat, AT_FDCWD, "missing", -1, -1, 0);
    CALL(lchown, "plain", -1, -1);
    CALL(lchown, "missing", -1, -1);
    CALL(chown, "missing", -1, -1);
    DONE();
}
