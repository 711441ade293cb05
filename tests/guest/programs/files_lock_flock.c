/* flock(2) between processes: it goes with the open file description, to children and copies. */
#include "check.h"
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

static volatile sig_atomic_t seen;
static void handler(int number) { (void)number, seen++; }

int main(void) {
    int first = make_file("file", 100, 1), second = (int)MUST(open("file", O_RDONLY)), third, status, pair[2];
    char byte;
    SHOW(flock(first, LOCK_EX));
    SHOW(flock(first, LOCK_EX));
    SHOW(flock(second, LOCK_SH | LOCK_NB));
    SHOW(flock(first, LOCK_SH));
    SHOW(flock(second, LOCK_SH | LOCK_NB));
    SHOW(flock(first, LOCK_EX | LOCK_NB)); /* Fails, and the shared lock is lost. */
    SHOW(flock(second, LOCK_EX | LOCK_NB));
    SHOW(flock(first, LOCK_SH | LOCK_NB));
    third = dup(second);
    SHOW(close(second));
    SHOW(flock(first, LOCK_SH | LOCK_NB));
    SHOW(flock(third, LOCK_UN));
    SHOW(flock(first, LOCK_SH | LOCK_NB));
    SHOW(flock(first, 0));
    SHOW(flock(first, LOCK_SH | LOCK_EX));
    SHOW(flock(99, LOCK_SH));
    SHOW(flock(open("file", O_PATH), LOCK_SH));
    MUST(pipe(pair));
    SHOW(flock(pair[0], LOCK_EX));
    SHOW(flock(pair[1], LOCK_EX | LOCK_NB));
    int here = (int)MUST(open(".", O_RDONLY)), there = (int)MUST(open(".", O_RDONLY));
    SHOW(flock(here, LOCK_EX));
    SHOW(flock(there, LOCK_EX | LOCK_NB));

    /* A child has its parent's, and may give it up; one that waits gets it then. */
    SHOW(flock(first, LOCK_EX));
    MUST(flock(pair[0], LOCK_UN));
    fflush(stdout);
    if (!fork()) {
        int own = open("file", O_RDWR);
        write(pair[1], "x", 1);
        _exit(flock(own, LOCK_EX) ? 1 : 7);
    }
    read(pair[0], &byte, 1);
    usleep(5000);
    if (!fork()) _exit(flock(first, LOCK_UN) ? 1 : 0);
    for (int i = 0; i < 2; i++) {
        wait(&status);
        if (WEXITSTATUS(status)) SHOW(WEXITSTATUS(status));
    }
    SHOW(flock(third, LOCK_EX | LOCK_NB)); /* The waiter has ended, and with it its lock. */

    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGALRM, &action, NULL);
    ualarm(3000, 0);
    SHOW(flock(first, LOCK_SH));
    SHOW(seen);
    struct flock how = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    SHOW(fcntl(first, F_SETLK, &how)); /* The other kind of lock does not see it. */
    DONE();
}
