/* copy_file_range and sendfile: offsets given and kept, ends, overlaps, errors. */
#include "check.h"
#include <sys/sendfile.h>

static void sum(const char *what, int fd) {
    char *all = malloc(200000);
    ssize_t n = pread(fd, all, 200000, 0);
    printf("%s: %zd bytes %016llx\n", what, n, (unsigned long long)checksum(all, n < 0 ? 0 : (size_t)n));
    free(all);
}

int main(void) {
    int in = make_file("in", 50000, 1), out = make_file("out", 0, 0);
    off_t from = 100, to = 7;
    SHOW(copy_file_range(in, &from, out, &to, 1000, 0));
    printf("%ld %ld\n", (long)from, (long)to);
    SHOW(lseek(in, 0, SEEK_CUR));
    sum("out", out);
    SHOW(copy_file_range(in, NULL, out, NULL, 100000, 0));
    SHOW(lseek(in, 0, SEEK_CUR));
    SHOW(lseek(out, 0, SEEK_CUR));
    sum("out", out);
    SHOW(copy_file_range(in, NULL, out, NULL, 10, 0));
    from = 0, to = 40000;
    SHOW(copy_file_range(in, &from, in, &to, 5000, 0));
    from = 0, to = 100;
    SHOW(copy_file_range(in, &from, in, &to, 5000, 0)); /* It would overlap. */
    from = 0, to = 0;
    SHOW(copy_file_range(in, &from, out, &to, 10, 1));
    SHOW(copy_file_range(99, NULL, out, NULL, 10, 0));
    int reader = (int)MUST(open("out", O_RDONLY)), appender = (int)MUST(open("out", O_WRONLY | O_APPEND));
    SHOW(copy_file_range(in, &from, reader, &to, 10, 0));
    SHOW(copy_file_range(in, &from, appender, &to, 10, 0));
    SHOW(copy_file_range((int)MUST(open(".", O_RDONLY)), NULL, out, NULL, 10, 0));
    from = 10;
    SHOW(lseek(out, 0, SEEK_SET));
    SHOW(sendfile(out, in, &from, 3000));
    printf("%ld\n", (long)from);
    SHOW(lseek(out, 0, SEEK_CUR));
    SHOW(lseek(in, 49000, SEEK_SET));
    SHOW(sendfile(out, in, NULL, 5000));
    SHOW(lseek(in, 0, SEEK_CUR));
    SHOW(sendfile(out, in, NULL, 5000));
    sum("out", out);
    SHOW(sendfile(99, in, NULL, 5));
    SHOW(sendfile(out, 99, NULL, 5));
    SHOW(sendfile(reader, in, NULL, 5));
    from = -1;
    SHOW(sendfile(out, in, &from, 5));
    from = 0;
    SHOW(sendfile(1, in, &from, 0));
    DONE();
}
