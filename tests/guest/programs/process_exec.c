/* run: basic
 * run: errors
 * run: kept
 * run: limits
 * run: at
 * run: script
 * run: mapped
 * run: chain 6
 * builds: static dynamic
 * execve(2), execveat(2): what a new program gets, and what fails without harm. */
#include "check.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

extern char **environ;
static const char *self;

static int finish(pid_t pid) {
    int status;
    MUST(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
#define RUN(statement)                          \
    ({                                          \
        fflush(stdout);                         \
        pid_t run_pid = (pid_t)MUST(fork());    \
        if (run_pid == 0) {                     \
            statement;                          \
            printf("%s\n", error_name(errno)); \
            exit(70);                           \
        }                                       \
        finish(run_pid);                        \
    })

static void report(int argc, char **argv) {
    for (int i = 0; i < argc; i++) printf("argv[%d] = %s\n", i, i ? argv[i] : "...");
    for (char **each = environ; *each; each++) printf("%s\n", *each);
}

static void basic(void) {
    char *arguments[] = {"name", "report", "a b", "", NULL}, *variables[] = {"X=1", "Y", NULL}, *none[] = {NULL};
    SHOW(RUN(execve(self, arguments, variables)));
    SHOW(RUN(execve(self, arguments, none)));
    SHOW(RUN(execve(self, arguments, NULL)));
    SHOW(RUN(execl("/bin/echo", "echo", "one", "two", NULL)));
    SHOW(RUN(execlp("true", "true", NULL)));
}

static void errors(void) {
    char *arguments[] = {"name", NULL};
    MUST(close(creat("plain", 0644)));
    MUST(close(creat("empty", 0755)));
    MUST(mkdir("directory", 0755));
    int fd = (int)MUST(open("broken", O_WRONLY | O_CREAT, 0755));
    MUST(write(fd, "#!/no/such/interpreter\n", 23));
    MUST(close(fd));
    char *heap = malloc(100000);
    fill(heap, 100000, 3);
    uint64_t before = checksum(heap, 100000);
    SHOW(execve("/nowhere", arguments, environ));
    SHOW(execve("", arguments, environ));
    SHOW(execve("plain", arguments, environ));
    SHOW(execve("plain/x", arguments, environ));
    SHOW(execve("empty", arguments, environ));
    SHOW(execve("directory", arguments, environ));
    SHOW(execve("broken", arguments, environ));
    SHOW(execve((char *)8, arguments, environ));
    SHOW(execve("/bin/true", (char **)8, environ));
    char *bad[] = {"name", (char *)8, NULL};
    SHOW(execve("/bin/true", bad, environ));
    SHOW(execve("/bin/true", arguments, (char **)8));
    SHOW(execve("/dev/null", arguments, environ));
    CHECK(checksum(heap, 100000) == before);
}

static volatile sig_atomic_t seen;
static void on_signal(int number) { seen = number; }
static void kept(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    int open_fd = (int)MUST(open("/dev/null", O_RDONLY)), closing = (int)MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));
    char one[20], two[20], number[20];
    snprintf(one, sizeof one, "%d", open_fd);
    snprintf(two, sizeof two, "%d", closing);
    snprintf(number, sizeof number, "%d", (int)getpid());
    signal(SIGUSR1, on_signal);
    signal(SIGHUP, SIG_IGN);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    MUST(raise(SIGUSR2));
    stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
    MUST(sigaltstack(&stack, NULL));
    struct itimerval timer = {.it_value = {500, 0}};
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    umask(027);
    MUST(mkdir("place", 0755));
    MUST(chdir("place"));
    execl(self, self, "after", one, two, number, NULL);
}
static void after(char **argv) {
    CHECK(getpid() == atoi(argv[4]));
    SHOW(fcntl(atoi(argv[2]), F_GETFD));
    SHOW(fcntl(atoi(argv[3]), F_GETFD));
    struct sigaction action;
    MUST(sigaction(SIGUSR1, NULL, &action));
    CHECK(action.sa_handler == SIG_DFL);
    MUST(sigaction(SIGHUP, NULL, &action));
    CHECK(action.sa_handler == SIG_IGN);
    sigset_t set;
    MUST(sigprocmask(SIG_BLOCK, NULL, &set));
    CHECK(sigismember(&set, SIGUSR2));
    MUST(sigpending(&set));
    CHECK(sigismember(&set, SIGUSR2));
    stack_t stack;
    MUST(sigaltstack(NULL, &stack));
    CHECK(stack.ss_flags == SS_DISABLE);
    struct itimerval timer;
    MUST(getitimer(ITIMER_REAL, &timer));
    CHECK(timer.it_value.tv_sec > 400);
    char comm[32] = "", directory[4096];
    int fd = (int)MUST(open("/proc/self/comm", O_RDONLY));
    MUST(read(fd, comm, sizeof comm - 1));
    CHECK(!strncmp(comm, "process_exec", 12));
    CHECK(getcwd(directory, sizeof directory) && strstr(directory, "/place"));
    umask(022);
}

