/* Not run natively: holds a directory of this tree open, by descriptor and as the current one, while somebody moves it
 * out of the tree, and then walks up from it. Arguments: the host's path of the secret, and the word in it. */
#include "check.h"

int main(int argc, char **argv) {
    if (argc < 3) return 97;
    const char *name = strrchr(argv[1], '/') + 1;
    int deep = (int)MUST(open("/a/b/c", O_RDONLY | O_DIRECTORY));
    MUST(chdir("/a/b/c"));
    printf("ready\n");
    char c;
    MUST(read(0, &c, 1)); /* It has been moved. */
    int led_out = 0;
    char path[4096] = "";
    for (int i = 0; i < 30; i++) {
        for (int way = 0; way < 4; way++) {
            char whole[8192], text[64] = "";
            snprintf(whole, sizeof whole, "%s%s", path, way & 1 ? argv[1] + 1 : name);
            int fd = way & 2 ? open(whole, O_RDONLY) : openat(deep, whole, O_RDONLY);
            if (fd >= 0 && read(fd, text, 63) > 0 && strstr(text, argv[2])) {
                printf("led out: %s\n", whole);
                led_out++;
            }
            if (fd >= 0) close(fd);
        }
        strcat(path, "../");
    }
    for (int i = 0; i < 10 && chdir("..") == 0; i++) {
        char text[64] = "";
        int fd = open(name, O_RDONLY);
        if (fd >= 0 && read(fd, text, 63) > 0 && strstr(text, argv[2])) led_out++;
    }
    printf("led out %d\n", led_out);
    return led_out != 0;
}
