/* sendmmsg and recvmmsg: several datagrams a call, and how far they get. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/socket.h>
#include <time.h>
static struct mmsghdr messages[4];
static struct iovec parts[4];
static char buffers[4][16];
static void prepare(int receive) {
    for (int i = 0; i < 4; i++) {
        memset(&messages[i], 0, sizeof messages[i]);
        if (receive) memset(buffers[i], 0, 16);
        else snprintf(buffers[i], 16, "message %d", i);
        parts[i].iov_base = buffers[i];
        parts[i].iov_len = receive ? 16 : strlen(buffers[i]);
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
}
int main(void) {
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    prepare(0);
    CALL(sendmmsg, pair[0], messages, 3, 0);
    printf("  %u %u %u\n", messages[0].msg_len, messages[1].msg_len, messages[2].msg_len);
    prepare(1);
    CALL(recvmmsg, pair[1], messages, 4, MSG_DONTWAIT, NULL);
    for (int i = 0; i < 4; i++) printf("  %u %s\n", messages[i].msg_len, buffers[i]);
    CALL(recvmmsg, pair[1], messages, 4, MSG_DONTWAIT, NULL);
    prepare(0);
    parts[2].iov_base = (void *)8;
    CALL(sendmmsg, pair[0], messages, 4, 0);
    prepare(1);
    CALL(recvmmsg, pair[1], messages, 4, MSG_WAITFORONE, NULL);
    struct timespec wait = {0, 0}, wrong = {0, -1};
    MUST(write(pair[0], "late", 4));
    MUST(write(pair[0], "later", 5));
    CALL(recvmmsg, pair[1], messages, 4, MSG_DONTWAIT, &wait);
    printf("  %ld %ld\n", (long)wait.tv_sec, wait.tv_nsec);
    CALL(recvmmsg, pair[1], messages, 1, MSG_DONTWAIT, &wait);
    CALL(recvmmsg, pair[1], messages, 1, MSG_DONTWAIT, &wrong);
    CALL(recvmmsg, 99, messages, 4, 0, NULL);
    CALL(sendmmsg, 99, messages, 4, 0);
    CALL(sendmmsg, pair[0], (void *)8, 1, 0);
    CALL(recvmsg, 99, messages, 0);
    CALL(recvmsg, pair[1], (void *)8, MSG_DONTWAIT);
    CALL(sendmmsg, pair[0], messages, 0, 0);
    DONE();
}
