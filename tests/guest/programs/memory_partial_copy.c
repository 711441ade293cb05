/* A transfer whose buffer ends at a hole moves what fits, and only then fails. */
#include "check.h"

int main(void) {
    char *map = map_anonymous(4 * PAGE);
    MUST(munmap(map + 2 * PAGE, PAGE));
    memset(map, 'x', 2 * PAGE);
    int fd = make_file("data", 3 * PAGE, 7);
    SHOW(read(fd, map + 2 * PAGE - 16, 32));
    SHOW(lseek(fd, 0, SEEK_CUR));
    CHECK(map[2 * PAGE - 17] == 'x' && map[2 * PAGE - 16] == 7);
    int out = make_file("out", 0, 0);
    SHOW(write(out, map + 2 * PAGE - 16, 32));
    SHOW(lseek(out, 0, SEEK_CUR));
    SHOW(lseek(out, 0, SEEK_END));
    SHOW(write(out, map + 2 * PAGE, 32));
    SHOW(lseek(out, 0, SEEK_END));
    DONE();
}
