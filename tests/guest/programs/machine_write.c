/* Not run natively: writes to a file and says what the system answered. Arguments: the file, and how many KiB. */
#include "check.h"

int main(int argc, char **argv) {
    if (argc < 3) return 97;
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    printf("open: %s\n", fd < 0 ? error_name(errno) : "0");
    if (fd < 0) return 1;
    static char block[1024];
    long done = 0;
    for (int i = 0; i < atoi(argv[2]); i++) {
        ssize_t n = write(fd, block, sizeof block);
        if (n < 0) {
            printf("write: %s\n", error_name(errno));
            return 2;
        }
        done += n;
    }
    SHOW(fsync(fd));
    SHOW(close(fd));
    printf("wrote %ld\n", done);
    return 0;
}
