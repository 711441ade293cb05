/* Shrinking what is mapped: SIGBUS with its address beyond the end, and contents again after growing. On a memfd, a file and
 * /dev/shm; by the process itself and by another. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

static sigjmp_buf back;
static char *fault_at;

static void on_bus(int number, siginfo_t *info, void *context) {
    (void)context;
    fault_at = info->si_addr;
    siglongjmp(back, number * 100 + info->si_code);
}

static void touch(const char *what, volatile char *at, int write) {
    int fault = sigsetjmp(back, 1);
    if (!fault) {
        if (write)
            *at = 'w';
        else
            (void)*at;
        printf("%s: fine\n", what);
    } else
        printf("%s: signal %d code %d, address right: %d\n", what, fault / 100, fault % 100, fault_at == (char *)at);
}

static void run(int fd) {
    MUST(ftruncate(fd, 3 * PAGE));
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *view = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    memset(map, 'a', 3 * PAGE);
    touch("beyond", map + 3 * PAGE + 5, 0);
    SHOW(ftruncate(fd, PAGE + 10));
    touch("cut, read", map + 2 * PAGE + 7, 0);
    touch("cut, written", map + 2 * PAGE + 7, 1);
    touch("cut, other view", view + 2 * PAGE + 8, 0);
    touch("last page", map + PAGE + 100, 0);
    CHECK(view[PAGE + 9] == 'a' && view[PAGE + 10] == 0);
    SHOW(ftruncate(fd, 3 * PAGE));
    touch("grown", map + 2 * PAGE + 7, 1);
    CHECK(all_are(view + PAGE + 10, PAGE - 10, 0));
    CHECK(view[2 * PAGE + 7] == 'w');
    fflush(stdout);
    if (fork() == 0) {
        ftruncate(fd, 0);
        _exit(0);
    }
    wait(NULL);
    touch("cut by a child", map, 0);
    CHECK(kernel_reads(map) == EFAULT);
    MUST(munmap(map, 4 * PAGE));
    MUST(munmap(view, 4 * PAGE));
    close(fd);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
    run((int)MUST(memfd_create("x", 0)));
    run(make_file("file", 0, 0));
    char name[64];
    snprintf(name, sizeof name, "/dev/shm/lego-cut-%d", (int)getpid());
    int fd = (int)MUST(open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    unlink(name);
    run(fd);
    DONE();
}
