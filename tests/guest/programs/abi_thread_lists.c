/* Robust lists and membarrier, as a C library finds out about them. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <linux/futex.h>
#include <linux/membarrier.h>
int main(void) {
    struct robust_list_head list = {{&list.list}, 0, NULL}, *found = NULL;
    size_t length = 0;
    CALL(set_robust_list, &list, sizeof list);
    CALL(set_robust_list, &list, sizeof list - 1);
    CALL(get_robust_list, 0, &found, &length);
    CHECK(found == &list && length == sizeof list);
    CALL(get_robust_list, 0x3ffffff, &found, &length);
    CALL(get_robust_list, 0, NULL, &length);
    CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) >= 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    CALL(membarrier, MEMBARRIER_CMD_QUERY, 1, 0);
    CALL(membarrier, 1 << 20, 0, 0);
    CHECK(syscall(SYS_set_tid_address, NULL) == getpid());
    DONE();
}
