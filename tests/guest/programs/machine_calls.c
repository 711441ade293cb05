/* As many connections one after the other as the argument says, each with a question and an answer. */
#include "inet.h"
#include <sys/wait.h>

int main(int argc, char **argv) {
    int server = listening(16), count = argc > 1 ? atoi(argv[1]) : 1, right = 0;
    Address address = name_of(server);
    char back[16];
    if (!fork()) {
        for (int i = 0; i < count; i++) {
            int end = (int)MUST(accept(server, NULL, NULL));
            MUST(write(end, back, (size_t)MUST(read(end, back, sizeof back))));
            MUST(close(end));
        }
        _exit(0);
    }
    for (int i = 0; i < count; i++) {
        int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
        MUST(connect(fd, AT(address)));
        MUST(write(fd, "ping", 4));
        right += read(fd, back, sizeof back) == 4 && read(fd, back, sizeof back) == 0;
        MUST(close(fd));
    }
    MUST(wait(NULL));
    printf("%d\n", right);
    return 0;
}
