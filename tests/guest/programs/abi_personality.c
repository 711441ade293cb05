/* personality: asked with -1, and kept otherwise. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/personality.h>
#include <sys/utsname.h>
int main(void) {
    struct utsname names;
    long before = syscall(SYS_personality, 0xffffffff);
    CHECK(before >= 0 && syscall(SYS_personality, before | PER_LINUX32) == before);
    CHECK((syscall(SYS_personality, 0xffffffff) & PER_MASK) == PER_LINUX32);
    MUST(uname(&names));
    printf("  %s\n", names.machine);
    CHECK((syscall(SYS_personality, before) & PER_MASK) == PER_LINUX32);
    MUST(uname(&names));
    printf("  %s\n", names.machine);
    CHECK(syscall(SYS_syslog, 3, NULL, -1) == -1);
    CHECK(syscall(SYS_name_to_handle_at, AT_FDCWD, "missing", &names, &names, 1) == -1);
    DONE();
}
