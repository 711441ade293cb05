/* run: read
 * run: close
 * run: describe
 * stdin: a line\nand another without an end
 * Standard input, output and error: read to the end, written unbuffered, closed. */
#include "check.h"
#include <poll.h>

int main(int argc, char **argv) {
    if (argc < 2) return 99;
    char text[200];
    if (!strcmp(argv[1], "read")) {
        SHOW(read(0, text, 3));
        ssize_t n = 0, all = 0;
        while ((n = read(0, text + all, 7)) > 0) all += n;
        printf("%zd more: %.*s\n", all, (int)all, text);
        SHOW(read(0, text, 1));
        SHOW(read(0, text, 1));
        SHOW(write(0, "x", 1));
        SHOW(read(1, text, 1));
        SHOW(write(2, "error\n", 6));
    } else if (!strcmp(argv[1], "close")) {
        SHOW(close(0));
        SHOW(read(0, text, 1));
        SHOW(open("/dev/null", O_RDONLY));
        SHOW(close(2));
        SHOW(write(2, "lost", 4));
        int copy = dup(1);
        SHOW(close(1));
        dprintf(copy, "by the copy\n");
        SHOW(dup2(copy, 1));
        puts("and again");
    } else {
        SHOW(isatty(0));
        SHOW(isatty(1));
        SHOW(lseek(0, 0, SEEK_CUR));
        SHOW(lseek(1, 0, SEEK_CUR));
        SHOW(pread(0, text, 1, 0));
        struct pollfd p[2] = {{0, POLLIN, 0}, {1, POLLOUT, 0}};
        SHOW(poll(p, 1, 1000)); /* Until the input has come. */
        SHOW(poll(p, 2, 1000));
        printf("%x %x\n", p[0].revents & POLLIN, p[1].revents);
        struct stat s;
        SHOW(fstat(0, &s));
        printf("%o\n", s.st_mode & S_IFMT);
        SHOW(fcntl(0, F_GETFL) & O_ACCMODE);
        SHOW(fcntl(1, F_GETFL) & O_ACCMODE);
        SHOW(ftruncate(1, 0));
        SHOW(fsync(1));
    }
    DONE();
}
