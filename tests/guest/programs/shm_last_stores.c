/* What was stored through the only mapping of an object is in it, in whatever way that mapping went. */
#include "check.h"
#include <signal.h>
#include <sys/shm.h>
#include <sys/wait.h>

static int fd, step;

/* Maps the object, and stores into each of its pages. */
static char *stored(void) {
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST((long)map);
    step++;
    for (int page = 0; page < 4; page++) map[page * PAGE + 7] = (char)(step * 10 + page);
    return map;
}

static void look(const char *what) {
    int right = 1;
    for (int page = 0; page < 4; page++) {
        char byte = 0;
        MUST(pread(fd, &byte, 1, page * PAGE + 7));
        right &= byte == (char)(step * 10 + page);
    }
    printf("%s %s\n", right ? "ok" : "FAILED", what);
}

static void covered(void) {
    char *map = stored();
    MUST(munmap(map, 4 * PAGE));
    look("munmap");

    map = stored();
    char *over = mmap(map, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    look("mmap of private memory over it");
    CHECK(all_are(over, 4 * PAGE, 0));
    MUST(munmap(over, 4 * PAGE));

    map = stored();
    over = mmap(map, 4 * PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    look("mmap of shared memory over it");
    MUST(munmap(over, 4 * PAGE));

    map = stored();
    char *other = map_anonymous(4 * PAGE);
    other[0] = 'o';
    over = mremap(other, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map);
    look("mremap of something else over it");
    CHECK(over == map && over[0] == 'o' && over[7] == 0);
    MUST(munmap(over, 4 * PAGE));

    map = stored();
    MUST((long)mremap(map, 4 * PAGE, PAGE, 0));
    look("mremap to a smaller size");
    MUST(munmap(map, PAGE));

    map = stored();
    other = map_anonymous(8 * PAGE);
    over = mremap(map, 4 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other);
    look("mremap to elsewhere, and smaller");
    CHECK(over == other && over[7] == (char)(step * 10));
    MUST(munmap(other, 8 * PAGE));

    map = stored();
    int segment = (int)MUST(shmget(IPC_PRIVATE, 4 * PAGE, 0600));
    MUST((long)shmat(segment, map, SHM_REMAP));
    look("shmat over it");
    MUST(shmdt(map));
    MUST(shmctl(segment, IPC_RMID, NULL));
}

static void ended(void) {
    fflush(stdout);
    for (int signal = 0; signal <= SIGKILL; signal += SIGKILL) {
        step++;
        if (fork() == 0) {
            step--;
            stored();
            raise(signal);
            _exit(0);
        }
        wait(NULL);
        look(signal ? "killed" : "exit");
    }
}

int main(void) {
    char name[40]; /* Of the host's own, natively: others may run this too. */
    snprintf(name, sizeof name, "/dev/shm/lego-last-%d", (int)getpid());
    for (int kind = 0; kind < 3; kind++) {
        fd = kind == 0   ? make_file("data", 0, 0)
             : kind == 1 ? memfd_create("m", 0)
                         : open(name, O_RDWR | O_CREAT, 0600);
        MUST(fd);
        MUST(ftruncate(fd, 4 * PAGE));
        step = 0;
        puts(kind == 0 ? "a file" : kind == 1 ? "a memfd" : "a file of /dev/shm");
        covered();
        ended();
    }
    unlink(name);
    DONE();
}
