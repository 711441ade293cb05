/* builds: static musl
 * Files and a program that became another user: whose they are, and what it may do with them. Only root can become
 * somebody else, so everybody else shows nothing. */
#include "owner.h"
#include <grp.h>
#include <sys/socket.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <utime.h>

static void reads(const char *path) {
    int fd = open(path, O_RDONLY);
    printf("open %s: %s\n", path, fd < 0 ? error_name(errno) : "yes");
    if (fd >= 0) close(fd);
}

static int make(const char *path, int mode) {
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR, mode);
    if (fd >= 0 && write(fd, "text", 4) != 4) puts("FAILED");
    if (fd < 0) printf("make %s: %s\n", path, error_name(errno));
    return fd;
}

static int connects(void) {
    struct sockaddr_un name = {AF_UNIX, "socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), result = connect(fd, (void *)&name, sizeof name), error = errno;
    close(fd);
    errno = error;
    return result;
}

static int removed, program; /* Opened by root. */

/* What the user with id 1001 may do, and what not. */
static void as_user(int kept) {
    reads("secret");
    reads("grouped");
    reads("closed/inside");
    reads("closed/missing");
    SHOW(access("secret", F_OK));
    SHOW(access("secret", R_OK));
    SHOW(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS));
    SHOW(access("closed/.", F_OK));
    SHOW(access("closed/..", F_OK));
    SHOW(chdir("closed"));
    close(make("denied", 0666));
    SHOW(mkdir("denied", 0777));
    SHOW(symlink("x", "denied"));
    SHOW(mkfifo("denied", 0666));
    SHOW(rename("secret", "denied"));
    SHOW(unlink("secret"));
    SHOW(rmdir("closed"));
    SHOW(chmod("open", 0777));
    SHOW(chown("open", 1001, 1001));
    SHOW(truncate("secret", 0));
    SHOW(open("grouped", O_RDONLY | O_TRUNC));
    SHOW(open("fifo", O_RDWR));
    SHOW(open("open", O_RDONLY | O_NOATIME));
    SHOW(utime("open", NULL));
    SHOW(utime("secret", NULL));
    struct utimbuf past = {1, 1};
    SHOW(utime("open", &past));
    SHOW(fchmod(kept, 0666));
    SHOW(fchown(kept, 1001, -1));
    char byte;
    SHOW(read(kept, &byte, 1));
    char path[40];
    sprintf(path, "/proc/self/fd/%d", kept);
    SHOW(open(path, O_RDONLY));
    SHOW(connects());
    sprintf(path, "/proc/self/fd/%d", removed);
    SHOW(open(path, O_RDONLY));
    char *arguments[] = {"x", NULL};
    SHOW(syscall(SYS_execveat, program, "", arguments, NULL, AT_EMPTY_PATH));

    umask(002);
    close(make("sticky/mine", 06777));
    show("sticky/mine");
    SHOW(mkdir("sticky/folder", 0777));
    show("sticky/folder");
    SHOW(symlink("mine", "sticky/link"));
    show("sticky/link");
    SHOW(mkfifo("sticky/fifo", 0660));
    show("sticky/fifo");
    SHOW(unlink("sticky/roots"));
    SHOW(rename("sticky/roots", "sticky/other"));
    SHOW(rename("sticky/mine", "sticky/roots"));
    SHOW(rename("sticky/mine", "sticky/renamed"));
    SHOW(chmod("sticky/renamed", 02640));
    show("sticky/renamed");
    SHOW(chown("sticky/renamed", -1, 1003));
    SHOW(chown("sticky/renamed", -1, 1004));
    SHOW(chown("sticky/renamed", 1002, -1));
    show("sticky/renamed");
    SHOW(utime("sticky/renamed", &past));
    SHOW(chmod("sticky/renamed", 0));
    reads("sticky/renamed");
    SHOW(truncate("sticky/renamed", 1));
    SHOW(unlink("sticky/renamed"));
    int fd = open("sticky/bits", O_CREAT | O_RDWR, 0666);
    SHOW(chmod("sticky/bits", 06755));
    SHOW(ftruncate(fd, 5));
    show("sticky/bits");
    SHOW(chmod("sticky/bits", 06755));
    SHOW(fallocate(fd, 0, 0, 100));
    show("sticky/bits");
    SHOW(chmod("sticky/bits", 06745));
    SHOW(pwrite(fd, "x", 1, 0));
    show("sticky/bits");
    SHOW(futimens(fd, NULL));
    SHOW(linkat(AT_FDCWD, "open", AT_FDCWD, "sticky/hard", 0));
    close(fd);
    close(make("shared/mine", 0666));
    show("shared/mine");
    SHOW(mkdir("shared/folder", 0775));
    show("shared/folder");
    SHOW(execve("program", arguments, NULL));
    SHOW(execve("closed/inside", arguments, NULL));
    SHOW(execve("script", arguments, NULL));
}

