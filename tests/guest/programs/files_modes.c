/* chmod, umask, access, utimensat: attributes set and seen, by path and by descriptor. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <utime.h>

static void mode_of(const char *name) {
    struct stat s;
    MUST(stat(name, &s));
    printf("%s: %o\n", name, s.st_mode);
}
static void times_of(const char *name) {
    struct stat s;
    MUST(lstat(name, &s));
    printf("%s: %ld.%09ld %ld.%09ld\n", name, (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

int main(void) {
    int fd = make_file("file", 10, 1);
    SHOW(chmod("file", 0600));
    mode_of("file");
    SHOW(fchmod(fd, 0755));
    mode_of("file");
    SHOW(fchmodat(AT_FDCWD, "file", 04711, 0));
    mode_of("file");
    SHOW(chmod("file", 0644));
    SHOW(chmod("missing", 0644));
    SHOW(fchmod(99, 0644));
    SHOW(access("file", F_OK));
    SHOW(access("file", R_OK | W_OK));
    SHOW(access("file", X_OK)); /* Not even for root when nobody may. */
    SHOW(access("missing", F_OK));
    SHOW(access("file", 8));
    SHOW(access("file/x", F_OK));
    SHOW(faccessat(AT_FDCWD, "file", R_OK, AT_EACCESS));
    SHOW(syscall(439, AT_FDCWD, "file", R_OK, 0x4000));
    SHOW(symlink("nowhere", "dangling"));
    SHOW(access("dangling", F_OK));
    SHOW(faccessat(AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
    SHOW(chmod("dangling", 0644));
    SHOW(umask(027));
    SHOW(mkdir("dir", 0777));
    mode_of("dir");
    close((int)MUST(open("masked", O_CREAT | O_WRONLY, 0666)));
    mode_of("masked");
    SHOW(umask(022));
    struct timespec times[2] = {{1000000000, 123456789}, {1500000000, 987654321}};
    SHOW(utimensat(AT_FDCWD, "file", times, 0));
    times_of("file");
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = 1;
    times[1].tv_nsec = 5;
    SHOW(utimensat(AT_FDCWD, "file", times, 0));
    times_of("file");
    times[1].tv_nsec = UTIME_OMIT;
    SHOW(futimens(fd, times));
    times_of("file");
    times[0] = times[1] = (struct timespec){44, 55};
    SHOW(utimensat(AT_FDCWD, "dangling", times, 0));
    SHOW(utimensat(AT_FDCWD, "dangling", times, AT_SYMLINK_NOFOLLOW));
    times_of("dangling");
    times[0].tv_nsec = 1000000000;
    SHOW(utimensat(AT_FDCWD, "file", times, 0));
    SHOW(utimensat(AT_FDCWD, "missing", NULL, 0));
    SHOW(utime("file", &(struct utimbuf){7, 8}));
    times_of("file");
    SHOW(utimes("file", (struct timeval[2]){{9, 10}, {11, 12}}));
    times_of("file");
    SHOW(futimens(fd, NULL));
    struct stat s;
    MUST(fstat(fd, &s));
    CHECK(s.st_mtim.tv_sec > 1000000000);
    SHOW(chown("file", (uid_t)-1, (gid_t)-1));
    SHOW(chown("file", geteuid(), getegid()));
    SHOW(lchown("dangling", geteuid(), getegid()));
    SHOW(fchown(fd, (uid_t)-1, getegid()));
    SHOW(chown("missing", 0, 0));
    DONE();
}
