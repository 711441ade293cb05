/* System V semaphores: operations together or not at all, waiting, SEM_UNDO, what semctl tells, removal. */
#include "check.h"
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

static int id;

static int op(int number, int change, int flags) {
    struct sembuf one = {(unsigned short)number, (short)change, (short)flags};
    return semop(id, &one, 1);
}

static void all(void) {
    unsigned short values[4];
    MUST(semctl(id, 0, GETALL, (union semun){.array = values}));
    printf("values %d %d %d %d\n", values[0], values[1], values[2], values[3]);
}

static pid_t child(void) {
    fflush(stdout);
    return (pid_t)MUST(fork());
}

static int status_of(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void until_waiting(int number, int command, int count) {
    while (semctl(id, number, command) < count) usleep(1000);
}

static void alone(void) {
    all();
    SHOW(op(0, 3, 0));
    SHOW(op(0, -4, IPC_NOWAIT));
    SHOW(op(0, 0, IPC_NOWAIT));
    SHOW(op(1, 0, 0));
    SHOW(op(4, 1, 0));
    SHOW(op(0, 32767, 0));
    struct sembuf several[] = {{0, -2, 0}, {1, 5, 0}, {0, -2, IPC_NOWAIT}};
    SHOW(semop(id, several, 3));
    all();
    several[2].sem_op = -1;
    SHOW(semop(id, several, 3));
    all();
    SHOW(semop(id, several, 0));
    SHOW(semop(id, (void *)8, 1));
    SHOW(semop(-1, several, 1));
    SHOW(semop(id, several, 501));
    struct timespec soon = {0, 2000000}, bad = {0, -1};
    several[0].sem_op = -9;
    SHOW(semtimedop(id, several, 1, &soon));
    SHOW(semtimedop(id, several, 1, &bad));
    SHOW(semctl(id, 2, SETVAL, (union semun){.val = 9}));
    SHOW(semctl(id, 2, SETVAL, (union semun){.val = 32768}));
    SHOW(semctl(id, 4, SETVAL, (union semun){.val = 1}));
    SHOW(semctl(id, 2, GETVAL));
    CHECK(semctl(id, 2, GETPID) == getpid());
    SHOW(semctl(id, 3, GETPID));
    SHOW(semctl(id, 9, GETVAL));
    SHOW(semctl(id, 0, 77));
    unsigned short values[] = {1, 2, 3, 4}, wrong[] = {1, 2, 3, 40000};
    SHOW(semctl(id, 0, SETALL, (union semun){.array = wrong}));
    SHOW(semctl(id, 0, SETALL, (union semun){.array = values}));
    all();
    struct semid_ds status;
    SHOW(semctl(id, 0, IPC_STAT, (union semun){.buf = &status}));
    printf("%lu semaphores, mode %o, operated %d\n", (unsigned long)status.sem_nsems, status.sem_perm.mode,
           status.sem_otime != 0);
}

static void waiting(void) {
    unsigned short zeros[4] = {0};
    MUST(semctl(id, 0, SETALL, (union semun){.array = zeros}));
    pid_t first = child();
    if (!first) _exit(op(0, -2, 0) == 0 ? 1 : 9);
    until_waiting(0, GETNCNT, 1);
    pid_t second = child();
    if (!second) _exit(op(0, -1, 0) == 0 ? 2 : 9);
    until_waiting(0, GETNCNT, 2);
    SHOW(semctl(id, 0, GETZCNT));
    SHOW(op(0, 1, 0)); /* Enough for the second only. */
    printf("second %d\n", status_of(second));
    SHOW(semctl(id, 0, GETNCNT));
    SHOW(op(0, 2, 0));
    printf("first %d\n", status_of(first));
    all();
    SHOW(op(1, 2, 0));
    pid_t zero = child();
    if (!zero) _exit(op(1, 0, 0) == 0 ? 3 : 9);
    until_waiting(1, GETZCNT, 1);
    SHOW(op(1, -1, 0));
    SHOW(op(1, -1, 0));
    printf("zero %d\n", status_of(zero));
}

static void handler(int number) { (void)number; }

static void undo(void) {
    MUST(semctl(id, 0, SETVAL, (union semun){.val = 5}));
    pid_t pid = child();
    if (!pid) {
        op(0, -3, SEM_UNDO);
        op(0, 1, SEM_UNDO);
        op(0, 1, 0);
        _exit(0);
    }
    printf("undo %d\n", status_of(pid));
    all();
    /* A process that is killed while it holds a semaphore gives it back, to the one that waits. */
    MUST(semctl(id, 3, SETVAL, (union semun){.val = 1}));
    pid_t holder = child();
    if (!holder) {
        op(3, -1, SEM_UNDO);
        op(2, 1, 0);
        for (;;) pause();
    }
    MUST(op(2, -1, 0));
    pid_t waiter = child();
    if (!waiter) _exit(op(3, -1, 0) == 0 ? 4 : 9);
    until_waiting(3, GETNCNT, 1);
    kill(holder, SIGKILL);
    printf("holder %d\n", status_of(holder));
    printf("waiter %d\n", status_of(waiter));
    all();
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    ualarm(3000, 3000);
    SHOW(op(3, -1, 0)); /* Never started again. */
    ualarm(0, 0);
}

static void removal(void) {
    pid_t pid = child();
    if (!pid) _exit(op(3, -1, 0) == -1 && errno == EIDRM ? 5 : 9);
    until_waiting(3, GETNCNT, 1);
    SHOW(semctl(id, 0, IPC_RMID));
    printf("removed %d\n", status_of(pid));
    SHOW(op(0, 1, 0));
}

int main(void) {
    key_t key = (key_t)(0x4d000000 | (getpid() & 0xffff));
    SHOW(semget(key, 4, 0600));
    id = (int)MUST(semget(key, 4, IPC_CREAT | IPC_EXCL | 0600));
    CHECK(semget(key, 0, 0) == id);
    SHOW(semget(key, 5, 0));
    SHOW(semget(IPC_PRIVATE, 0, 0600));
    SHOW(semget(IPC_PRIVATE, 32001, 0600));
    alone();
    waiting();
    undo();
    removal();
    DONE();
}
