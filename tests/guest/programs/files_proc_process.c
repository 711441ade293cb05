/* /proc/PID of a child and of itself: its memory, its counters, what is known of its descriptors. */
#include "check.h"
#include <dirent.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

static char text[1 << 16];
static char shared[100] = "from the child";

/* What /proc/PID/NAME says; NULL when it cannot be read. */
static char *slurp(int pid, const char *name) {
    char path[100];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY);
    size_t length = 0;
    ssize_t n = -1;
    while (fd >= 0 && length < sizeof text - 1 && (n = read(fd, text + length, 5000)) > 0) length += (size_t)n;
    if (fd >= 0) close(fd);
    text[length] = 0;
    return n < 0 ? NULL : text;
}

static long field(const char *name) {
    char *at = strstr(text, name);
    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

static void names_only(const char *title) {
    printf("%s:", title);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) printf(" %.*s", (int)strcspn(line, ":"), line);
    puts("");
}

static void counters(void) {
    int null = (int)MUST(open("/dev/null", O_WRONLY)), zero = (int)MUST(open("/dev/zero", O_RDONLY));
    slurp(getpid(), "io");
    long before[4] = {field("rchar: "), field("wchar: "), field("syscr: "), field("syscw: ")};
    MUST(read(zero, text, 1000));
    MUST(read(zero, text, 500));
    MUST(write(null, text, 300));
    slurp(getpid(), "io");
    CHECK(field("rchar: ") >= before[0] + 1500 && field("wchar: ") == before[1] + 300);
    CHECK(field("syscr: ") >= before[2] + 2 && field("syscw: ") == before[3] + 1);
    names_only("io");
}

static void memory_of(int child) {
    char path[40], back[20] = "";
    snprintf(path, sizeof path, "/proc/%d/mem", child);
    int fd = (int)MUST(open(path, O_RDWR));
    SHOW(pread(fd, back, 15, (off_t)(uintptr_t)shared));
    puts(back);
    SHOW(pwrite(fd, "by the parent", 14, (off_t)(uintptr_t)shared));
    SHOW(pread(fd, back, 15, 8));
    SHOW(pwrite(fd, back, 15, 8));
    SHOW(lseek(fd, 4096, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(read(fd, back, 1));
    close(fd);
    slurp(child, "maps");
    int maps = 0, found = 0;
    for (char *at = text; *at; at++) maps += *at == '\n';
    slurp(child, "smaps");
    for (char *at = text; (at = strstr(at, "\nVmFlags:")); at++) found++;
    CHECK(found == maps);
    CHECK(strstr(text, "[stack]\nSize:") && strstr(text, "\nVmFlags: rd wr") && field("\nKernelPageSize:") == 4);
    slurp(child, "smaps_rollup");
    CHECK(field("\nRss:") > 0 && field("\nRss:") >= field("\nAnonymous:"));
    int auxv = 0;
    snprintf(path, sizeof path, "/proc/%d/auxv", child);
    unsigned long pair[2] = {1, 0};
    fd = (int)MUST(open(path, O_RDONLY));
    while (read(fd, pair, sizeof pair) == sizeof pair && pair[0]) auxv += pair[0] == 6 && pair[1] == PAGE;
    CHECK(auxv == 1 && pair[0] == 0);
    close(fd);
}

static void descriptors(void) {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    char name[30];
    int fds[] = {eventfd(5, EFD_SEMAPHORE), epoll_create1(0), timerfd_create(CLOCK_MONOTONIC, 0), signalfd(-1, &mask, 0)};
    struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 0xabc}};
    MUST(epoll_ctl(fds[1], EPOLL_CTL_ADD, fds[0], &event));
    static const char *wanted[] = {"eventfd-count", "events:", "clockid", "sigmask"};
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "fdinfo/%d", fds[i]);
        slurp(getpid(), name);
        char *at = strstr(text, wanted[i]);
        printf("%.*s\n", i == 0 ? 31 : i == 1 ? 48 : 200, at ? at : "nothing");
    }
    struct stat is;
    DIR *all = opendir("/proc/self/fd");
    int count = -3; /* "." and "..", and the directory's own. */
    while (readdir(all)) count++;
    closedir(all);
    MUST(stat("/proc/self/fd", &is));
    CHECK(is.st_size == count || is.st_size == 0); /* Before Linux 6.2 it did not know. */
    for (int i = 0; i < 4; i++) close(fds[i]);
}

int main(void) {
    int go[2], done[2];
    char one;
    MUST(pipe(go));
    MUST(pipe(done));
    int child = (int)MUST(fork());
    if (!child) {
        MUST(read(go[0], &one, 1));
        puts(shared);
        MUST(write(done[1], "x", 1));
        MUST(read(go[0], &one, 1));
        _exit(3);
    }
    memory_of(child);
    MUST(write(go[1], "x", 1));
    MUST(read(done[0], &one, 1));
    char name[40];
    snprintf(name, sizeof name, "task/%d/children", getpid());
    CHECK(slurp(getpid(), name) && atoi(text) == child);
    printf("%s", slurp(child, "uid_map"));
    printf("%s", slurp(child, "setgroups"));
    printf("%s", slurp(child, "timerslack_ns"));
    MUST(kill(child, SIGKILL));
    siginfo_t info;
    MUST(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    CHECK(slurp(child, "smaps") && !*text);
    MUST(waitpid(child, NULL, 0));
    CHECK(!slurp(child, "io"));
    counters();
    descriptors();
    DONE();
}
