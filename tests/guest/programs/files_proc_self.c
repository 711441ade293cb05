/* run: one two
 * /proc/self: what a program finds out about itself. */
#include "check.h"
#include <dirent.h>
#include <inttypes.h>

static char text[1 << 16];
static size_t slurp(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        printf("%s: %s\n", path, error_name(errno));
        return 0;
    }
    size_t length = 0;
    ssize_t n;
    while (length < sizeof text - 1 && (n = read(fd, text + length, 1000)) > 0) length += (size_t)n;
    close(fd);
    text[length] = 0;
    return length;
}
static int in_global;

/* What /proc says of the arguments of `pid`. */
static void titles(pid_t pid) {
    char path[64];
    sprintf(path, "/proc/%d/cmdline", pid);
    size_t length = slurp(path);
    char *at = text + (strrchr(text, '/') ? strrchr(text, '/') - text : 0);
    for (; at < text + length; at++) putchar(*at ? *at : '|');
    putchar('\n');
    fflush(stdout);
}
static void titles_from_outside(void) {
    pid_t parent = getpid(), pid = (pid_t)MUST(fork());
    if (!pid) titles(parent), _exit(0);
    MUST(waitpid(pid, NULL, 0));
}
/* Arguments lie in the program's own memory: what it writes there is its title (ps, top). */
static void change_title(int argc, char **argv, char **variables) {
    char *last = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
    uintptr_t start = 0, end = 0, next = 0;
    slurp("/proc/self/stat");
    char *at = strrchr(text, ')') + 2;
    for (int field = 3; field < 48; field++) at = strchr(at, ' ') + 1;
    CHECK(sscanf(at, "%" SCNuPTR " %" SCNuPTR " %" SCNuPTR, &start, &end, &next) == 3);
    CHECK(start == (uintptr_t)argv[0] && end == (uintptr_t)last && next == end && variables[0] == last);
    memcpy(argv[1], "ONE", 3);
    titles_from_outside();
    *strrchr(argv[0], '/') = 0;
    titles(getpid());
    strcpy(argv[0], "/title");
    titles_from_outside();
    memset(argv[0], 't', (size_t)(last - argv[0]));
    strcpy(last, "/over");
    titles_from_outside();
    slurp("/proc/self/environ");
    puts(text);
}

static const char *rights_of(const void *address) {
    static char rights[8];
    slurp("/proc/self/maps");
    for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, rights) == 3 && from <= (uintptr_t)address && (uintptr_t)address < to)
            return rights;
    }
    return "none";
}

int main(int argc, char **argv) {
    char path[4096], *heap = malloc(10);
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    char *real = realpath(argv[0], NULL);
    CHECK(n > 0 && real && !strcmp(real, path));
    printf("code %s", rights_of((void *)(uintptr_t)main));
    printf(" data %s", rights_of(&in_global));
    printf(" stack %s", rights_of(&argc));
    printf(" heap %s\n", rights_of(heap));
    char *map = map_anonymous(3 * PAGE);
    MUST(mprotect(map + PAGE, PAGE, PROT_NONE));
    printf("%s", rights_of(map));
    printf(" %s", rights_of(map + PAGE));
    MUST(munmap(map, 3 * PAGE));
    printf(" %s\n", rights_of(map));
    int fd = make_file("mapped file", 100, 1);
    char *shared = mmap(NULL, 100, PROT_READ, MAP_SHARED, fd, 0);
    printf("%s\n", rights_of(shared));
    CHECK(strstr(text, "/mapped file\n") != NULL && strstr(text, "[stack]\n") && strstr(text, path));
    size_t length = slurp("/proc/self/cmdline");
    CHECK(argc == 3 && length == strlen(argv[0]) + 1 + 8 && !memcmp(text + strlen(argv[0]) + 1, "one\0two", 8));
    slurp("/proc/self/status");
    char *name = strstr(text, "Name:\t");
    CHECK(name == text);
    printf("%.15s\n", name + 6);
    char line[64];
    sprintf(line, "\nPid:\t%d\n", getpid());
    CHECK(strstr(text, line) != NULL);
    sprintf(line, "\nPPid:\t%d\n", getppid());
    CHECK(strstr(text, line) != NULL);
    sprintf(line, "\nUid:\t%d\t%d\t", getuid(), geteuid());
    CHECK(strstr(text, line) != NULL);
    CHECK(strstr(text, "\nThreads:\t1\n") && strstr(text, "\nVmSize:\t") && strstr(text, "\nVmRSS:\t") && strstr(text, "\nState:\tR (running)\n"));
    slurp("/proc/self/stat");
    int pid, parent, group;
    char comm[32], state;
    CHECK(sscanf(text, "%d (%31[^)]) %c %d %d", &pid, comm, &state, &parent, &group) == 5);
    CHECK(pid == getpid() && parent == getppid() && group == getpgrp() && state == 'R');
    puts(comm);
    int fields = 1;
    for (char *at = text; *at; at++) fields += *at == ' ';
    printf("fields %d\n", fields);
    DIR *dir = opendir("/proc/self/fd");
    CHECK(dir != NULL);
    int found = 0, count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.') count++, found += atoi(entry->d_name) == fd;
    printf("descriptors %d, ours %d\n", count, found);
    sprintf(line, "/proc/self/fd/%d", fd);
    n = readlink(line, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    CHECK(strstr(path, "/mapped file") != NULL);
    int again = (int)MUST(open(line, O_RDONLY)); /* An offset of its own. */
    SHOW(lseek(fd, 10, SEEK_SET));
    SHOW(lseek(again, 0, SEEK_CUR));
    MUST(unlink("mapped file"));
    n = readlink(line, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    CHECK(strstr(path, "/mapped file (deleted)") != NULL);
    SHOW(open(line, O_RDONLY) >= 0);
    SHOW(open("/proc/self/fd/99", O_RDONLY));
    SHOW(readlink("/proc/self/fd/99", path, 100));
    SHOW(open("/proc/self/missing", O_RDONLY));
    SHOW(open("/proc/99999999/stat", O_RDONLY));
    sprintf(line, "/proc/%d/cmdline", getpid());
    CHECK(slurp(line) == length);
    n = readlink("/proc/self", path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    CHECK(n > 0 && atoi(path) == getpid());
    SHOW(readlink("/proc/self/cwd", path, sizeof path) > 0);
    CHECK(slurp("/proc/self/comm") > 0);
    SHOW(unlink("/proc/self/stat"));
    SHOW(mkdir("/proc/self/x", 0755));
    change_title(argc, argv, environ);
    DONE();
}
