/* What comes with datagrams: where they were sent to, TTL and TOS, and reports of those that came to nothing. */
#include "inet.h"
#include <linux/errqueue.h>
#include <sys/time.h>

static void show(int fd, int flags) {
    char back[8], control[256];
    struct iovec vector = {back, 8};
    Address from = {0};
    struct msghdr header = {&from, sizeof from, &vector, 1, control, sizeof control, 0};
    errno = 0;
    long got = recvmsg(fd, &header, flags | MSG_DONTWAIT);
    printf("%ld %s flags %x name %u\n", got, error_name(errno), got < 0 ? 0 : header.msg_flags, header.msg_namelen);
    for (struct cmsghdr *each = got < 0 ? NULL : CMSG_FIRSTHDR(&header); each; each = CMSG_NXTHDR(&header, each)) {
        printf("  level %d type %d length %ld:", each->cmsg_level, each->cmsg_type, (long)each->cmsg_len);
        if (each->cmsg_level == SOL_SOCKET) {
            printf(" a time\n");
            continue;
        }
        for (size_t i = 0; i < each->cmsg_len - CMSG_LEN(0); i++) {
            struct sock_extended_err *error = (void *)CMSG_DATA(each);
            int port = each->cmsg_type == IP_RECVERR && i >= sizeof *error + 2 && i < sizeof *error + 4;
            printf(" %02x", port ? 0 : CMSG_DATA(each)[i]);
        }
        printf("\n");
    }
}

int main(void) {
    int one = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), two = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    Address any = {.sin_family = AF_INET}, to;
    MUST(bind(one, AT(any)));
    to = name_of(one);
    to.sin_addr.s_addr = inet_addr("127.0.0.5");
    MUST(set_option(one, IPPROTO_IP, IP_PKTINFO, 1));
    MUST(set_option(one, IPPROTO_IP, IP_RECVTTL, 1));
    MUST(set_option(one, IPPROTO_IP, IP_RECVTOS, 1));
    MUST(sendto(two, "a", 1, 0, AT(to)));
    show(one, 0);
    MUST(set_option(two, IPPROTO_IP, IP_TTL, 7));
    MUST(set_option(two, IPPROTO_IP, IP_TOS, 0x10));
    MUST(set_option(one, SOL_SOCKET, SO_TIMESTAMP, 1));
    MUST(sendto(two, "b", 1, 0, AT(to)));
    show(one, MSG_PEEK);
    show(one, 0);
    show(one, 0);
    MUST(close(one));
    show(two, MSG_ERRQUEUE);
    MUST(set_option(two, IPPROTO_IP, IP_RECVERR, 1));
    MUST(sendto(two, "lost", 4, 0, AT(to)));
    EVENTS(two);
    show(two, 0);
    EVENTS(two);
    show(two, MSG_ERRQUEUE);
    EVENTS(two);
    show(two, MSG_ERRQUEUE);
    show(two, 0);
    SHOW(set_option(two, IPPROTO_IP, IP_TTL, 256));
    SHOW(set_option(two, IPPROTO_IP, IP_TTL, 0));
    SHOW(set_option(two, IPPROTO_IP, IP_TTL, -1));
    SHOW(option(two, IPPROTO_IP, IP_TTL));
    DONE();
}
