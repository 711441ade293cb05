/* getcwd, chdir, fchdir, and a directory that is removed from under a process. */
#include "check.h"
#include <sys/syscall.h>

static void where(void) {
    char path[4096];
    errno = 0;
    if (!getcwd(path, sizeof path))
        printf("getcwd: %s\n", error_name(errno));
    else
        printf("in .../%s\n", strrchr(path, '/') + 1);
}

int main(void) {
    char path[4096], start[4096], small[4];
    where();
    MUST((long)getcwd(start, sizeof start) ? 0 : -1);
    MUST(mkdir("a", 0755)), MUST(mkdir("a/b", 0755));
    SHOW(chdir("a/b"));
    where();
    SHOW(chdir(".."));
    where();
    SHOW(chdir("b/../../a/./b"));
    where();
    CHECK(getcwd(path, sizeof path) && !strncmp(path, start, strlen(start)) && !strcmp(path + strlen(start), "/a/b"));
    SHOW(syscall(SYS_getcwd, path, sizeof path) == (long)strlen(start) + 5);
    SHOW(syscall(SYS_getcwd, small, sizeof small));
    SHOW(syscall(SYS_getcwd, (char *)8, sizeof path));
    SHOW(chdir("missing"));
    close(make_file("file", 1, 1));
    SHOW(chdir("file"));
    SHOW(chdir(""));
    int fd = (int)MUST(open(start, O_RDONLY));
    SHOW(fchdir(fd));
    where();
    SHOW(fchdir(99));
    SHOW(fchdir((int)MUST(open("a/b/file", O_RDONLY))));
    SHOW(fchdir((int)MUST(open("a", O_PATH))));
    where();
    SHOW(chdir(start));
    MUST(symlink("a/b", "link"));
    SHOW(chdir("link"));
    where(); /* The real one. */
    SHOW(rename("../../a", "../../moved"));
    where();
    CHECK(getcwd(path, sizeof path) && strstr(path, "/moved/b"));
    MUST(unlink("file"));
    SHOW(rmdir("../b"));
    where();
    SHOW(open("x", O_CREAT | O_RDWR, 0644));
    SHOW(open(".", O_RDONLY) >= 0);
    SHOW(chdir(".."));
    where();
    DONE();
}
