/* System V shared memory: keys, permissions, attaching at addresses, counting, removal, fork and exec. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>

static struct shmid_ds status;

static void show(int id) {
    MUST(shmctl(id, IPC_STAT, &status));
    printf("size %lu attached %lu mode %o creator %d last %d attach %d detach %d change %d\n",
           (unsigned long)status.shm_segsz, (unsigned long)status.shm_nattch, status.shm_perm.mode,
           status.shm_cpid == getpid(), status.shm_lpid == getpid(), status.shm_atime != 0, status.shm_dtime != 0,
           status.shm_ctime != 0);
}

static void keys(void) {
    key_t key = (key_t)(0x4c000000 | (getpid() & 0xffff));
    SHOW(shmget(key, 5000, 0600));
    int id = (int)MUST(shmget(key, 5000, IPC_CREAT | 0640));
    CHECK(shmget(key, 5000, 0) == id);
    CHECK(shmget(key, 0, IPC_CREAT) == id);
    SHOW(shmget(key, 5001, 0));
    SHOW(shmget(key, 5000, IPC_CREAT | IPC_EXCL));
    SHOW(shmget(IPC_PRIVATE, 0, 0600));
    show(id);
    CHECK(status.shm_perm.__key == key && status.shm_perm.uid == geteuid() && status.shm_perm.cgid == getegid());
    status.shm_perm.mode = 0604;
    SHOW(shmctl(id, IPC_SET, &status));
    show(id);
    SHOW(shmctl(id, SHM_LOCK, NULL));
    show(id);
    SHOW(shmctl(id, SHM_UNLOCK, NULL));
    SHOW(shmctl(id, 999, NULL));
    SHOW(shmctl(-1, IPC_STAT, &status));
    SHOW(shmctl(id, IPC_STAT, (void *)8));
    SHOW(shmctl(id, IPC_RMID, NULL));
    SHOW(shmctl(id, IPC_STAT, &status));
    SHOW((long)shmat(id, NULL, 0));
    SHOW(shmget(key, 5000, 0));
}

static void attach(void) {
    int id = (int)MUST(shmget(IPC_PRIVATE, 2 * PAGE + 1, 0600));
    char *map = shmat(id, NULL, 0);
    MUST((long)map);
    CHECK(all_are(map, 3 * PAGE, 0));
    char *free_place = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(munmap(free_place, 16 * PAGE));
    CHECK(shmat(id, free_place, 0) == free_place);
    SHOW((long)shmat(id, free_place, 0));
    SHOW((long)shmat(id, free_place + 1, 0));
    SHOW((long)shmat(id, NULL, SHM_REMAP));
    CHECK(shmat(id, free_place + 4 * PAGE + 100, SHM_RND) == free_place + 4 * PAGE);
    char *reader = shmat(id, NULL, SHM_RDONLY);
    strcpy(map, "one segment");
    strcpy(free_place + 2 * PAGE - 3, "across");
    puts(reader);
    puts(map + 2 * PAGE - 3);
    WRITES(reader);
    SHOW(mprotect(reader, PAGE, PROT_READ | PROT_WRITE));
    show(id);
    SHOW(shmdt(map + PAGE));
    SHOW(shmdt(map + 1));
    SHOW(shmdt(map));
    SHOW(shmdt(map));
    SHOW(munmap(free_place + PAGE, PAGE));
    show(id);
    SHOW(shmdt(free_place));
    CHECK(kernel_reads(free_place + 2 * PAGE) == EFAULT);
    SHOW(munmap(free_place + 4 * PAGE, 3 * PAGE));
    show(id);
    CHECK(shmat(id, reader, SHM_REMAP) == reader);
    WRITES(reader);
    show(id);
    SHOW(shmctl(id, IPC_RMID, NULL));
    show(id);
    CHECK(status.shm_perm.__key == IPC_PRIVATE);
    char *late = shmat(id, NULL, 0); /* Linux lets one attach what is only marked for removal. */
    CHECK(late != (void *)-1 && !strcmp(late + 1, "ne segment"));
    SHOW(shmdt(late));
    SHOW(shmdt(reader));
    SHOW(shmctl(id, IPC_STAT, &status));
}

static void children(char **argv) {
    int id = (int)MUST(shmget(IPC_PRIVATE, PAGE, 0600));
    int *map = shmat(id, NULL, 0);
    for (int child = 0; child < 2; child++)
        if (fork() == 0) {
            __atomic_fetch_add(map, 1, __ATOMIC_SEQ_CST);
            shmctl(id, IPC_STAT, &status);
            map[1 + child] = status.shm_nattch >= 2;
            char number[16];
            snprintf(number, sizeof number, "%d", id);
            if (child) execl(argv[0], argv[0], number, (char *)NULL);
            _exit(0);
        }
    while (wait(NULL) > 0) continue;
    printf("%d %d %d %d\n", map[0], map[1], map[2], map[3]);
    show(id);
    SHOW(shmctl(id, IPC_RMID, NULL));
    map[0] = 7; /* Still here. */
    printf("%d\n", map[0]);
}

int main(int argc, char **argv) {
    if (argc > 1) { /* After exec nothing is attached, but it can be again. */
        MUST(shmctl(atoi(argv[1]), IPC_STAT, &status));
        int *map = shmat(atoi(argv[1]), NULL, 0);
        map[3] = status.shm_nattch <= 2 ? 42 : 0;
        return 0;
    }
    keys();
    attach();
    children(argv);
    DONE();
}
