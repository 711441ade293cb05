/* O_APPEND, O_TRUNC and offsets shared and not shared. */
#include "check.h"

static void contents(const char *name) {
    char text[200];
    int fd = (int)MUST(open(name, O_RDONLY));
    ssize_t n = MUST(read(fd, text, sizeof text));
    printf("%s: %zd bytes \"%.*s\"\n", name, n, (int)n, text);
    close(fd);
}

int main(void) {
    int a = (int)MUST(open("log", O_RDWR | O_CREAT | O_APPEND, 0644));
    int b = (int)MUST(open("log", O_WRONLY));
    SHOW(write(a, "one ", 4));
    SHOW(write(b, "TWO", 3)); /* An offset of its own: over the beginning. */
    SHOW(write(a, "three ", 6));
    SHOW(lseek(a, 0, SEEK_CUR));
    SHOW(lseek(a, 2, SEEK_SET));
    SHOW(write(a, "four ", 5)); /* Appending does not care. */
    SHOW(lseek(a, 0, SEEK_CUR));
    SHOW(pwrite(a, "five ", 5, 0)); /* In Linux not even pwrite does. */
    SHOW(lseek(a, 0, SEEK_CUR));
    contents("log");
    SHOW(ftruncate(b, 6));
    SHOW(write(a, "six", 3));
    contents("log");
    SHOW(fcntl(a, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE));
    SHOW(fcntl(a, F_SETFL, 0));
    SHOW(lseek(a, 0, SEEK_SET));
    SHOW(write(a, "front", 5));
    contents("log");
    SHOW(fcntl(b, F_SETFL, O_APPEND));
    SHOW(write(b, "end", 3));
    contents("log");
    int c = dup(b);
    SHOW(lseek(c, 1, SEEK_SET));
    SHOW(lseek(b, 0, SEEK_CUR)); /* dup shares the offset... */
    SHOW(fcntl(c, F_SETFL, 0));
    SHOW(fcntl(b, F_GETFL) & O_APPEND); /* ...and the flags. */
    SHOW(open("log", O_RDONLY | O_TRUNC));
    contents("log");
    DONE();
}
