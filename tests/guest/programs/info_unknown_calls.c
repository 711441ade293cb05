/* Calls that do not exist, or not for us, give ENOSYS or EPERM and change nothing. */
#include "check.h"
#include <sys/syscall.h>

int main(void) {
    static const long numbers[] = {156, 174, 177, 178, 180, 181, 183, 184, 185, 214, 215, 236, 400, 1000};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        errno = 0;
        long value = syscall(numbers[i], 0, 0, 0, 0, 0, 0);
        printf("%ld: %s\n", numbers[i], value == -1 ? error_name(errno) : "worked");
    }
    SHOW(syscall(SYS_set_robust_list, NULL, 24));
    SHOW(syscall(SYS_set_robust_list, NULL, 23));
    DONE();
}
