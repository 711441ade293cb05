/* semop itself, which C libraries have replaced by semtimedop. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))

int main(void) {
    int id = (int)MUST(syscall(SYS_semget, IPC_PRIVATE, 2, 0600));
    struct sembuf both[2] = {{0, 2, 0}, {1, 1, 0}}, take[1] = {{0, -3, IPC_NOWAIT}}, far[1] = {{7, 1, 0}};
    SHOW(syscall(SYS_semop, id, both, 2));
    SHOW(syscall(SYS_semctl, id, 0, GETVAL, 0));
    SHOW(syscall(SYS_semop, id, take, 1));
    SHOW(syscall(SYS_semop, id, far, 1));
    SHOW(syscall(SYS_semop, id, both, 0));
    SHOW(syscall(SYS_semop, id, (void *)8, 1));
    take[0].sem_op = -2;
    SHOW(syscall(SYS_semop, id, take, 1));
    SHOW(syscall(SYS_semctl, id, 0, GETVAL, 0));
    MUST(syscall(SYS_semctl, id, 0, IPC_RMID, 0));
    CALL(semop, -1, both, 2);
    DONE();
}
