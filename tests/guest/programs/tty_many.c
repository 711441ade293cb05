/* Many pseudo-terminals at once: each has a number of its own, which is given again when it is free. */
#include "pty.h"
#include <dirent.h>

#define COUNT 40

static int listed(int number) {
    DIR *directory = opendir("/dev/pts");
    struct dirent *entry;
    int found = 0;
    char name[20];
    snprintf(name, sizeof name, "%d", number);
    while ((entry = readdir(directory))) found |= !strcmp(entry->d_name, name) && entry->d_type == DT_CHR;
    closedir(directory);
    return found;
}

static int counted(const char *name) {
    char path[60], text[20] = "";
    snprintf(path, sizeof path, "/proc/sys/kernel/pty/%s", name);
    int fd = (int)MUST(open(path, O_RDONLY));
    MUST(read(fd, text, sizeof text - 1));
    close(fd);
    return atoi(text);
}

static int number_of_new(void) {
    int number, fd = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(ioctl(fd, TIOCGPTN, &number));
    return number;
}

/* Whether the next one to be freed is given again: one of the first may have gone to somebody else on this host. */
static int given_again(int *masters, int *slaves, int *numbers) {
    for (int i = 10; i < 20; i++) {
        close(masters[i]);
        close(slaves[i]);
        if (number_of_new() == numbers[i]) return 1;
    }
    return 0;
}

int main(void) {
    int masters[COUNT], slaves[COUNT], numbers[COUNT], good = 0;
    for (int i = 0; i < COUNT; i++) {
        masters[i] = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY));
        MUST(unlockpt(masters[i]));
        MUST(ioctl(masters[i], TIOCGPTN, &numbers[i]));
        slaves[i] = (int)MUST(open(ptsname(masters[i]), O_RDWR | O_NOCTTY));
        for (int j = 0; j < i; j++) good += numbers[j] != numbers[i];
    }
    CHECK(good == COUNT * (COUNT - 1) / 2);
    CHECK(counted("nr") >= COUNT && counted("max") >= counted("nr"));
    good = 0;
    for (int i = 0; i < COUNT; i++) {
        char text[20], got[20];
        int length = sprintf(text, "number %d\n", i);
        MUST(write(masters[i], text, (size_t)length));
        good += read(slaves[i], got, sizeof got) == length && !memcmp(text, got, (size_t)length);
    }
    CHECK(good == COUNT);
    CHECK(listed(numbers[7]) && listed(numbers[COUNT - 1]));
    close(masters[7]);
    CHECK(!listed(numbers[7]));
    close(slaves[7]);
    CHECK(number_of_new() == numbers[7] || given_again(masters, slaves, numbers));
    struct stat s;
    char name[40];
    snprintf(name, sizeof name, "/dev/pts/%d", numbers[9]);
    CHECK(stat(name, &s) == 0 && S_ISCHR(s.st_mode));
    CHECK(open("/dev/pts/99999", O_RDWR) == -1 && errno == ENOENT);
    DONE();
}
