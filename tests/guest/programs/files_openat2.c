/* openat2: its RESOLVE_ flags and its checks of the structure. */
#include "check.h"
#include <sys/syscall.h>

struct how { uint64_t flags, mode, resolve; uint64_t more; };
enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16 };

static int opens(int at, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve, size_t size) {
    struct how how = {flags, mode, resolve, 0};
    int fd = (int)syscall(437, at, path, &how, size);
    if (fd >= 0) {
        close(fd);
        return 1;
    }
    return -1;
}

int main(void) {
    MUST(mkdir("tree", 0755)), MUST(mkdir("tree/sub", 0755));
    close(make_file("outside", 5, 1)), close(make_file("tree/inside", 5, 1));
    MUST(symlink("../outside", "tree/out")), MUST(symlink("inside", "tree/in"));
    MUST(symlink("/inside", "tree/absolute")), MUST(symlink("sub/../inside", "tree/around"));
    int at = (int)MUST(open("tree", O_RDONLY | O_DIRECTORY));
    SHOW(opens(at, "inside", O_RDONLY, 0, 0, 24));
    SHOW(opens(at, "out", O_RDONLY, 0, 0, 24));
    SHOW(opens(at, "in", O_RDONLY, 0, NO_SYMLINKS, 24));
    SHOW(opens(at, "inside", O_RDONLY, 0, NO_SYMLINKS, 24));
    SHOW(opens(at, "in", O_PATH | O_NOFOLLOW, 0, NO_SYMLINKS, 24));
    SHOW(opens(at, "inside", O_RDONLY, 0, BENEATH, 24));
    SHOW(opens(at, "in", O_RDONLY, 0, BENEATH, 24));
    SHOW(opens(at, "around", O_RDONLY, 0, BENEATH, 24));
    SHOW(opens(at, "out", O_RDONLY, 0, BENEATH, 24));
    SHOW(opens(at, "../outside", O_RDONLY, 0, BENEATH, 24));
    SHOW(opens(at, "sub/../../outside", O_RDONLY, 0, BENEATH, 24));
    SHOW(opens(at, "absolute", O_RDONLY, 0, BENEATH, 24));
    SHOW(opens(at, "/etc", O_RDONLY, 0, BENEATH, 24));
    SHOW(opens(at, "absolute", O_RDONLY, 0, IN_ROOT, 24));
    SHOW(opens(at, "/inside", O_RDONLY, 0, IN_ROOT, 24));
    SHOW(opens(at, "../../inside", O_RDONLY, 0, IN_ROOT, 24));
    SHOW(opens(at, "out", O_RDONLY, 0, IN_ROOT, 24));
    SHOW(opens(at, "new", O_RDWR | O_CREAT, 0644, IN_ROOT, 24));
    SHOW(access("tree/new", F_OK));
    SHOW(opens(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, NO_MAGICLINKS, 24));
    SHOW(opens(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, 0, 24));
    SHOW(opens(AT_FDCWD, "/proc/self/stat", O_RDONLY, 0, NO_XDEV, 24));
    SHOW(opens(at, "inside", O_RDONLY, 0, BENEATH | IN_ROOT, 24));
    SHOW(opens(at, "inside", O_RDONLY, 0, 0x1000, 24));
    SHOW(opens(at, "inside", O_RDONLY, 0644, 0, 24)); /* A mode without O_CREAT. */
    SHOW(opens(at, "x", O_RDWR | O_CREAT, 0200000, 0, 24));
    SHOW(opens(at, "inside", 1UL << 40, 0, 0, 24));
    SHOW(opens(at, "inside", O_RDONLY, 0, 0, 8));
    SHOW(opens(at, "inside", O_RDONLY, 0, 0, 32));
    SHOW(opens(99, "inside", O_RDONLY, 0, 0, 24));
    struct how how = {O_RDONLY, 0, 0, 1};
    SHOW(syscall(437, at, "inside", &how, 32)); /* A field that this kernel does not know is set. */
    SHOW(syscall(437, at, "inside", (void *)8, 24));
    DONE();
}
