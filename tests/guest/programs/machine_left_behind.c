/* Leaves System V objects, a file in /dev/shm, and a child that maps all kinds of shared memory, and ends: all is gone then.
 * "there" or "new" tells what it found. */
#include "check.h"
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { KEY = 0x4c4547 };

static const char *state(int found) { return found < 0 ? "new" : "there"; }

int main(void) {
    printf("%s %s %s %s\n", state(shmget(KEY, 0, 0)), state(semget(KEY, 0, 0)), state(msgget(KEY, 0)),
           state(access("/dev/shm/left", F_OK)));
    int id = (int)MUST(shmget(KEY, 10 * PAGE, IPC_CREAT | 0600));
    memset(shmat(id, NULL, 0), 1, 10 * PAGE);
    MUST(semget(KEY, 5, IPC_CREAT | 0600));
    int queue = (int)MUST(msgget(KEY, IPC_CREAT | 0600));
    struct {
        long type;
        char text[100];
    } message = {1, "left"};
    MUST(msgsnd(queue, &message, 100, 0));
    int file = (int)MUST(open("/dev/shm/left", O_CREAT | O_RDWR, 0600)), memory = (int)MUST(memfd_create("left", 0));
    MUST(ftruncate(file, 4 * PAGE)), MUST(ftruncate(memory, 4 * PAGE));
    int ready[2];
    MUST(pipe(ready));
    if (fork() == 0) {
        memset(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), 2, 4 * PAGE);
        memset(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0), 3, 4 * PAGE);
        memset(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 4, 4 * PAGE);
        write(ready[1], "x", 1);
        for (;;) pause();
    }
    char byte;
    MUST(read(ready[0], &byte, 1));
    return 0;
}
