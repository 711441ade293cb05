/* Names of 255 bytes, paths of 4,096: the last that fits and the first that does not. */
#include "check.h"
#include <sys/syscall.h>

static char path[6000];
static const char *repeated(char letter, size_t n) {
    memset(path, letter, n);
    path[n] = 0;
    return path;
}
static const char *slashes(size_t n, const char *name) { /* "././././name", n bytes long */
    size_t rest = n - strlen(name);
    for (size_t i = 0; i < rest; i++) path[i] = i % 2 == (rest & 1) ? '.' : '/';
    if (rest & 1) path[0] = '.', path[1] = '/';
    for (size_t i = 0; i + 1 < rest; i++)
        if (path[i] == path[i + 1]) path[i] = '/';
    strcpy(path + rest, name);
    return path;
}

int main(void) {
    struct stat s;
    close(make_file("file", 1, 1));
    SHOW(open(repeated('n', 255), O_CREAT | O_RDWR, 0644));
    SHOW(open(repeated('n', 256), O_CREAT | O_RDWR, 0644));
    SHOW(mkdir(repeated('m', 256), 0755));
    SHOW(stat(repeated('n', 256), &s));
    SHOW(stat(repeated('x', 4095), &s));
    SHOW(stat(repeated('x', 4096), &s));
    SHOW(stat(repeated('x', 5000), &s));
    SHOW(stat(repeated('/', 4095), &s));
    SHOW(stat(repeated('/', 4096), &s));
    SHOW(access(slashes(4094, "/file"), F_OK));
    SHOW(access(slashes(4095, "/file"), F_OK));
    SHOW(access(slashes(4096, "/file"), F_OK));
    SHOW(symlink(repeated('t', 4095), "long target"));
    SHOW(symlink(repeated('t', 4096), "longer target"));
    SHOW(readlink("long target", path, sizeof path));
    SHOW(open("long target", O_RDONLY));
    SHOW(rename("file", repeated('r', 256)));
    SHOW(link("file", repeated('r', 4096)));
    SHOW(unlink(repeated('u', 300)));
    for (int i = 0; i < 30; i++) { /* A tree deeper than a path can say. */
        MUST(mkdir(repeated('d', 200), 0755));
        MUST(chdir(repeated('d', 200)));
    }
    close(make_file("deep", 3, 1));
    SHOW(stat("deep", &s));
    errno = 0;
    CHECK(getcwd(path, 4096) == NULL);
    SHOW(syscall(SYS_getcwd, path, sizeof path)); /* C libraries go up step by step when this says that. */
    SHOW(readlink("/proc/self/cwd", path, sizeof path));
    errno = 0;
    CHECK(realpath(".", path) == NULL && errno == ENAMETOOLONG);
    for (int i = 0; i < 30; i++) {
        MUST(unlink("deep"));
        MUST(chdir(".."));
        MUST(rmdir(repeated('d', 200)));
        if (i < 29) close(make_file("deep", 0, 0));
    }
    SHOW(stat("file", &s));
    DONE();
}
