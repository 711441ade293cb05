/* AF_UNIX sockets by path and by abstract name: bind, listen, connect, accept, their names and errors, datagrams. */
#include "check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un at;
static socklen_t named(const char *path) {
    memset(&at, 0, sizeof at);
    at.sun_family = AF_UNIX;
    strcpy(at.sun_path, path);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static socklen_t abstract(const char *name) {
    memset(&at, 0, sizeof at);
    at.sun_family = AF_UNIX;
    strcpy(at.sun_path + 1, name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static void show_name(int fd, int (*get)(int, struct sockaddr *, socklen_t *)) {
    struct sockaddr_un found;
    socklen_t length = sizeof found;
    memset(&found, 0, sizeof found);
    if (get(fd, (struct sockaddr *)&found, &length))
        printf("%s\n", error_name(errno));
    else
        printf("%d %d %s|%s\n", (int)length, found.sun_family, found.sun_path, length > 2 && !found.sun_path[0] ? found.sun_path + 1 : "");
}

#define ADDRESS (struct sockaddr *)&at
/* Who asks for credentials is given a name when it connects. */
static void named_by_itself(int kind) {
    int server = (int)MUST(socket(AF_UNIX, kind, 0)), client = (int)MUST(socket(AF_UNIX, kind, 0)), on = 1;
    struct sockaddr_un name;
    socklen_t length = sizeof name;
    MUST(bind(server, ADDRESS, abstract("credentials")));
    if (kind == SOCK_STREAM) MUST(listen(server, 1));
    MUST(setsockopt(client, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    SHOW(connect(client, ADDRESS, abstract("credentials")));
    MUST(getsockname(client, (struct sockaddr *)&name, &length));
    printf("%d\n", (int)length);
    close(server);
    close(client);
}

/* A datagram socket that is connected to another one, or to none, loses what has come. */
static void parted(void) {
    int a = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), b = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    int error = 0;
    char back[10];
    socklen_t length = sizeof error;
    MUST(bind(a, ADDRESS, abstract("side a")));
    MUST(bind(b, ADDRESS, abstract("side b")));
    MUST(connect(a, ADDRESS, abstract("side b")));
    MUST(connect(b, ADDRESS, abstract("side a")));
    MUST(send(b, "lost", 4, 0));
    MUST(connect(a, ADDRESS, abstract("side b"))); /* The same: nothing is lost. */
    SHOW(recv(a, back, 10, MSG_DONTWAIT));
    MUST(send(b, "lost", 4, 0));
    SHOW(connect(a, (struct sockaddr *)&(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
    SHOW(recv(a, back, 10, MSG_DONTWAIT));
    SHOW(getsockopt(b, SOL_SOCKET, SO_ERROR, &error, &length));
    puts(error_name(error));
    MUST(connect(a, ADDRESS, abstract("side b")));
    MUST(send(b, "lost", 4, 0));
    close(b);
    SHOW(send(a, "nobody", 6, 0));
    SHOW(recv(a, back, 10, MSG_DONTWAIT));
    close(a);
}

int main(void) {
    char back[50];
    struct pollfd polled;
    SHOW(socket(AF_UNIX, SOCK_RDM, 0));
    int listener = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    polled = (struct pollfd){listener, POLLIN | POLLOUT, 0};
    MUST(poll(&polled, 1, 0));
    printf("%x\n", polled.revents);
    SHOW(recv(listener, back, 1, 0));
    SHOW(send(listener, "x", 1, MSG_NOSIGNAL));
    SHOW(listen(listener, 5));
    SHOW(accept(listener, NULL, NULL));
    SHOW(bind(listener, ADDRESS, 1));
    SHOW(bind(listener, ADDRESS, named("none/here")));
    SHOW(bind(listener, ADDRESS, named("place")));
    SHOW(bind(listener, ADDRESS, named("other")));
    show_name(listener, getsockname);
    show_name(listener, getpeername);
    struct stat is;
    MUST(stat("place", &is));
    printf("%o\n", is.st_mode);
    int second = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0)), client = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    SHOW(bind(second, ADDRESS, named("place")));
    SHOW(connect(client, ADDRESS, named("place")));
    SHOW(listen(listener, 1));
    SHOW(connect(client, ADDRESS, named("absent")));
    make_file("plain", 1, 1);
    SHOW(connect(client, ADDRESS, named("plain")));
    SHOW(connect(client, ADDRESS, named("place")));
    SHOW(connect(client, ADDRESS, named("place")));
    SHOW(write(client, "early", 5));
    polled = (struct pollfd){listener, POLLIN | POLLOUT, 0};
    MUST(poll(&polled, 1, 0));
    printf("%x\n", polled.revents);
    struct sockaddr_un from;
    socklen_t length = sizeof from;
    int server = (int)MUST(accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC));
    printf("%d %d\n", (int)length, fcntl(server, F_GETFD));
    SHOW(read(server, back, 50));
    show_name(server, getsockname);
    show_name(client, getpeername);
    show_name(server, getpeername);
    SHOW(sendto(client, "x", 1, 0, ADDRESS, sizeof at));
    SHOW(fcntl(listener, F_SETFL, O_NONBLOCK));
    SHOW(accept(listener, NULL, NULL));
    int more[3];
    for (int i = 0; i < 3; i++) {
        more[i] = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
        SHOW(connect(more[i], ADDRESS, named("place")));
    }
    MUST(close(listener));
    SHOW(recv(more[0], back, 1, 0));
    SHOW(recv(more[0], back, 1, 0));
    SHOW(connect(more[2], ADDRESS, named("place")));
    SHOW(connect(second, ADDRESS, named("place")));
    MUST(unlink("place"));
    SHOW(connect(second, ADDRESS, named("place")));
    MUST(close(client));
    SHOW(read(server, back, 50));
    /* Abstract names and datagrams. */
    int a = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), b = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    SHOW(bind(a, ADDRESS, abstract("here is a")));
    SHOW(bind(b, ADDRESS, abstract("here is a")));
    show_name(a, getsockname);
    SHOW(connect(second, ADDRESS, abstract("here is a")));
    SHOW(send(b, "x", 1, 0));
    SHOW(sendto(b, "nobody", 6, 0, ADDRESS, abstract("nobody")));
    SHOW(sendto(b, "letter", 6, 0, ADDRESS, abstract("here is a")));
    length = sizeof from;
    SHOW(recvfrom(a, back, 50, 0, (struct sockaddr *)&from, &length));
    printf("%d\n", (int)length);
    SHOW(bind(b, ADDRESS, named("b")));
    SHOW(sendto(b, "again", 5, 0, ADDRESS, abstract("here is a")));
    length = sizeof from;
    SHOW(recvfrom(a, back, 50, 0, (struct sockaddr *)&from, &length));
    printf("%d %s\n", (int)length, from.sun_path);
    SHOW(sendto(a, "answer", 6, 0, (struct sockaddr *)&from, length));
    SHOW(recv(b, back, 50, 0));
    SHOW(connect(b, ADDRESS, abstract("here is a")));
    int sent = 0;
    while (send(b, "x", 1, MSG_DONTWAIT) == 1) sent++;
    printf("%d\n", sent);
    MUST(close(a));
    SHOW(send(b, "x", 1, 0));
    SHOW(send(b, "x", 1, 0));
    at.sun_family = AF_UNIX;
    int chosen = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    SHOW(bind(chosen, ADDRESS, 2));
    length = sizeof from;
    MUST(getsockname(chosen, (struct sockaddr *)&from, &length));
    printf("%d\n", (int)length);
    at.sun_family = AF_UNIX;
    SHOW(bind(chosen, ADDRESS, 2)); /* It has a name already, and keeps it. */
    SHOW(bind(chosen, ADDRESS, abstract("another")));
    named_by_itself(SOCK_DGRAM);
    named_by_itself(SOCK_STREAM);
    parted();
    DONE();
}
