/* A server in another process: three clients, one answer each; a socket shared by two processes. */
#include "inet.h"
#include <sys/wait.h>

static void serve(int server) {
    for (int i = 0; i < 3; i++) {
        char line[64];
        int end = (int)MUST(accept(server, NULL, NULL));
        long got = 0, more;
        while ((more = read(end, line + got, sizeof line - got)) > 0) got += more;
        for (long at = 0; at < got; at++) line[at] ^= 0x20;
        MUST(write(end, line, (size_t)got));
        MUST(close(end));
    }
    _exit(7);
}

int main(void) {
    int server = listening(1), status;
    Address address = name_of(server);
    fflush(stdout);
    pid_t child = fork();
    if (!child) serve(server);
    MUST(close(server));
    for (int i = 0; i < 3; i++) {
        char back[64] = {0};
        int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
        MUST(connect(fd, AT(address)));
        MUST(write(fd, "abc", 3));
        MUST(shutdown(fd, SHUT_WR));
        long got = recv(fd, back, sizeof back, MSG_WAITALL);
        printf("%ld %s\n", got, back);
        MUST(close(fd));
    }
    MUST(waitpid(child, &status, 0));
    printf("%x\n", status);
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(connect(fd, AT(address)));
    int pair[2];
    char back[8];
    connected(pair);
    fflush(stdout);
    if (!(child = fork())) {
        MUST(close(pair[1]));
        MUST(write(pair[0], "child", 5));
        _exit(0);
    }
    MUST(close(pair[0]));
    MUST(waitpid(child, &status, 0));
    SHOW(read(pair[1], back, 8));
    SHOW(read(pair[1], back, 8));
    DONE();
}
