/* Much data, both ways, between two processes: nothing is lost, nothing comes twice. */
#include "pty.h"

#define TOTAL 60000

int main(void) {
    static unsigned char data[TOTAL], got[TOTAL];
    struct termios t;
    open_pair();
    MUST(tcgetattr(slave, &t));
    cfmakeraw(&t);
    MUST(tcsetattr(slave, TCSANOW, &t));
    fill(data, TOTAL, 3);
    pid_t child = (pid_t)MUST(fork());
    if (!child) {
        long length = 0;
        while (length < TOTAL) {
            ssize_t n = read(slave, got + length, TOTAL - (size_t)length);
            if (n <= 0) _exit(2);
            length += n;
        }
        for (long done = 0; done < TOTAL;) {
            ssize_t n = write(slave, got + done, TOTAL - (size_t)done);
            if (n <= 0) _exit(3);
            done += n;
        }
        _exit(memcmp(data, got, TOTAL) != 0);
    }
    for (long done = 0; done < TOTAL;) done += MUST(write(master, data + done, TOTAL - (size_t)done));
    for (long length = 0; length < TOTAL;) length += MUST(read(master, got + length, TOTAL - (size_t)length));
    CHECK(!memcmp(data, got, TOTAL));
    int status;
    MUST(waitpid(child, &status, 0));
    printf("status %x\n", status);
    static char line[6000];
    memset(line, 'l', sizeof line);
    set_flags(slave, ICANON, 0);
    MUST(write(master, line, 5000));
    poll(NULL, 0, 20);
    MUST(write(master, "\n", 1));
    ssize_t n = read(slave, got, sizeof got);
    printf("the longest line: %ld, ends %d %d\n", (long)n, got[n - 2], got[n - 1]);
    DONE();
}
