/* Not run natively: a helper of tests/machine. What is done is the first argument.
 *   echo      copies standard input to standard output, and says on standard error how much
 *   converse  answers each line as it comes
 *   wait      says that it is ready, and waits for input for ever
 *   job       says that it is ready, also whenever it is continued, and waits for signals for ever
 *   spin      says that it is ready, and computes for ever
 *   seek      reads the end of standard input before its beginning
 *   tty       says what the three streams are
 *   random    prints random numbers, the time and the pid
 *   thread    prints the number of a thread */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <time.h>

static char data[1 << 16];

static void *number(void *unused) { return (void)unused, (void *)(long)printf("%d\n", gettid()); }

static int echo(void) {
    long total = 0;
    ssize_t n;
    while ((n = read(0, data, sizeof data)) > 0) {
        for (ssize_t done = 0; done < n;) {
            ssize_t m = write(1, data + done, (size_t)(n - done));
            if (m < 0) return 98;
            done += m;
        }
        total += n;
    }
    fprintf(stderr, "%ld bytes\n", total);
    return n < 0;
}

static int converse(void) {
    printf("ready\n");
    while (fgets(data, sizeof data, stdin)) {
        data[strcspn(data, "\n")] = 0;
        printf("you said <%s>\n", data);
    }
    printf("bye\n");
    return 0;
}

static void say_ready(int signal) {
    (void)signal;
    MUST(write(1, "ready\n", 6));
}

static int tty(void) {
    struct winsize size = {0, 0, 0, 0};
    for (int fd = 0; fd < 3; fd++) {
        struct stat s;
        printf("%d: tty %d", fd, isatty(fd));
        if (fstat(fd, &s) == 0) printf(" type %o", s.st_mode & S_IFMT);
        if (ioctl(fd, TIOCGWINSZ, &size) == 0) printf(" size %dx%d", size.ws_col, size.ws_row);
        printf("\n");
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "echo")) return echo();
    if (!strcmp(what, "converse")) return converse();
    if (!strcmp(what, "tty")) return tty();
    if (!strcmp(what, "wait")) {
        printf("ready\n");
        return read(0, data, 1) == 1 ? 0 : 3;
    }
    if (!strcmp(what, "job")) {
        signal(SIGCONT, say_ready);
        say_ready(0);
        for (;;) pause();
    }
    if (!strcmp(what, "spin")) {
        printf("ready\n");
        for (volatile long i = 0;; i++) continue;
    }
    if (!strcmp(what, "seek")) {
        SHOW(lseek(0, -5, SEEK_END));
        ssize_t n = read(0, data, 100);
        printf("%.*s\n", (int)n, data);
        SHOW(lseek(0, 2, SEEK_SET));
        n = read(0, data, 3);
        printf("%.*s\n", (int)n, data);
        DONE();
    }
    if (!strcmp(what, "random")) {
        unsigned char bytes[16];
        struct timespec t;
        getrandom(bytes, sizeof bytes, 0);
        for (int i = 0; i < 16; i++) printf("%02x", bytes[i]);
        for (volatile int i = 0; i < 10000; i++) continue;
        clock_gettime(CLOCK_MONOTONIC, &t);
        printf(" %ld.%09ld %d %p\n", (long)t.tv_sec, t.tv_nsec, getpid(), (void *)data);
        return 0;
    }
    if (!strcmp(what, "thread")) {
        pthread_t thread;
        MUST(pthread_create(&thread, NULL, number, NULL));
        return pthread_join(thread, NULL);
    }
    return 97;
}
