/* SCM_RIGHTS and SCM_CREDENTIALS: files that travel, are kept open on the way, are cut off, or lost. */
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>

static char room[256];

static long send_files(int to, const char *text, const int *files, int count, int flags) {
    struct iovec part = {(void *)text, strlen(text)};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = CMSG_SPACE(4 * (size_t)count)};
    struct cmsghdr *control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(4 * (size_t)count);
    memcpy(CMSG_DATA(control), files, 4 * (size_t)count);
    return sendmsg(to, &header, flags);
}

static int last;
static void receive(int from, size_t space, int flags) {
    char back[50];
    struct iovec part = {back, sizeof back};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = space};
    memset(room, 0, sizeof room);
    long n = recvmsg(from, &header, flags);
    printf("%ld %.*s flags %x control %ld:", n, n > 0 ? (int)n : 0, back, header.msg_flags & ~MSG_EOR, (long)header.msg_controllen);
    for (struct cmsghdr *control = CMSG_FIRSTHDR(&header); control; control = CMSG_NXTHDR(&header, control)) {
        printf(" type %d length %ld", control->cmsg_type, (long)control->cmsg_len);
        if (control->cmsg_type == SCM_RIGHTS)
            for (size_t i = 0; i < (control->cmsg_len - CMSG_LEN(0)) / 4; i++) {
                memcpy(&last, CMSG_DATA(control) + 4 * i, 4);
                printf(" fd %d (%d)", last, fcntl(last, F_GETFD));
            }
        if (control->cmsg_type == SCM_CREDENTIALS) {
            struct ucred who;
            memcpy(&who, CMSG_DATA(control), sizeof who);
            printf(" me %d", who.pid == getpid() && who.uid == getuid());
        }
    }
    printf("\n");
}

int main(void) {
    int s[2], ends[2], bad[2] = {0, 99};
    char back[20];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(pipe(ends));
    SHOW(send_files(s[0], "pipe", ends, 2, 0));
    SHOW(send_files(s[0], "bad", bad, 2, 0));
    MUST(write(ends[1], "through", 7));
    MUST(close(ends[0]));
    MUST(close(ends[1]));
    receive(s[1], 200, MSG_CMSG_CLOEXEC);
    SHOW(read(3 + 2, back, 20));
    MUST(close(5));
    MUST(close(6));
    /* The last reference is on its way: lost when nobody takes it. */
    MUST(pipe(ends));
    SHOW(send_files(s[0], "end", ends + 1, 1, 0));
    MUST(close(ends[1]));
    SHOW(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    SHOW(read(ends[0], back, 1));
    SHOW(read(s[1], back, 20));
    SHOW(read(ends[0], back, 1));
    /* Letters of a stream end where files came along. */
    MUST(write(s[0], "one", 3));
    SHOW(send_files(s[0], "two", ends, 1, 0));
    MUST(write(s[0], "three", 5));
    receive(s[1], 200, MSG_PEEK);
    MUST(close(last));
    receive(s[1], 200, 0);
    MUST(close(last));
    receive(s[1], 200, 0);
    /* Room for less, or none. */
    int two[2] = {ends[0], s[0]};
    SHOW(send_files(s[0], "cut", two, 2, 0));
    receive(s[1], CMSG_LEN(4), 0);
    MUST(close(last));
    SHOW(send_files(s[0], "none", two, 2, 0));
    receive(s[1], 0, 0);
    int on = 1;
    SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    MUST(write(s[0], "who", 3));
    receive(s[1], 200, 0);
    SHOW(send_files(s[0], "both", two, 1, 0));
    receive(s[1], 200, 0);
    /* A socket sent through itself. */
    SHOW(send_files(s[0], "self", s + 1, 1, 0));
    MUST(close(s[1]));
    SHOW(write(s[0], "x", 1));
    DONE();
}
