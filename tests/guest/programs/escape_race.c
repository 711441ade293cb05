/* Not run natively: opens swap/secret again and again while somebody changes what "swap" is between a directory of
 * this tree and links to a directory outside. Prints whether what it read was ever from outside. */
#include "check.h"

int main(void) {
    int inside = 0, outside = 0, failed = 0, in_a_row = 0;
    for (int i = 0; i < 100000 && access("/stop", F_OK); i++) {
        char text[64] = "";
        int fd = open("/swap/secret", O_RDONLY);
        if (fd < 0) {
            failed++;
            continue;
        }
        if (read(fd, text, 63) < 0) failed++;
        close(fd);
        if (strstr(text, "OUTSIDE")) outside++;
        else if (strstr(text, "INSIDE")) inside++;
        int dir = open("/swap/.", O_RDONLY | O_DIRECTORY);
        fd = dir < 0 ? -1 : openat(dir, "secret", O_RDWR);
        if (fd >= 0) {
            char again[64] = "";
            if (pread(fd, again, 63, 0) > 0 && strstr(again, "OUTSIDE")) outside++;
            close(fd);
        }
        if (dir >= 0) close(dir);
        in_a_row++;
    }
    printf("inside %d outside %d\n", inside > 0, outside);
    return outside != 0;
}
