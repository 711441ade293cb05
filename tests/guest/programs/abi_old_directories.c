/* getdents with its old structure: a record is as long as it says, and its last byte is the kind. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <dirent.h>
struct old_entry {
    unsigned long inode;
    unsigned long next;
    unsigned short length;
    char name[];
};
int main(void) {
    close(make_file("file", 0, 1));
    MUST(mkdir("directory", 0755));
    MUST(symlink("file", "link"));
    int fd = (int)MUST(open(".", O_RDONLY | O_DIRECTORY)), file = (int)MUST(open("file", O_RDONLY)), seen = 0;
    char buffer[1024];
    for (long length; (length = syscall(SYS_getdents, fd, buffer, sizeof buffer)) > 0;)
        for (long at = 0; at < length;) {
            struct old_entry *entry = (struct old_entry *)(buffer + at);
            int kind = buffer[at + entry->length - 1];
            CHECK(entry->inode != 0 && entry->length % 8 == 0);
            if (!strcmp(entry->name, "file")) seen += kind == DT_REG;
            if (!strcmp(entry->name, "directory")) seen += kind == DT_DIR;
            if (!strcmp(entry->name, "link")) seen += kind == DT_LNK;
            at += entry->length;
        }
    CHECK(seen == 3);
    CALL(getdents, fd, buffer, sizeof buffer);
    MUST(lseek(fd, 0, SEEK_SET));
    CALL(getdents, fd, buffer, 8);
    CALL(getdents, file, buffer, sizeof buffer);
    CALL(getdents, 99, buffer, sizeof buffer);
    CALL(getdents64, file, buffer, sizeof buffer);
    DONE();
}
