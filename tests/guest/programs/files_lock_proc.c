/* /proc/locks: what is locked of a file, how, by whom, and who waits. */
#include "check.h"
#include <sys/file.h>
#include <sys/wait.h>

static char lines[16][200];

/* The lines about one inode, with pid and inode replaced, in the order of the alphabet. */
static void show(ino_t ino, pid_t child) {
    char line[300];
    int found = 0;
    FILE *file = fopen("/proc/locks", "r");
    while (fgets(line, sizeof line, file)) {
        char arrow[8] = "", kind[16], mode[16], type[16], start[24], end[24];
        int number, pid;
        unsigned long inode;
        unsigned major, minor;
        char *rest = strchr(line, ':') + 2;
        number = strncmp(rest, "->", 2) == 0;
        if (number) strcpy(arrow, "-> "), rest += 3;
        if (sscanf(rest, "%15s %15s %15s %d %x:%x:%lu %23s %23s", kind, mode, type, &pid, &major, &minor, &inode, start,
                   end) != 9 || inode != ino)
            continue;
        const char *who = pid == getpid() ? "parent" : pid == child ? "child" : pid == -1 ? "nobody" : "other";
        snprintf(lines[found++], sizeof *lines, "%s%s %s %s %s %s %s", arrow, kind, mode, type, who, start, end);
    }
    fclose(file);
    qsort(lines, (size_t)found, sizeof *lines, (int (*)(const void *, const void *))strcmp);
    for (int i = 0; i < found; i++) puts(lines[i]);
    puts("--");
}

static int set(int fd, int command, int kind, off_t start, off_t length) {
    struct flock how = {.l_type = (short)kind, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &how);
}

int main(void) {
    struct stat status;
    int fd = make_file("file", 100, 1), second = (int)MUST(open("file", O_RDWR)), pair[2];
    char byte;
    fstat(fd, &status);
    MUST(pipe(pair));
    show(status.st_ino, 0);
    MUST(set(fd, F_SETLK, F_WRLCK, 0, 10));
    MUST(set(fd, F_SETLK, F_RDLCK, 20, 0));
    MUST(flock(fd, LOCK_EX));
    MUST(set(second, F_OFD_SETLK, F_WRLCK, 12, 3));
    show(status.st_ino, 0);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        write(pair[1], "x", 1);
        set(fd, F_SETLKW, F_WRLCK, 5, 1);
        _exit(0);
    }
    read(pair[0], &byte, 1);
    usleep(10000);
    show(status.st_ino, child);
    MUST(set(fd, F_SETLK, F_UNLCK, 0, 0));
    waitpid(child, NULL, 0);
    MUST(flock(fd, LOCK_UN));
    close(second);
    show(status.st_ino, child);
    DONE();
}
