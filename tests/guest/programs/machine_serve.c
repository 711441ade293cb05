/* A server on port 8000: answers each client with what it sent, "bye" ends it. An argument: the address to listen on. */
#include "inet.h"

int main(int argc, char **argv) {
    Address at = {.sin_family = AF_INET, .sin_port = htons(8000)}, from;
    at.sin_addr.s_addr = argc > 1 ? inet_addr(argv[1]) : INADDR_ANY;
    int server = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), end = 0;
    MUST(bind(server, AT(at)));
    MUST(listen(server, 5));
    printf("ready\n");
    while (!end) {
        static char back[1 << 16];
        socklen_t length = sizeof from;
        int fd = (int)MUST(accept(server, (struct sockaddr *)&from, &length));
        Address own = name_of(fd);
        printf("from %s", inet_ntoa(from.sin_addr));
        printf(" to %s:%d\n", inet_ntoa(own.sin_addr), ntohs(own.sin_port));
        long n;
        while ((n = read(fd, back, sizeof back)) > 0) {
            end |= n == 3 && !memcmp(back, "bye", 3);
            for (long done = 0, sent; done < n; done += sent)
                if ((sent = send(fd, back + done, (size_t)(n - done), MSG_NOSIGNAL)) < 0) break;
        }
        printf("end: %s\n", n ? error_name(errno) : "0");
        close(fd);
    }
    return 0;
}
