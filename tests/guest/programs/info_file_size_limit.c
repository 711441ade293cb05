/* run: ignore
 * run: die
 * RLIMIT_FSIZE: a write beyond it is cut short, then refused with EFBIG and SIGXFSZ. */
#include "check.h"
#include <signal.h>
#include <sys/resource.h>

int main(int argc, char **argv) {
    if (argc < 2) return 99;
    int fd = make_file("file", 0, 0);
    if (!strcmp(argv[1], "ignore")) signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    MUST(getrlimit(RLIMIT_FSIZE, &limit));
    limit.rlim_cur = 5000;
    SHOW(setrlimit(RLIMIT_FSIZE, &limit));
    char data[4000] = "x";
    SHOW(write(fd, data, 4000));
    SHOW(write(fd, data, 4000));
    SHOW(write(fd, data, 1));
    SHOW(ftruncate(fd, 6000));
    SHOW(ftruncate(fd, 5000));
    printf("alive\n");
    DONE();
}
