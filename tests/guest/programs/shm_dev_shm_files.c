/* Programs, FIFOs, sockets, locks, sparse and large files in /dev/shm. */
#include "check.h"
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static char name[80];

static const char *at(const char *suffix) {
    snprintf(name, sizeof name, "/dev/shm/lego-%d-%s", (int)getpid(), suffix);
    return name;
}

int main(int argc, char **argv) {
    (void)argc;
    if (!strcmp(argv[0], "copied")) {
        puts("a program of /dev/shm runs");
        return 7;
    }
    static char buffer[1 << 16];
    int from = (int)MUST(open("/proc/self/exe", O_RDONLY)), to = (int)MUST(open(at("program"), O_CREAT | O_WRONLY, 0700));
    for (ssize_t count; (count = read(from, buffer, sizeof buffer)) > 0;) MUST(write(to, buffer, (size_t)count));
    close(to);
    fflush(stdout);
    if (fork() == 0) {
        execl(name, "copied", (char *)NULL);
        _exit(9);
    }
    int status;
    wait(&status);
    printf("exit %d\n", WEXITSTATUS(status));
    SHOW(unlink(name));
    SHOW(mkfifo(at("fifo"), 0600));
    if (fork() == 0) {
        int fd = open(name, O_WRONLY);
        write(fd, "through it", 10);
        _exit(0);
    }
    int fd = (int)MUST(open(name, O_RDONLY));
    SHOW(read(fd, buffer, 100));
    wait(NULL);
    SHOW(unlink(name));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, at("socket"));
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(server, (struct sockaddr *)&address, sizeof address));
    SHOW(listen(server, 1));
    SHOW(connect(client, (struct sockaddr *)&address, sizeof address));
    SHOW(unlink(name));
    fd = (int)MUST(open(at("file"), O_CREAT | O_RDWR, 0600));
    int again = (int)MUST(open(name, O_RDWR));
    SHOW(flock(fd, LOCK_EX));
    SHOW(flock(again, LOCK_EX | LOCK_NB));
    SHOW(ftruncate(fd, 1L << 30));
    SHOW(pwrite(fd, "far", 3, (1L << 30) - 3));
    SHOW(lseek(fd, 0, SEEK_DATA) >= (1L << 30) - (long)PAGE);
    struct stat status_of;
    SHOW(fstat(fd, &status_of));
    CHECK(status_of.st_blocks * 512 <= 64 * (long)PAGE);
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (1L << 30) - (long)PAGE);
    printf("%.3s\n", map + PAGE - 3);
    SHOW(unlink(name));
    DONE();
}
