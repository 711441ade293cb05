/* Lengths of datagrams: cut ones, peeked ones, gathered ones, too long ones; shutdown; many in one call. */
#include "inet.h"
#include <netinet/udp.h>
#include <sys/uio.h>

static int one, two;
static char big[70000];

static void next(int flags) {
    char back[4];
    struct iovec vector = {back, 4};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
    long got = recvmsg(one, &header, flags | MSG_DONTWAIT);
    printf("%ld %x\n", got, got < 0 ? 0 : header.msg_flags);
}

int main(void) {
    Address any = loopback(0);
    int held;
    one = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), two = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    MUST(bind(one, AT(any)));
    any = name_of(one);
    MUST(connect(two, AT(any)));
    MUST(send(two, "longer", 6, 0));
    MUST(ioctl(one, FIONREAD, &held));
    printf("%d\n", held);
    next(MSG_PEEK);
    next(MSG_PEEK | MSG_TRUNC);
    next(0);
    next(0);
    SHOW(send(two, "ab", 2, MSG_MORE));
    next(0);
    SHOW(send(two, "cd", 2, MSG_MORE));
    SHOW(send(two, "e", 1, 0));
    next(MSG_TRUNC);
    MUST(set_option(two, IPPROTO_UDP, UDP_CORK, 1));
    SHOW(send(two, "fg", 2, 0));
    SHOW(send(two, "h", 1, 0));
    next(0);
    MUST(set_option(two, IPPROTO_UDP, UDP_CORK, 0));
    next(0);
    SHOW(send(two, big, 65507, 0));
    next(MSG_TRUNC);
    SHOW(send(two, big, 65508, 0));
    SHOW(send(two, big, 65536, 0));
    struct iovec parts[2] = {{"ij", 2}, {"k", 1}};
    SHOW(writev(two, parts, 2));
    next(0);
    struct mmsghdr messages[3] = {{.msg_hdr = {.msg_iov = parts, .msg_iovlen = 2}},
                                  {.msg_hdr = {.msg_iov = parts, .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = parts, .msg_iovlen = 2000}}};
    SHOW(sendmmsg(two, messages, 3, 0));
    printf("%u %u\n", messages[0].msg_len, messages[1].msg_len);
    char room[2][8];
    struct iovec places[2] = {{room[0], 8}, {room[1], 8}};
    struct mmsghdr got[2] = {{.msg_hdr = {.msg_iov = places, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = places + 1, .msg_iovlen = 1}}};
    SHOW(recvmmsg(one, got, 2, MSG_WAITFORONE, NULL));
    printf("%u %u\n", got[0].msg_len, got[1].msg_len);
    SHOW(recv(one, big, 10, MSG_OOB | MSG_DONTWAIT));
    SHOW(send(two, "x", 1, MSG_OOB));
    SHOW(shutdown(two, SHUT_WR));
    SHOW(send(two, "x", 1, 0));
    SHOW(shutdown(two, SHUT_RD));
    SHOW(recv(two, big, 10, 0));
    SHOW(recv(two, big, 10, MSG_DONTWAIT));
    DONE();
}
