/* process_vm_readv and process_vm_writev between a parent and its child, which then sees what was written; where
 * memory ends in the middle; who may; and the errors. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/prctl.h>
static char *shared_out, *mine;
int main(void) {
    int go[2], back[2];
    pid_t self = getpid();
    MUST(pipe(go)), MUST(pipe(back));
    mine = map_anonymous(8 * PAGE);
    shared_out = map_anonymous(8 * PAGE);
    fill(mine, 4 * PAGE, 1);
    MUST(munmap(mine + 6 * PAGE, PAGE));
    MUST(mprotect(mine + 4 * PAGE, PAGE, PROT_READ));
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        char byte = 'r';
        fill(mine, 4 * PAGE, 2); /* Only in the child. */
        MUST(write(back[1], &byte, 1));
        MUST(read(go[0], &byte, 1));
        CHECK(!memcmp(mine + 100, "written from outside", 20));
        CHECK(!memcmp(mine + PAGE - 5, "0123456789", 10));
        MUST(prctl(PR_SET_DUMPABLE, 1));
        return check_failures;
    }
    char byte, buffer[3 * PAGE], other[3 * PAGE];
    MUST(read(back[0], &byte, 1));
    fill(other, sizeof other, 2);
    struct iovec local[3] = {{buffer, 10}, {buffer + 10, 0}, {buffer + 10, sizeof buffer - 10}};
    struct iovec remote[3] = {{mine, 5000}, {mine + 5000, 7288}, {NULL, 0}};
    SHOW(process_vm_readv(child, local, 3, remote, 3, 0));
    CHECK(!memcmp(buffer, other, sizeof buffer));
    local[0] = (struct iovec){"written from outside", 20}, local[1] = (struct iovec){"0123456789", 10};
    remote[0] = (struct iovec){mine + 100, 20}, remote[1] = (struct iovec){mine + PAGE - 5, 10};
    SHOW(process_vm_writev(child, local, 2, remote, 2, 0));
    fill(other, sizeof other, 1);
    CHECK(!memcmp(mine + 100, other + 100, 100));
    /* As far as memory goes, there and here. */
    local[0] = (struct iovec){buffer, sizeof buffer};
    remote[0] = (struct iovec){mine + 6 * PAGE - 50, 100};
    SHOW(process_vm_readv(child, local, 1, remote, 1, 0));
    remote[0] = (struct iovec){mine + 6 * PAGE, 100};
    SHOW(process_vm_readv(child, local, 1, remote, 1, 0));
    remote[0] = (struct iovec){mine + 4 * PAGE, 100};
    SHOW(process_vm_writev(child, local, 1, remote, 1, 0));
    remote[0] = (struct iovec){mine + 4 * PAGE - 30, 100};
    SHOW(process_vm_writev(child, local, 1, remote, 1, 0));
    local[0] = (struct iovec){mine + 6 * PAGE - 7, 100}, remote[0] = (struct iovec){mine, 100};
    SHOW(process_vm_readv(child, local, 1, remote, 1, 0));
    local[0] = (struct iovec){buffer, 100}, remote[0] = (struct iovec){(void *)0xffff800000000000, 100};
    SHOW(process_vm_readv(child, local, 1, remote, 1, 0));
    remote[0] = (struct iovec){mine, 100}, remote[1] = (struct iovec){(void *)-4096L, 100};
    local[0].iov_len = 150;
    SHOW(process_vm_readv(child, local, 1, remote, 2, 0));
    remote[1] = (struct iovec){mine, (size_t)-1};
    SHOW(process_vm_readv(child, local, 1, remote, 2, 0));
    SHOW(process_vm_readv(child, local, 1, remote, 1, 1));
    SHOW(process_vm_readv(child, local, 1025, remote, 1, 0));
    SHOW(process_vm_readv(child, local, 1, remote, 1025, 0));
    SHOW(process_vm_readv(child, local, 0, remote, 1, 0));
    SHOW(process_vm_readv(child, local, 1, remote, 0, 0));
    SHOW(process_vm_readv(0x3ffffff, local, 0, remote, 1, 0));
    SHOW(process_vm_readv(0x3ffffff, local, 1, remote, 1, 0));
    SHOW(process_vm_readv(0, local, 1, remote, 1, 0));
    SHOW(process_vm_readv(self, local, 1, remote, 1, 0));
    MUST(write(go[1], "g", 1));
    int status = 0;
    siginfo_t info;
    MUST(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    SHOW(process_vm_readv(child, local, 1, remote, 1, 0));
    MUST(waitpid(child, &status, 0));
    CHECK(status == 0);
    DONE();
}
