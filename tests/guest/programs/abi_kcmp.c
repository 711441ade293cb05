/* kcmp: what a process and its child have in common. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#define SAME(a, b, kind, x, y) CHECK(syscall(SYS_kcmp, a, b, kind, x, y) == 0)
#define OTHER(a, b, kind, x, y) CHECK(syscall(SYS_kcmp, a, b, kind, x, y) + syscall(SYS_kcmp, b, a, kind, y, x) == 3)
enum { OPEN_FILE, VM, FILES, FS, SIGHAND, IO, SYSVSEM, EPOLL };
int main(void) {
    int hold[2], fd = make_file("file", 1, 1), copy = (int)MUST(dup(fd)), again = (int)MUST(open("file", O_RDONLY));
    pid_t self = getpid();
    MUST(pipe(hold));
    pid_t child = (pid_t)MUST(fork());
    if (!child) return (int)read(hold[0], &(char){0}, 1) - 1;
    SAME(self, self, OPEN_FILE, fd, copy);
    SAME(self, child, OPEN_FILE, fd, copy);
    OTHER(self, child, OPEN_FILE, fd, again);
    for (int kind = VM; kind <= SYSVSEM; kind++) SAME(self, self, kind, 0, 0);
    OTHER(self, child, VM, 0, 0);
    OTHER(self, child, FILES, 0, 0);
    OTHER(self, child, FS, 0, 0);
    OTHER(self, child, SIGHAND, 0, 0);
    SAME(self, child, SYSVSEM, 0, 0);
    int set = (int)MUST(epoll_create1(0)), quiet[2];
    MUST(pipe(quiet));
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, quiet[0], &(struct epoll_event){.events = EPOLLIN}));
    struct { uint32_t set, watched, which; } slot = {(uint32_t)set, (uint32_t)quiet[0], 0};
    SAME(self, self, EPOLL, quiet[0], &slot);
    CHECK(syscall(SYS_kcmp, self, self, EPOLL, fd, &slot) > 0);
    slot.which = 1;
    SHOW(syscall(SYS_kcmp, self, self, EPOLL, fd, &slot));
    slot.watched = 77;
    SHOW(syscall(SYS_kcmp, self, self, EPOLL, fd, &slot));
    slot.set = (uint32_t)fd;
    SHOW(syscall(SYS_kcmp, self, self, EPOLL, fd, &slot));
    slot.set = 77;
    SHOW(syscall(SYS_kcmp, self, self, EPOLL, fd, &slot));
    SHOW(syscall(SYS_kcmp, self, self, EPOLL, fd, NULL));
    SHOW(syscall(SYS_kcmp, self, self, OPEN_FILE, fd, 77));
    SHOW(syscall(SYS_kcmp, self, self, 8, fd, 77));
    SHOW(syscall(SYS_kcmp, self, self, -1, fd, 77));
    SHOW(syscall(SYS_kcmp, 0x3ffffff, self, 8, 0, 0));
    SHOW(syscall(SYS_kcmp, self, 0, 8, 0, 0));
    MUST(write(hold[1], "x", 1));
    int status;
    MUST(waitpid(child, &status, 0));
    CHECK(status == 0);
    DONE();
}