static void limits(void) {
    static char big[200000];
    memset(big, 'x', sizeof big - 1);
    char *arguments[] = {"name", big, NULL};
    SHOW(execve("/bin/true", arguments, environ));
    big[131071] = 0;
    SHOW(RUN(execve("/bin/true", arguments, environ)));
    static char *many[40];
    for (int i = 0; i < 20; i++) many[i] = big;
    SHOW(execve("/bin/true", many, environ));
    SHOW(RUN(execve("/bin/true", arguments, many)));
    static char *small[20001];
    for (int i = 0; i < 20000; i++) small[i] = "abc";
    SHOW(RUN(execve("/bin/true", small, environ)));
}

static void at(void) {
    char *arguments[] = {"name", "report", NULL}, *none[] = {NULL};
    int directory = (int)MUST(open("/bin", O_RDONLY | O_DIRECTORY)), file = (int)MUST(open(self, O_RDONLY));
    MUST(symlink("/bin/true", "link"));
    SHOW(RUN(syscall(SYS_execveat, directory, "true", arguments, none, 0)));
    SHOW(RUN(syscall(SYS_execveat, file, "", arguments, none, AT_EMPTY_PATH)));
    SHOW(RUN(syscall(SYS_execveat, AT_FDCWD, "link", arguments, none, 0)));
    SHOW(syscall(SYS_execveat, AT_FDCWD, "link", arguments, none, AT_SYMLINK_NOFOLLOW));
    SHOW(syscall(SYS_execveat, file, "true", arguments, none, 0));
    SHOW(syscall(SYS_execveat, 99, "true", arguments, none, 0));
    SHOW(syscall(SYS_execveat, file, "", arguments, none, 0));
    SHOW(syscall(SYS_execveat, AT_FDCWD, "link", arguments, none, 0x8000));
    SHOW(RUN(execve("/proc/self/exe", arguments, none)));
}

static void script(void) {
    int fd = (int)MUST(open("script", O_WRONLY | O_CREAT, 0755));
    const char *text = "#!/bin/sh -e\necho \"$0\" \"$@\"\nexit 6\n";
    MUST(write(fd, text, strlen(text)));
    MUST(close(fd));
    SHOW(RUN(execl("./script", "name", "a", "b", NULL)));
}

static void mapped(void) {
    int fd = make_file("data", 3 * PAGE, 1);
    char *file = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    volatile int *words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    SHOW(RUN((memcpy(file, "written", 7), words[1] = 4, execl("/bin/true", "true", NULL))));
    CHECK(!memcmp(file, "written", 7) && words[1] == 4);
    file[2 * PAGE] = '!';
    words[2] = 9;
    CHECK(words[2] == 9);
    execl("/bin/true", "true", NULL);
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "basic";
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    self = path;
    if (!strcmp(how, "report")) report(argc, argv);
    if (!strcmp(how, "basic")) basic();
    if (!strcmp(how, "errors")) errors();
    if (!strcmp(how, "kept")) kept();
    if (!strcmp(how, "after")) after(argv);
    if (!strcmp(how, "limits")) limits();
    if (!strcmp(how, "at")) at();
    if (!strcmp(how, "script")) script();
    if (!strcmp(how, "mapped")) mapped();
    if (!strcmp(how, "chain")) {
        int left = atoi(argv[2]);
        char next[20];
        snprintf(next, sizeof next, "%d", left - 1);
        printf("%d\n", left);
        if (left > 0) execl(self, self, "chain", next, NULL);
    }
    DONE();
}
