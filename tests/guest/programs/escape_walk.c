/* Not run natively: tries every way it knows to a file outside of its tree. Arguments: that file's path on the host,
 * and the word that is in it. Prints each way that led there. */
#include "check.h"
#include <dirent.h>
#include <sys/syscall.h>

static const char *word;
static int ways, led_out;

static void try(const char *how, int fd) {
    char text[4096] = "";
    ways++;
    if (fd < 0) return;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n > 0 && memmem(text, (size_t)n, word, strlen(word))) {
        printf("led out: %s\n", how);
        led_out++;
    }
    close(fd);
}

static void try_path(const char *path) { try(path, open(path, O_RDONLY)); }

int main(int argc, char **argv) {
    if (argc < 3) return 97;
    const char *secret = argv[1];
    word = argv[2];
    char path[8192];
    const char *name = strrchr(secret, '/') + 1;
    try_path(secret);
    static const char *const ups[] = {"..", "../..", "../../../../../../../../../../../../../../..", "/..", "/../../..", "/./.././..", "//..//..",
                                      "/proc/self/root", "/proc/self/root/..", "/proc/self/root/../..", "/proc/self/cwd/../../../..",
                                      "/proc/1/root", "/proc/1/cwd", "/proc/thread-self/root", "/proc/self/task/1/root", "/dev/fd/../../../..", "/proc/self/fd/../../../../..",
                                      "/dev/..", "/proc/..", "/sys/.."};
    for (size_t i = 0; i < sizeof ups / sizeof *ups; i++) {
        snprintf(path, sizeof path, "%s%s", ups[i], secret);
        try_path(path);
        snprintf(path, sizeof path, "%s/%s", ups[i], name);
        try_path(path);
        snprintf(path, sizeof path, "%s/outside/%s", ups[i], name);
        try_path(path);
        unlink("out");
        snprintf(path, sizeof path, "%s%s", ups[i], secret);
        if (symlink(path, "out") == 0) try_path("out");
        unlink("out");
        snprintf(path, sizeof path, "%s/outside", ups[i]);
        if (symlink(path, "out") == 0) {
            snprintf(path, sizeof path, "out/%s", name);
            try_path(path);
        }
    }
    unlink("out");
    if (symlink(secret, "out") == 0) {
        try_path("out");
        try("create through a link", open("out", O_RDWR | O_CREAT, 0644));
        if (link("out", "hard") == 0) try_path("hard");
        if (linkat(AT_FDCWD, "out", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW) == 0) try_path("hard2");
    }
    if (link(secret, "hard3") == 0) try_path("hard3");
    if (rename(secret, "taken") == 0) try_path("taken");
    if (symlink("/", "top") == 0 && symlink("top/..", "above") == 0) {
        snprintf(path, sizeof path, "above/../above/%s", secret);
        try_path(path);
    }
    int root = open("/", O_RDONLY | O_DIRECTORY), rooted = open("/", O_PATH | O_DIRECTORY);
    snprintf(path, sizeof path, "../../../../..%s", secret);
    try("openat of the root", openat(root, path, O_RDONLY));
    try("openat of an O_PATH root", openat(rooted, path, O_RDONLY));
    for (int i = 0; i < 3; i++) {
        int up = openat(root, "..", O_RDONLY | O_DIRECTORY);
        if (up >= 0) try("the root's parent", openat(up, name, O_RDONLY)), try("below it", openat(up, secret + 1, O_RDONLY));
        root = up;
    }
    struct { uint64_t flags, mode, resolve; } how = {O_RDONLY, 0, 0x10};
    try("openat2", (int)syscall(437, rooted, path, &how, sizeof how));
    for (int i = 0; i < 40; i++) {
        if (chdir("..")) break;
        try("walking up", open(name, O_RDONLY));
        try("walking up, and down", open(secret + 1, O_RDONLY));
    }
    if (chroot("/") == 0) try_path(secret);
    if (mkdir("/jail", 0755) == 0 && chroot("/jail") == 0) {
        for (int i = 0; i < 40; i++)
            if (chdir("..")) break;
        try("chroot", open(secret + 1, O_RDONLY));
    }
    for (int fd = 3; fd < 64; fd++) { /* What was left open by whoever started us. */
        snprintf(path, sizeof path, "../../../../../../..%s", secret);
        try("inherited descriptor", openat(fd, path, O_RDONLY));
        snprintf(path, sizeof path, "/proc/self/fd/%d/../../../../../..%s", fd, secret);
        try_path(path);
    }
    try_path("/proc/1/environ"), try_path("/proc/self/mem"), try_path("/dev/mem"), try_path("/dev/kmem"), try_path("/proc/kcore");
    char target[4096];
    ssize_t n = readlink("/proc/self/exe", target, sizeof target - 1);
    target[n < 0 ? 0 : n] = 0;
    printf("exe %s\n", target);
    CHECK(getcwd(target, sizeof target) != NULL);
    printf("%d ways, %d led out\n", ways > 150, led_out);
    return led_out != 0;
}
