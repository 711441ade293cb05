/* The first calls on files, which C libraries do not use any more. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <linux/stat.h>
static void kinds(const char *name) {
    struct stat status;
    memset(&status, 0, sizeof status);
    SHOW(syscall(SYS_stat, name, &status));
    printf("  %o %ld\n", status.st_mode, (long)status.st_size);
    SHOW(syscall(SYS_lstat, name, &status));
    printf("  %o %ld\n", status.st_mode, (long)status.st_size);
}
int main(void) {
    close(make_file("file", 100, 1));
    CALL(open, "file", O_RDONLY, 0);
    CALL(open, "missing", O_RDONLY, 0);
    CALL(open, "file", O_CREAT | O_EXCL | O_WRONLY, 0600);
    CALL(creat, "made", 0640);
    CALL(creat, "missing/made", 0640);
    CALL(symlink, "file", "link");
    kinds("file");
    kinds("link");
    kinds("made");
    kinds("missing");
    CALL(access, "link", R_OK);
    CALL(faccessat, AT_FDCWD, "file", R_OK | W_OK);
    CALL(faccessat, AT_FDCWD, "file", 8);
    CALL(faccessat, 99, "file", 0);
    CALL(symlinkat, "file", AT_FDCWD, "other");
    CALL(symlinkat, "file", AT_FDCWD, "other");
    CALL(symlinkat, "", AT_FDCWD, "empty");
    DONE();
}
