/* Three processes pass numbers round a ring of mailboxes in System V memory, with semaphores for the turns; what each adds is
 * there in the end. */
#include "check.h"
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

enum { PROCESSES = 3, ROUNDS = 12 };

static int semaphores;

static void change(int number, int by) {
    struct sembuf one = {(unsigned short)number, (short)by, 0};
    MUST(semop(semaphores, &one, 1));
}

int main(void) {
    int id = (int)MUST(shmget(IPC_PRIVATE, PROCESSES * PAGE, 0600));
    semaphores = (int)MUST(semget(IPC_PRIVATE, PROCESSES, 0600));
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            char *map = shmat(id, NULL, 0);
            long *in = (long *)(map + (size_t)i * PAGE), *out = (long *)(map + (size_t)(i + 1) % PROCESSES * PAGE);
            for (int round = 0; round < ROUNDS; round++) {
                change(i, -1);
                memcpy(out, in, 64);
                out[0] = in[0] * 3 + i;
                out[1 + i]++;
                change((i + 1) % PROCESSES, 1);
            }
            _exit(0);
        }
    change(0, 1);
    int status, bad = 0;
    for (int i = 0; i < PROCESSES; i++) wait(&status), bad += status != 0;
    long *box = shmat(id, NULL, SHM_RDONLY);
    printf("bad %d: %ld, %ld %ld %ld\n", bad, box[0], box[1], box[2], box[3]);
    SHOW(semctl(semaphores, 0, GETVAL));
    MUST(shmctl(id, IPC_RMID, NULL));
    MUST(semctl(semaphores, 0, IPC_RMID));
    DONE();
}
