/* Not run natively: opens swap/secret again and again while somebody changes what "swap" is between a directory of
 * this tree and links to a directory outside. Says when it has read the first from inside, and in the end whether what it
 * read was ever from outside. */
#include "check.h"

int main(void) {
    int inside = 0, outside = 0;
    for (int i = 0; i < 100000 && access("/stop", F_OK); i++) {
        char text[64] = "";
        int fd = open("/swap/secret", O_RDONLY);
        if (fd < 0) continue;
        (void)!read(fd, text, 63);
        close(fd);
        if (strstr(text, "OUTSIDE")) outside++;
        else if (strstr(text, "INSIDE") && !inside++) puts("inside"), fflush(stdout);
        int dir = open("/swap/.", O_RDONLY | O_DIRECTORY);
        fd = dir < 0 ? -1 : openat(dir, "secret", O_RDWR);
        if (fd >= 0) {
            char again[64] = "";
            if (pread(fd, again, 63, 0) > 0 && strstr(again, "OUTSIDE")) outside++;
            close(fd);
        }
        if (dir >= 0) close(dir);
    }
    printf("outside %d\n", outside);
    return outside != 0;
}
