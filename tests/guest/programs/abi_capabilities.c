/* capget and capset: the version handshake, giving capabilities up, and what cannot be done without them. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <linux/capability.h>
#include <grp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
static struct __user_cap_header_struct header;
static struct __user_cap_data_struct data[2];
int main(void) {
    header.version = 1;
    CALL(capget, &header, NULL);
    CHECK(header.version == _LINUX_CAPABILITY_VERSION_3);
    header.version = 1;
    CALL(chroot, "/tmp/..");
    CALL(capget, &header, data);
    CALL(capset, &header, data);
    CALL(capget, &header, data);
    CALL(capget, (void *)8, data);
    header.pid = -5;
    CALL(capget, &header, data);
    header.pid = 0;
    memset(data, 0, sizeof data);
    CALL(capset, &header, data);
    data[0].permitted = 1;
    CALL(capset, &header, data);
    data[0].permitted = 0;
    CALL(capget, &header, data);
    printf("  %x %x %x\n", data[0].effective, data[0].permitted, data[0].inheritable);
    CALL(sethostname, "other", 5);
    CALL(setdomainname, "other", 5);
    CALL(settimeofday, (&(struct timeval){1, 0}), NULL);
    CALL(settimeofday, (&(struct timeval){1, 1000001}), NULL);
    CALL(clock_settime, CLOCK_REALTIME, (&(struct timespec){1, 0}));
    CALL(clock_settime, 99, (&(struct timespec){1, 0}));
    CALL(clock_settime, CLOCK_MONOTONIC, (&(struct timespec){1, 0}));
    CALL(setreuid, 12345, -1);
    CALL(setregid, 12345, -1);
    CALL(setresuid, -1, 12345, -1);
    CALL(setresgid, -1, 12345, -1);
    CALL(chroot, ".");
    CALL(setgroups, 0, NULL);
    struct timex change = {.modes = ADJ_FREQUENCY};
    CALL(adjtimex, &change);
    CALL(clock_adjtime, CLOCK_REALTIME, &change);
    CALL(mknod, "device", S_IFCHR | 0600, 0x103);
    CALL(setpriority, 0, 0, -5);
    DONE();
}
