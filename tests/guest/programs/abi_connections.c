/* accept and accept4, and names of sockets, with their errors. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/socket.h>
#include <sys/un.h>
int main(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "here"};
    int listener = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)), file = make_file("file", 1, 1);
    CALL(accept, listener, NULL, NULL);
    MUST(bind(listener, (struct sockaddr *)&name, sizeof name));
    CALL(accept, listener, NULL, NULL);
    MUST(listen(listener, 5));
    CALL(accept, listener, NULL, NULL);
    int client = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(connect(client, (struct sockaddr *)&name, sizeof name));
    struct sockaddr_un peer;
    socklen_t length = sizeof peer;
    CALL(accept, listener, &peer, &length);
    printf("  %u %d\n", length, peer.sun_family);
    CALL(accept4, listener, NULL, NULL, SOCK_CLOEXEC);
    CALL(accept4, listener, NULL, NULL, 1);
    CALL(accept4, file, NULL, NULL, 0);
    length = sizeof peer;
    CALL(getsockname, listener, &peer, &length);
    printf("  %u %s\n", length, peer.sun_path);
    CALL(getsockname, file, &peer, &length);
    CALL(getsockname, listener, &peer, NULL);
    length = (socklen_t)-1;
    CALL(getsockname, listener, &peer, &length);
    length = 4;
    memset(&peer, 0, sizeof peer);
    CALL(getpeername, client, &peer, &length);
    printf("  %u %.2s\n", length, peer.sun_path);
    DONE();
}
