/* What a user who is not root may do by way of paths, open files and single capabilities. Only root can become somebody
 * else, so everybody else shows nothing. */
#include "owner.h"
#include <dirent.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#define EMPTY_PATH 0x1000

static void have(unsigned effective) {
    unsigned permitted = 1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE | 1 << CAP_FOWNER | 1 << CAP_FSETID;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{effective, permitted, 0}, {0, 0, 0}};
    SHOW(syscall(SYS_capset, &header, data));
}

static void by_path(int directory, int path_only) {
    struct statfs system;
    char byte;
    SHOW(opendir("p") != NULL);
    SHOW(opendir("w") != NULL);
    SHOW(opendir("r") != NULL);
    show("p/q/f");
    show("r/f");
    show("p/q/../q/f");
    SHOW(open("link", O_RDONLY) > 0);
    SHOW(openat(directory, "q/f", O_RDONLY) > 0);
    SHOW(openat(directory, "q/f", O_WRONLY));
    SHOW(openat(directory, "../f", O_RDONLY) > 0);
    SHOW(unlink("w/x"));
    SHOW(access("w", W_OK));
    SHOW(access("w", R_OK));
    SHOW(access("p/q", W_OK | X_OK));
    SHOW(syscall(SYS_faccessat2, path_only, "", W_OK, EMPTY_PATH));
    SHOW(syscall(SYS_faccessat2, path_only, "", R_OK, EMPTY_PATH));
    SHOW(statfs("r/f", &system));
    SHOW(setxattr("f", "user.a", "b", 1, 0));
    SHOW(getxattr("r/f", "user.a", &byte, 1));
    SHOW(rename("p/q/f", "d/f"));
    SHOW(rename("d", "e"));
    SHOW(rmdir("p/q"));
}

static void by_descriptor(int fd, int temporary) {
    struct timespec now[] = {{0, UTIME_NOW}, {0, UTIME_NOW}}, half[] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    char path[40];
    SHOW(fchmod(fd, 0600));
    SHOW(ftruncate(fd, 3));
    SHOW(futimens(fd, NULL));
    SHOW(futimens(fd, now));
    SHOW(futimens(fd, half));
    SHOW(fchown(temporary, 1001, -1));
    temporary = open("d", O_TMPFILE | O_RDWR, 0640);
    sprintf(path, "/proc/self/fd/%d", temporary);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "d/named", AT_SYMLINK_FOLLOW));
    show("d/named");
    SHOW(mknod("d/node", S_IFREG | 0600, 0));
    show("d/node");
}

static void with_capabilities(void) {
    have(1 << CAP_DAC_OVERRIDE);
    SHOW(opendir("w") != NULL);
    SHOW(chmod("f", 0644));
    have(1 << CAP_FOWNER);
    SHOW(chmod("f", 0600));
    SHOW(open("f", O_RDONLY));
    have(1 << CAP_CHOWN);
    SHOW(chown("f", 1001, 1002));
    SHOW(open("f", O_RDONLY) > 0);
    have(1 << CAP_FSETID);
    SHOW(chmod("f", 06755));
    int fd = open("f", O_RDWR);
    SHOW(write(fd, "x", 1));
    show("f");
    have(0);
    SHOW(write(fd, "x", 1));
    show("f");
    SHOW(chdir("w"));
    SHOW(open("..", O_RDONLY) > 0);
}

int main(void) {
    close((int)MUST(creat("f", 0644)));
    if (geteuid() != 0 || chown("f", 1001, 1001) < 0 || chown("f", 0, 0) < 0) {
        puts("not root");
        DONE();
    }
    umask(0);
    chmod(".", 0755);
    MUST(mkdir("d", 0777));
    MUST(mkdir("p", 0711));
    MUST(mkdir("p/q", 0777));
    MUST(mkdir("w", 0733));
    MUST(mkdir("r", 0744));
    close(creat("p/q/f", 0644));
    close(creat("r/f", 0644));
    close(creat("w/x", 0644));
    MUST(symlink("p/q/f", "link"));
    int directory = open("p", O_RDONLY | O_DIRECTORY), path_only = open("f", O_PATH), fd = open("f", O_RDWR);
    int temporary = open("d", O_TMPFILE | O_RDWR, 0644);
    gid_t group = 1003;
    MUST(prctl(PR_SET_KEEPCAPS, 1));
    MUST(setgroups(1, &group));
    MUST(setresgid(1002, 1002, 1002));
    MUST(setresuid(1001, 1001, 1001));
    by_path(directory, path_only);
    by_descriptor(fd, temporary);
    with_capabilities();
    DONE();
}
