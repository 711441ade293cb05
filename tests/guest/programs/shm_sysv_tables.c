/* What is told of System V objects: /proc/sysvipc, SHM_STAT by index, limits in structures and in /proc/sys. */
#include "check.h"
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

union semun {
    int val;
    void *buf;
    struct seminfo *info;
};

static void find(const char *path, int id, const char *what) {
    char line[512];
    int found = 0, first = 1, key, number;
    unsigned mode;
    FILE *file = fopen(path, "r");
    while (fgets(line, sizeof line, file)) {
        if (first) {
            for (char *end = line + strlen(line); end > line && (end[-1] == '\n' || end[-1] == ' ');) *--end = 0;
            printf("%s\n", line);
            first = 0;
        } else if (sscanf(line, "%d %d %o", &key, &number, &mode) == 3 && number == id) {
            printf("%s: key %d mode %o length %d\n", what, key, mode, (int)strlen(line));
            found++;
        }
    }
    fclose(file);
    SHOW(found);
}

static void number_in(const char *path) {
    char line[128] = "";
    FILE *file = fopen(path, "r");
    CHECK(file && fgets(line, sizeof line, file) && atoll(line) != 0);
    fclose(file);
}

int main(void) {
    int shm = (int)MUST(shmget(IPC_PRIVATE, 12345, 0640));
    int sem = (int)MUST(semget(IPC_PRIVATE, 7, 0604));
    int msg = (int)MUST(msgget(IPC_PRIVATE, 0600));
    find("/proc/sysvipc/shm", shm, "segment");
    find("/proc/sysvipc/sem", sem, "set");
    find("/proc/sysvipc/msg", msg, "queue");
    struct shmid_ds segment;
    int highest = shmctl(0, IPC_INFO, &segment), seen = 0;
    for (int i = 0; i <= highest; i++) seen += shmctl(i, SHM_STAT, &segment) == shm && segment.shm_segsz == 12345;
    SHOW(seen);
    struct shminfo limits;
    CHECK(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits) >= 0);
    printf("shmmin %lu shmmni %lu shmseg %lu\n", limits.shmmin, limits.shmmni, limits.shmseg);
    struct shm_info use;
    CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)&use) >= 0 && use.used_ids >= 1 && use.shm_tot >= 4);
    struct semid_ds set;
    highest = semctl(0, 0, IPC_INFO, (union semun){.buf = &(struct seminfo){0}}), seen = 0;
    for (int i = 0; i <= highest; i++)
        seen += semctl(i, 0, SEM_STAT, (union semun){.buf = &set}) == sem && set.sem_nsems == 7;
    SHOW(seen);
    struct seminfo semaphores;
    CHECK(semctl(0, 0, SEM_INFO, (union semun){.info = &semaphores}) >= 0);
    printf("semmsl %d semopm %d semvmx %d\n", semaphores.semmsl, semaphores.semopm, semaphores.semvmx);
    CHECK(semaphores.semusz >= 1 && semaphores.semaem >= 7);
    struct msqid_ds queue;
    highest = msgctl(0, IPC_INFO, &queue), seen = 0;
    for (int i = 0; i <= highest; i++) seen += msgctl(i, MSG_STAT, &queue) == msg && queue.msg_qbytes == 16384;
    SHOW(seen);
    struct msginfo messages;
    CHECK(msgctl(0, MSG_INFO, (struct msqid_ds *)&messages) >= 0);
    printf("msgmax %d msgmnb %d\n", messages.msgmax, messages.msgmnb);
    number_in("/proc/sys/kernel/shmmax"), number_in("/proc/sys/kernel/shmmni"), number_in("/proc/sys/kernel/sem");
    number_in("/proc/sys/kernel/msgmax"), number_in("/proc/sys/kernel/msgmnb");
    SHOW(shmctl(31000, SHM_STAT, &segment));
    SHOW(shmctl(shm, IPC_RMID, NULL));
    SHOW(semctl(sem, 0, IPC_RMID));
    SHOW(msgctl(msg, IPC_RMID, NULL));
    DONE();
}