static void prepare(void) {
    close(make("secret", 0600));
    close(make("open", 0666));
    SHOW(chmod("open", 0666));
    close(make("grouped", 0640));
    SHOW(chown("grouped", 0, 1003));
    close(make("program", 0700));
    int script = open("script", O_CREAT | O_WRONLY, 0755);
    CHECK(write(script, "#!./program\n", 12) == 12 && close(script) == 0);
    MUST(mkdir("closed", 0700));
    close(make("closed/inside", 0777));
    MUST(mkdir("sticky", 0777));
    MUST(chmod("sticky", 01777));
    close(make("sticky/roots", 0666));
    MUST(mkdir("shared", 0777));
    MUST(chown("shared", 0, 1005));
    MUST(chmod("shared", 02777));
    MUST(mkfifo("fifo", 0600));
}

static void child(void (*work)(int), int fd) {
    pid_t pid = fork();
    if (pid == 0) {
        work(fd);
        _exit(check_failures != 0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    SHOW(access("secret", R_OK | W_OK)); /* Who forked is root all the same. */
}

static void become_user(int fd) {
    gid_t groups[] = {1003, 1006};
    MUST(setgroups(2, groups));
    MUST(setgid(1002));
    MUST(setuid(1001));
    as_user(fd);
}

/* The effective ids count, but for access(2); and they can be had back. */
static void borrow(int fd) {
    (void)fd;
    MUST(setegid(1002));
    MUST(seteuid(1001));
    reads("secret");
    SHOW(access("secret", R_OK));
    SHOW(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS));
    close(make("sticky/borrowed", 0644));
    show("sticky/borrowed");
    MUST(seteuid(0));
    MUST(setegid(0));
    reads("secret");
    close(make("sticky/back", 0644));
    show("sticky/back");
}

/* Files have a user and a group of their own; each call is about one of them. */
static void file_system_ids(int fd) {
    (void)fd;
    setfsgid(1002);
    close(make("sticky/fsgid", 0644));
    show("sticky/fsgid");
    reads("secret");
    setfsuid(1001);
    reads("secret");
    close(make("sticky/fsuid", 0644));
    show("sticky/fsuid");
    setfsuid(0);
    reads("secret");
    setfsgid(0);
    gid_t group = 1003;
    MUST(setgroups(1, &group));
    close(make("sticky/groups", 0644));
    show("sticky/groups");
}

int main(void) {
    close(make("probe", 0600));
    if (geteuid() != 0 || chown("probe", 1001, 1001) < 0) {
        puts("not root");
        DONE();
    }
    unlink("probe");
    chmod(".", 0755);
    prepare();
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = {AF_UNIX, "socket"};
    MUST(bind(listener, (void *)&name, sizeof name));
    MUST(listen(listener, 4));
    int kept = open("secret", O_RDWR);
    program = open("program", O_RDONLY);
    removed = make("removed", 0600);
    MUST(unlink("removed"));
    child(become_user, kept);
    child(borrow, kept);
    child(file_system_ids, kept);
    MUST(chmod("socket", 0777));
    DONE();
}
