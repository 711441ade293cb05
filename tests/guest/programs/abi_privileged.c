/* What nobody may do without capabilities: mounts, swap, reboot, accounting. The checks that come before. */
#include "check.h"
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
int main(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    MUST(syscall(SYS_capset, &header, none));
    CALL(mount, "none", ".", "tmpfs", 0, NULL);
    CALL(mount, "none", "missing", "tmpfs", 0, NULL);
    CALL(mount, (void *)8, ".", "tmpfs", 0, NULL);
    CALL(mount, "none", (void *)8, "tmpfs", 0, NULL);
    CALL(mount, "none", ".", (void *)8, 0, NULL);
    CALL(mount, "none", ".", "tmpfs", 0, (void *)8);
    CALL(mount, NULL, ".", NULL, MS_REMOUNT | MS_BIND, NULL);
    CALL(umount2, ".", 0);
    CALL(umount2, ".", 0x100);
    CALL(umount2, "missing", 0);
    CALL(umount2, (void *)8, 0);
    CALL(pivot_root, ".", ".");
    CALL(pivot_root, (void *)8, ".");
    CALL(swapon, "missing", 0);
    CALL(swapon, "missing", 0x1000000);
    CALL(swapoff, (void *)8);
    CALL(reboot, 1, 2, 3, 4);
    CALL(acct, "missing");
    CALL(acct, NULL);
    CALL(vhangup);
    CALL(fsopen, "tmpfs", 0);
    CALL(fsopen, (void *)8, 99);
    CALL(fsmount, -1, 0, 0);
    CALL(fspick, AT_FDCWD, ".", 0);
    CALL(move_mount, -1, "", -1, "", 0);
    DONE();
}
