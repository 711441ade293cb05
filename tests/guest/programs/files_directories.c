/* mkdir, rmdir, and listing: every name once, whatever the order; also while names come and go. */
#include "check.h"
#include <dirent.h>
#include <sys/syscall.h>

struct linux_dirent64 {
    uint64_t inode;
    int64_t next;
    unsigned short length;
    unsigned char kind;
    char name[];
};

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
    char *names[600];
    int count = 0;
    DIR *dir = opendir(path);
    if (!dir) {
        printf("%s: %s\n", path, error_name(errno));
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        char text[300];
        sprintf(text, "%s(%d)", entry->d_name, entry->d_type);
        names[count++] = strdup(text);
    }
    closedir(dir);
    qsort(names, (size_t)count, sizeof *names, by_name);
    printf("%s: %d:", path, count);
    for (int i = 0; i < count && i < 12; i++) printf(" %s", names[i]);
    printf("\n");
}

int main(void) {
    SHOW(mkdir("d", 0777));
    SHOW(mkdir("d", 0777));
    SHOW(mkdir("d/e/f", 0777));
    SHOW(mkdir("d/e", 0700));
    SHOW(mkdir(".", 0777));
    SHOW(mkdir("", 0777));
    SHOW(mkdir("/", 0777));
    SHOW(mkdir("slash/", 0777));
    close(make_file("d/file", 1, 1));
    SHOW(mkdir("d/file/x", 0777));
    MUST(symlink("file", "d/link"));
    MUST(mkfifo("d/fifo", 0644));
    list("d");
    list("d/e");
    list("missing");
    list("d/file");
    SHOW(rmdir("d"));
    SHOW(rmdir("d/file"));
    SHOW(rmdir("d/link"));
    SHOW(rmdir("missing"));
    SHOW(rmdir("d/e/."));
    SHOW(rmdir("d/e/.."));
    SHOW(rmdir("/"));
    SHOW(rmdir("d/e"));
    SHOW(mkdir("many", 0755));
    for (int i = 0; i < 500; i++) {
        char name[64];
        sprintf(name, "many/%04d-with-a-name-of-some-length", i);
        close((int)MUST(open(name, O_WRONLY | O_CREAT, 0644)));
    }
    list("many");
    int fd = (int)MUST(open("many", O_RDONLY | O_DIRECTORY));
    char buffer[2000];
    int total = 0, calls = 0;
    long n;
    while ((n = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
        calls++;
        for (long at = 0; at < n;) {
            const struct linux_dirent64 *record = (const struct linux_dirent64 *)(buffer + at);
            at += record->length;
            if (record->length % 8 || record->inode == 0) check_failures++;
            total++;
        }
    }
    CHECK(total == 502 && calls > 10);
    SHOW(syscall(SYS_getdents64, fd, buffer, sizeof buffer));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(syscall(SYS_getdents64, fd, buffer, 10)); /* Too small for one entry. */
    CHECK(syscall(SYS_getdents64, fd, buffer, sizeof buffer) > 0);
    SHOW(syscall(SYS_getdents64, 99, buffer, sizeof buffer));
    SHOW(syscall(SYS_getdents64, open("d/file", O_RDONLY), buffer, sizeof buffer));
    DIR *dir = opendir("many"); /* Removing what is listed, while it is listed. */
    struct dirent *entry;
    int removed = 0;
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.') removed += !unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    printf("removed %d\n", removed);
    list("many");
    dir = opendir("d");
    entry = readdir(dir);
    long place = telldir(dir);
    char second[256] = "", again[256] = "";
    if ((entry = readdir(dir))) strcpy(second, entry->d_name);
    seekdir(dir, place);
    if ((entry = readdir(dir))) strcpy(again, entry->d_name);
    CHECK(strcmp(second, again) == 0 && second[0]);
    rewinddir(dir);
    int count = 0;
    while (readdir(dir)) count++;
    CHECK(count == 5);
    MUST(mkdir("gone", 0755));
    fd = (int)MUST(open("gone", O_RDONLY));
    MUST(rmdir("gone"));
    SHOW(syscall(SYS_getdents64, fd, buffer, sizeof buffer));
    SHOW(openat(fd, "x", O_CREAT | O_RDWR, 0644));
    DONE();
}
