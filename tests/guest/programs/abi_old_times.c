/* utime, utimes and futimesat: the same times through three old structures; what the clock shows is the time of the last
 * change too. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/time.h>
#include <utime.h>
static void times(const char *name) {
    struct stat status;
    MUST(lstat(name, &status));
    printf("  %ld.%09ld %ld.%09ld\n", (long)status.st_atim.tv_sec, status.st_atim.tv_nsec, (long)status.st_mtim.tv_sec,
           status.st_mtim.tv_nsec);
}
static long long ns(struct timespec at) { return at.tv_sec * 1000000000LL + at.tv_nsec; }
static int same(const char *name) { /* 1: the time of access is that of the last change, 2: of the contents' change */
    struct stat status;
    MUST(lstat(name, &status));
    return (ns(status.st_atim) == ns(status.st_ctim)) + 2 * (ns(status.st_mtim) == ns(status.st_ctim));
}
static void now(int fd) {
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    struct timespec clock = {0, UTIME_NOW}, none = {0, UTIME_OMIT}, some = {5, 0};
    MUST(utimensat(AT_FDCWD, "file", NULL, 0));
    SHOW(same("file"));
    MUST(utimensat(AT_FDCWD, "file", (struct timespec[]){some, clock}, 0));
    SHOW(same("file"));
    MUST(utimensat(AT_FDCWD, "link", (struct timespec[]){clock, none}, AT_SYMLINK_NOFOLLOW));
    SHOW(same("link") & 1);
    MUST(futimens(fd, (struct timespec[]){clock, some}));
    SHOW(same("file"));
    MUST(utime("file", NULL));
    SHOW(same("file"));
    MUST(futimens(fd, (struct timespec[]){some, some}));
    SHOW(same("file"));
}
int main(void) {
    int fd = make_file("file", 10, 1);
    MUST(symlink("file", "link"));
    CALL(utime, "file", (&(struct utimbuf){1000, 2000}));
    times("file");
    CALL(utime, "missing", (&(struct utimbuf){1000, 2000}));
    struct timeval two[2] = {{3000, 4}, {5000, 999999}};
    CALL(utimes, "link", two);
    times("file");
    two[1].tv_usec = 1000000;
    CALL(utimes, "file", two);
    two[1].tv_usec = 6;
    CALL(futimesat, AT_FDCWD, "file", two);
    times("file");
    two[0].tv_sec = 7777;
    CALL(futimesat, fd, NULL, two);
    times("file");
    CALL(futimesat, 99, "file", two);
    CALL(futimesat, fd, "file", two);
    struct timespec exact[2] = {{1, 2}, {3, 4}};
    CALL(utimensat, AT_FDCWD, "file", exact, 0);
    times("file");
    exact[0].tv_nsec = -1;
    CALL(utimensat, AT_FDCWD, "file", exact, 0);
    now(fd);
    DONE();
}
