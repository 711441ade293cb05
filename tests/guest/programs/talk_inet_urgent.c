/* Urgent data: MSG_OOB, SIGURG, POLLPRI, SIOCATMARK, SO_OOBINLINE, where receives stop, more than one mark. */
#include "inet.h"
#include <sys/epoll.h>

static int urged;
static void on_urgent(int number) { urged += number == SIGURG; }

static void look(int fd) {
    int mark = -1, left = -1;
    usleep(1000);
    MUST(ioctl(fd, SIOCATMARK, &mark));
    MUST(ioctl(fd, FIONREAD, &left));
    printf("events %x, mark %d, bytes %d, signals %d\n", events(fd), mark, left, urged);
}

static void get(int fd, size_t length, int flags) {
    char data[100];
    struct iovec part = {data, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t count = recvmsg(fd, &message, flags | MSG_DONTWAIT);
    if (count < 0)
        printf("%s\n", error_name(errno));
    else
        printf("\"%.*s\" %x\n", (int)count, data, message.msg_flags);
}

int main(void) {
    int pair[2];
    signal(SIGURG, on_urgent);
    connected(pair);
    get(pair[1], 1, MSG_OOB);
    SHOW(send(pair[0], "x", 1, MSG_OOB)); /* Nobody owns it: no signal. */
    look(pair[1]);
    get(pair[1], 9, 0); /* The urgent byte alone is nothing to read. */
    SHOW(fcntl(pair[1], F_SETOWN, getpid()));
    SHOW(send(pair[0], "ab", 2, 0));
    SHOW(send(pair[0], "cd!", 3, MSG_OOB));
    SHOW(send(pair[0], "ef", 2, 0));
    look(pair[1]);
    get(pair[1], 9, MSG_PEEK);
    get(pair[1], 9, 0);
    look(pair[1]);
    get(pair[1], 9, MSG_OOB | MSG_PEEK);
    get(pair[1], 0, MSG_OOB | MSG_PEEK);
    get(pair[1], 9, MSG_OOB);
    get(pair[1], 9, MSG_OOB);
    look(pair[1]);
    get(pair[1], 9, MSG_PEEK);
    get(pair[1], 9, 0);
    look(pair[1]);
    SHOW(send(pair[0], "1", 1, MSG_OOB)); /* Not read before the next one comes. */
    SHOW(send(pair[0], "2", 1, MSG_OOB));
    look(pair[1]);
    get(pair[1], 9, MSG_OOB);
    get(pair[1], 9, 0);
    look(pair[1]);
    SHOW(set_option(pair[1], SOL_SOCKET, SO_OOBINLINE, 1));
    SHOW(send(pair[0], "in", 2, MSG_OOB));
    SHOW(send(pair[0], "line", 4, 0));
    look(pair[1]);
    get(pair[1], 9, MSG_OOB);
    get(pair[1], 9, 0);
    look(pair[1]);
    get(pair[1], 9, 0);
    look(pair[1]);
    int set = (int)MUST(epoll_create1(0));
    struct epoll_event event = {EPOLLPRI | EPOLLET, {0}};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, pair[1], &event));
    SHOW(epoll_wait(set, &event, 1, 0));
    SHOW(send(pair[0], "!", 1, MSG_OOB));
    SHOW(epoll_wait(set, &event, 1, 1000));
    printf("%x\n", event.events);
    SHOW(epoll_wait(set, &event, 1, 0));
    SHOW(send(pair[0], "?", 1, MSG_OOB));
    MUST(close(pair[0]));
    look(pair[1]);
    get(pair[1], 9, 0);
    get(pair[1], 9, 0);
    look(pair[1]);
    DONE();
}
