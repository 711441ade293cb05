/* Memory that processes share without having got it from each other: a file that each maps by itself, so that they may
 * run on different processors; with plain loads and stores, with calls, and with a futex. */
#include "check.h"
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGES 3
#define ROUNDS 20

static _Atomic int *map(void)
{
    int fd = open("shared", O_RDWR);
    _Atomic int *at = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return at;
}

static void wait_for(_Atomic int *word, int wanted)
{
    int now;
    while ((now = atomic_load(word)) < wanted)
        syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void set(_Atomic int *word, int value)
{
    atomic_store(word, value);
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int child(int number)
{
    _Atomic int *at = map();
    for (int round = 1; round <= ROUNDS; round++) {
        wait_for(&at[0], 2 * round - 1);
        at[1024 + number] += at[2048];                    /* What the parent stored just before. */
        set(&at[1 + number], round);
        while (atomic_load(&at[0]) < 2 * round)           /* Without a call: the other must run all the same. */
            ;
    }
    return at[1024 + number] == ROUNDS * (ROUNDS + 1) / 2 ? number : 99;
}

int main(void)
{
    int fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK((ftruncate(fd, PAGES * 4096)) == 0);
    for (int i = 0; i < 2; i++)
        if (fork() == 0)
            _exit(child(i));
    _Atomic int *at = map();
    for (int round = 1; round <= ROUNDS; round++) {
        at[2048] = round;
        atomic_store(&at[0], 2 * round - 1);
        syscall(SYS_futex, &at[0], FUTEX_WAKE, 2, NULL, NULL, 0);
        for (int i = 0; i < 2; i++)
            wait_for(&at[1 + i], round);
        set(&at[0], 2 * round);
    }
    for (int i = 0; i < 2; i++) {
        int status, pid = wait(&status);
        CHECK(pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 2);
    }
    CHECK((at[1024]) == ROUNDS * (ROUNDS + 1) / 2);
    CHECK((at[1025]) == ROUNDS * (ROUNDS + 1) / 2);

    /* A call that writes, a mapping that reads, and the other way round, in processes that ran apart. */
    int pipes[2][2], value = 0;
    MUST(pipe(pipes[0]) | pipe(pipes[1]));
    if (fork() == 0) {
        _Atomic int *mine = map();
        (void)mine[512];
        MUST(read(pipes[0][0], &value, 4));
        int seen = mine[512] == 77;
        mine[513] = 78;
        _exit(write(pipes[1][1], &seen, 4) == 4 ? 0 : 1);
    }
    value = 77;
    CHECK((pwrite(fd, &value, 4, 512 * 4)) == 4);
    CHECK((write(pipes[0][1], &value, 4)) == 4);
    CHECK((read(pipes[1][0], &value, 4)) == 4);
    CHECK((value) == 1);
    CHECK((pread(fd, &value, 4, 513 * 4)) == 4);
    CHECK((value) == 78);
    int status;
    wait(&status);
    CHECK((status) == 0);

    /* What one has stored, another writes back. */
    MUST(pipe(pipes[0]) | pipe(pipes[1]));
    int before = open("shared", O_RDONLY);
    if (fork() == 0) {
        _Atomic int *mine = map();
        mine[600] = 9;
        MUST(write(pipes[1][1], &value, 4));
        MUST(read(pipes[0][0], &value, 4));
        _exit(mine[600] == 10 ? 0 : 1);
    }
    MUST(read(pipes[1][0], &value, 4));
    CHECK(msync((void *)at, PAGES * 4096, MS_SYNC) == 0);
    CHECK(pread(before, &value, 4, 600 * 4) == 4 && value == 9);
    at[600]++;
    MUST(write(pipes[0][1], &value, 4));
    wait(&status);
    CHECK(status == 0);

    /* A mapping that was private to reading becomes writable. */
    if (fork() == 0) {
        int other = open("shared", O_RDWR);
        _Atomic int *mine = mmap(NULL, 4096, PROT_READ, MAP_SHARED, other, 0);
        (void)mine[700];
        MUST(mprotect((void *)mine, 4096, PROT_READ | PROT_WRITE));
        mine[700] = 5;
        MUST(msync((void *)mine, 4096, MS_SYNC));
        _exit(at[700] == 5 ? 0 : 1);
    }
    wait(&status);
    CHECK((status) == 0);
    CHECK((at[700]) == 5);
    DONE();
}
