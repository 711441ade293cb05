/* Sockets as files: vectors, sendfile, splice, passing to another socket, /proc/self/fd, what files can and they cannot. */
#include "inet.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

int main(void) {
    int pair[2], file = make_file("data", 10000, 3), pipes[2];
    static char back[20000], want[20000];
    connected(pair);
    fill(want, 10000, 3);
    SHOW(sendfile(pair[0], file, NULL, 10000));
    SHOW(recv(pair[1], back, 10000, MSG_WAITALL));
    CHECK(!memcmp(back, want, 10000));
    MUST(pipe(pipes));
    MUST(write(pipes[1], "through a pipe", 14));
    SHOW(splice(pipes[0], NULL, pair[0], NULL, 14, 0));
    SHOW(splice(pair[1], NULL, pipes[1], NULL, 9, 0));
    SHOW(read(pipes[0], back, 100));
    struct iovec parts[2] = {{back, 2}, {back + 10, 90}};
    SHOW(readv(pair[1], parts, 2));
    printf("%.2s %.3s\n", back, back + 10);
    struct iovec out[2] = {{"he", 2}, {"llo", 3}};
    SHOW(writev(pair[0], out, 2));
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2, .msg_namelen = 7, .msg_name = want};
    SHOW(recvmsg(pair[1], &header, 0));
    printf("%x %u %ld\n", header.msg_flags, header.msg_namelen, (long)header.msg_controllen);
    SHOW(pread(pair[0], back, 1, 0));
    SHOW(pwrite(pair[0], back, 1, 0));
    SHOW(ftruncate(pair[0], 1));
    SHOW(fsync(pair[0]));
    SHOW(lseek(pair[0], 0, SEEK_SET));
    char path[64], link[64] = {0};
    snprintf(path, sizeof path, "/proc/self/fd/%d", pair[0]);
    MUST(readlink(path, link, sizeof link - 1));
    printf("%.8s\n", link);
    SHOW(open(path, O_RDWR));
    SHOW(listen(file, 1));
    SHOW(listen(99, 1));
    SHOW(write(pair[0], (void *)8, 4));
    SHOW(send(pair[0], (void *)8, 4, 0));
    MUST(write(pair[0], "kept", 4));
    SHOW(read(pair[1], (void *)8, 4));
    SHOW(recv(pair[1], back, 4, MSG_DONTWAIT));

    int unix_pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, unix_pair));
    union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {0};
    struct iovec one = {"x", 1};
    header = (struct msghdr){.msg_iov = &one, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *CMSG_FIRSTHDR(&header) = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), &pair[0], sizeof(int));
    SHOW(sendmsg(unix_pair[0], &header, 0));
    MUST(close(pair[0]));
    one = (struct iovec){back, 1};
    SHOW(recvmsg(unix_pair[1], &header, 0));
    int passed;
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(int));
    SHOW(write(passed, "passed", 6));
    SHOW(read(pair[1], back, 10));
    MUST(close(passed));
    SHOW(read(pair[1], back, 10));
    DONE();
}
