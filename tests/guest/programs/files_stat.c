/* stat, lstat, fstat, fstatat and statx: one truth in five forms. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static void show(const char *what, const struct stat *s) {
    printf("%s: mode %o links %ld size %ld blksize>0 %d\n", what, s->st_mode, (long)s->st_nlink, (long)s->st_size, s->st_blksize > 0);
}

int main(void) {
    struct stat a, b, c;
    struct statx x;
    int fd = make_file("file", 5000, 1);
    MUST(chmod("file", 0640));
    SHOW(stat("file", &a));
    show("stat", &a);
    SHOW(fstat(fd, &b));
    CHECK(memcmp(&a, &b, sizeof a) == 0);
    SHOW(fstatat(AT_FDCWD, "file", &b, 0));
    CHECK(memcmp(&a, &b, sizeof a) == 0);
    SHOW(fstatat(fd, "", &b, AT_EMPTY_PATH));
    CHECK(memcmp(&a, &b, sizeof a) == 0);
    CHECK(a.st_uid == geteuid() && a.st_blocks >= 8 && a.st_ino != 0);
    SHOW(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &x));
    CHECK((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CHECK(x.stx_mode == a.st_mode && x.stx_size == 5000 && x.stx_ino == a.st_ino && x.stx_nlink == 1);
    CHECK(x.stx_uid == a.st_uid && x.stx_gid == a.st_gid && x.stx_blocks == (uint64_t)a.st_blocks);
    CHECK(x.stx_mtime.tv_sec == a.st_mtim.tv_sec && x.stx_mtime.tv_nsec == (unsigned)a.st_mtim.tv_nsec);
    CHECK(makedev(x.stx_dev_major, x.stx_dev_minor) == a.st_dev && x.stx_blksize == (unsigned)a.st_blksize);
    SHOW(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    CHECK(x.stx_size == 5000);
    SHOW(statx(AT_FDCWD, "missing", 0, STATX_SIZE, &x));
    SHOW(statx(AT_FDCWD, "file", 0x10000, STATX_SIZE, &x));
    SHOW(statx(AT_FDCWD, "file", 0, 0x80000000, &x));
    MUST(mkdir("dir", 0751));
    SHOW(stat("dir", &c));
    printf("dir: mode %o\n", c.st_mode);
    MUST(symlink("dir", "link"));
    SHOW(lstat("link", &c));
    show("link", &c);
    SHOW(fstatat(AT_FDCWD, "link", &c, AT_SYMLINK_NOFOLLOW));
    CHECK(S_ISLNK(c.st_mode));
    SHOW(stat("link", &c));
    CHECK(S_ISDIR(c.st_mode));
    SHOW(stat("file/", &c));
    SHOW(stat("link/", &c));
    SHOW(stat("", &c));
    SHOW(fstatat(AT_FDCWD, "", &c, 0));
    SHOW(fstatat(AT_FDCWD, "", &c, AT_EMPTY_PATH)); /* The current directory. */
    CHECK(S_ISDIR(c.st_mode));
    SHOW(fstat(99, &c));
    SHOW(fstatat(99, "file", &c, 0));
    SHOW(fstatat(fd, "file", &c, 0));
    SHOW(fstatat(AT_FDCWD, "file", &c, 0x10000));
    SHOW(syscall(SYS_fstat, fd, 8));
    SHOW(stat((char *)8, &c));
    SHOW(stat("/dev/null", &c));
    printf("null: mode type %o rdev %u,%u\n", c.st_mode & S_IFMT, major(c.st_rdev), minor(c.st_rdev));
    SHOW(stat("/proc/self", &c));
    CHECK(S_ISDIR(c.st_mode));
    MUST(write(fd, "x", 1));
    SHOW(fstat(fd, &b));
    CHECK(b.st_size == 5000 && b.st_ino == a.st_ino);
    MUST(pwrite(fd, "x", 1, 9999));
    SHOW(stat("file", &b));
    printf("grown to %ld\n", (long)b.st_size);
    DONE();
}
