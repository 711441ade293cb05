/* Group and file-system identities: what one may always do, and what is out of range. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <grp.h>
int main(void) {
    unsigned real, effective, saved, uid = getuid(), gid = getgid();
    CALL(getresgid, &real, &effective, &saved);
    CHECK(real == gid && effective == gid && saved == gid);
    CALL(getresgid, (void *)8, &effective, &saved);
    CALL(setregid, -1, gid);
    CALL(setregid, gid, -1);
    CALL(setresgid, -1, gid, -1);
    CALL(setresuid, -1, uid, -1);
    CALL(setreuid, uid, uid);
    CALL(setuid, -1);
    CALL(setgid, -1);
    CHECK((unsigned)syscall(SYS_setfsuid, uid) == uid && (unsigned)syscall(SYS_setfsuid, -1) == uid);
    CHECK((unsigned)syscall(SYS_setfsgid, gid) == gid && (unsigned)syscall(SYS_setfsgid, -1) == gid);
    CALL(setgroups, 65537, &gid);
    gid_t groups[64];
    int count = getgroups(64, groups);
    CHECK(count >= 0 && (syscall(SYS_setgroups, count, groups) == 0 || errno == EPERM));
    CALL(getgroups, -1, &gid);
    DONE();
}
