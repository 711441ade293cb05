/* /dev/shm: a tmpfs where files are made, mapped, renamed and removed; shm_open and sem_open of the C library. */
#include "check.h"
#include <dirent.h>
#include <semaphore.h>
#include <sys/vfs.h>
#include <sys/wait.h>

static char first[64], second[64];

static void files(void) {
    struct statfs system;
    MUST(statfs("/dev/shm", &system));
    CHECK(system.f_type == 0x01021994 && system.f_bsize == 4096 && system.f_blocks > 0);
    struct stat status, dev, disk, same;
    MUST(stat("/dev/shm", &status));
    MUST(stat("/dev", &dev));
    printf("%o\n", status.st_mode);
    MUST(stat(".", &disk));
    CHECK(status.st_dev != dev.st_dev && status.st_dev != disk.st_dev);
    int fd = (int)MUST(open(first, O_RDWR | O_CREAT | O_EXCL, 0600));
    MUST(fstat(fd, &dev));
    MUST(stat(first, &same));
    CHECK(dev.st_dev == status.st_dev && same.st_dev == status.st_dev && same.st_ino == dev.st_ino);
    SHOW(rename(first, "here"));
    SHOW(open(first, O_RDWR | O_CREAT | O_EXCL, 0600));
    SHOW(ftruncate(fd, 2 * PAGE));
    char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(map + PAGE, "mapped");
    char text[8];
    SHOW(pread(fd, text, 7, PAGE));
    puts(text);
    SHOW(pwrite(fd, "written", 8, PAGE));
    puts(map + PAGE);
    SHOW(rename(first, second));
    SHOW(access(first, F_OK));
    SHOW(chmod(second, 0640));
    SHOW(fstat(fd, &status));
    printf("%o %ld\n", status.st_mode, (long)status.st_size);
    SHOW(symlink(second, first));
    int again = (int)MUST(open(first, O_RDONLY));
    SHOW(pread(again, text, 8, PAGE));
    puts(text);
    SHOW(unlink(first));
    SHOW(link(second, first));
    SHOW(unlink(second));
    SHOW(unlink(first));
    SHOW(fstat(fd, &status));
    SHOW(status.st_nlink);
    puts(map + PAGE);
    SHOW(mkdir(first, 0700));
    SHOW(chdir(first));
    char here[128];
    CHECK(getcwd(here, sizeof here) && !strcmp(here, first));
    close((int)MUST(open("inside", O_CREAT | O_WRONLY, 0600)));
    SHOW(rmdir(first));
    SHOW(unlink("inside"));
    SHOW(chdir("/dev/shm/.."));
    CHECK(getcwd(here, sizeof here) && !strcmp(here, "/dev"));
    SHOW(rmdir(first));
    int found = 0;
    DIR *listing = opendir("/dev");
    for (struct dirent *each; (each = readdir(listing));) found += !strcmp(each->d_name, "shm");
    SHOW(found);
    fd = (int)MUST(open("/dev/shm", O_TMPFILE | O_RDWR, 0600));
    SHOW(write(fd, "x", 1));
    char line[256];
    FILE *mounts = fopen("/proc/mounts", "r");
    found = 0;
    while (fgets(line, sizeof line, mounts)) found += strstr(line, " /dev/shm tmpfs ") != NULL;
    CHECK(found > 0);
}

static void library(void) {
    char name[32];
    snprintf(name, sizeof name, "/lego-%d", (int)getpid());
    SHOW(shm_open("/missing-lego", O_RDWR, 0));
    int fd = (int)MUST(shm_open(name, O_CREAT | O_RDWR | O_EXCL, 0600));
    SHOW(ftruncate(fd, PAGE));
    int *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
    CHECK(semaphore != SEM_FAILED);
    CHECK(sem_open(name, O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED && errno == EEXIST);
    if (fork() == 0) {
        int mine = shm_open(name, O_RDWR, 0);
        int *here = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mine, 0);
        sem_t *same = sem_open(name, 0);
        here[0] = 42;
        sem_post(same);
        _exit(0);
    }
    SHOW(sem_wait(semaphore));
    printf("%d\n", map[0]);
    wait(NULL);
    SHOW(sem_trywait(semaphore));
    SHOW(sem_close(semaphore));
    SHOW(sem_unlink(name));
    SHOW(sem_unlink(name));
    SHOW(shm_unlink(name));
    SHOW(shm_open(name, O_RDWR, 0));
}

int main(void) {
    snprintf(first, sizeof first, "/dev/shm/lego-a-%d", (int)getpid());
    snprintf(second, sizeof second, "/dev/shm/lego-b-%d", (int)getpid());
    files();
    library();
    DONE();
}
