/* statx: when a file was made, of files and directories that the program makes, by path and by descriptor. */
#include "check.h"
#include <sys/syscall.h>
#include <time.h>
static struct statx made, now;
static int look(int fd, const char *path, int flags, struct statx *into) {
    memset(into, 0x55, sizeof *into);
    return (int)syscall(SYS_statx, fd, path, flags, STATX_BASIC_STATS | STATX_BTIME, into);
}
static long long ns(struct statx_timestamp at) { return at.tv_sec * 1000000000LL + at.tv_nsec; }
int main(void) {
    struct timespec clock;
    int fd = make_file("file", 100, 1);
    MUST(look(AT_FDCWD, "file", 0, &made));
    int known = !!(made.stx_mask & STATX_BTIME);
    printf("known: %d\n", known);
    MUST(clock_gettime(CLOCK_REALTIME, &clock));
    CHECK(!known || llabs(ns(made.stx_btime) - ns(made.stx_ctime)) < 2000000000LL);
    CHECK(!known || llabs(made.stx_btime.tv_sec - clock.tv_sec) < 5);
    nanosleep(&(struct timespec){0, 12000000}, NULL);
    MUST(pwrite(fd, "x", 1, 0));
    MUST(rename("file", "renamed"));
    MUST(look(fd, "", AT_EMPTY_PATH, &now));
    CHECK(now.stx_mask == made.stx_mask && !memcmp(&now.stx_btime, &made.stx_btime, sizeof now.stx_btime));
    CHECK(ns(now.stx_mtime) > ns(made.stx_mtime));
    MUST(utimensat(AT_FDCWD, "renamed", (struct timespec[2]){{5, 0}, {5, 0}}, 0));
    MUST(look(AT_FDCWD, "renamed", 0, &now));
    CHECK(now.stx_mtime.tv_sec == 5 && ns(now.stx_btime) == ns(made.stx_btime));
    MUST(unlink("renamed"));
    close(make_file("renamed", 1, 1));
    MUST(look(AT_FDCWD, "renamed", 0, &now));
    CHECK(!known || ns(now.stx_btime) > ns(made.stx_btime));
    MUST(mkdir("directory", 0755));
    MUST(look(AT_FDCWD, "directory", 0, &now));
    CHECK(!known || ns(now.stx_btime) > ns(made.stx_btime));
    MUST(symlink("directory", "link"));
    MUST(look(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, &now));
    CHECK(!known || ns(now.stx_btime) > ns(made.stx_btime));
    MUST(syscall(SYS_statx, AT_FDCWD, "directory", 0, STATX_BASIC_STATS, &now));
    CHECK(!(now.stx_mask & STATX_BTIME));
    DONE();
}
