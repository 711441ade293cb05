/* mlock and its like, within a limit that the program sets for itself, and mincore. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/resource.h>
int main(void) {
    char *at = map_anonymous(8 * PAGE);
    unsigned char present[8] = {0};
    memset(at, 1, 3 * PAGE);
    CALL(mlock, at, PAGE);
    CALL(mlock, at + 1, PAGE);
    CALL(munlock, at, 2 * PAGE);
    CALL(mlock2, at, PAGE, 1);
    CALL(mlock2, at, PAGE, 2);
    MUST(munmap(at + 4 * PAGE, PAGE));
    CALL(mlock, at + 3 * PAGE, 3 * PAGE);
    CALL(munlock, at + 3 * PAGE, 3 * PAGE);
    CALL(mlockall, 0);
    CALL(mlockall, 8);
    CALL(mlockall, 4);
    CHECK(syscall(SYS_mlockall, 1) == 0 || errno == ENOMEM || errno == EPERM);
    CALL(munlockall);
    CALL(mincore, at, 3 * PAGE, present);
    CHECK(present[0] & 1 && present[1] & 1 && present[2] & 1);
    CALL(mincore, at + 1, PAGE, present);
    CALL(mincore, at + 3 * PAGE, 3 * PAGE, present);
    CALL(mincore, at, PAGE, (void *)8);
    DONE();
}
