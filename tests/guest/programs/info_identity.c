/* The id calls: consistent among each other, and what one may set. */
#include "check.h"
#include <sys/syscall.h>

int main(void) {
    uid_t r, e, s;
    gid_t rg, eg, sg;
    CHECK(getpid() > 0 && syscall(SYS_gettid) == getpid());
    CHECK(getppid() >= 0 && getppid() != getpid());
    CHECK(getpgrp() == getpgid(0) && getpgid(getpid()) == getpgrp());
    CHECK(getsid(0) >= 0);
    SHOW(getpgid(0x7ffffffe));
    SHOW(getresuid(&r, &e, &s));
    CHECK(r == getuid() && e == geteuid());
    SHOW(getresgid(&rg, &eg, &sg));
    CHECK(rg == getgid() && eg == getegid());
    SHOW(setuid(getuid()));
    SHOW(setgid(getgid()));
    SHOW(setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1));
    SHOW(setreuid((uid_t)-1, (uid_t)-1));
    CHECK(getgroups(0, NULL) >= 0);
    SHOW(getgroups(-1, NULL));
    SHOW(syscall(SYS_set_tid_address, &r) == getpid());
    int pid = 0;
    CHECK(syscall(SYS_getpid) == getpid() && pid == 0);
    DONE();
}
