/* A memfd that is sent over a socket, inherited through execve, and opened by another process through /proc: one memory. */
#include "check.h"
#include <sys/socket.h>
#include <sys/wait.h>

static void send_fd(int socket, int fd) {
    char byte = 'x', control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    MUST(sendmsg(socket, &message, 0));
}

static int receive_fd(int socket) {
    int fd;
    char byte, control[CMSG_SPACE(sizeof fd)];
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    MUST(recvmsg(socket, &message, 0));
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

int main(int argc, char **argv) {
    if (argc > 1) { /* After execve. */
        int fd = atoi(argv[1]);
        char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        printf("after execve: %s\n", map);
        strcpy(map, "from the new program");
        return 0;
    }
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    pid_t pid = (pid_t)MUST(fork());
    if (!pid) {
        int fd = (int)MUST(memfd_create("sent", 0));
        MUST(ftruncate(fd, PAGE));
        char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        strcpy(map, "from the sender");
        send_fd(pair[1], fd);
        close(fd);
        char byte;
        MUST(read(pair[1], &byte, 1));
        printf("sender sees: %s\n", map);
        return 0;
    }
    int fd = receive_fd(pair[0]);
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("received: %s\n", map);
    strcpy(map, "from the receiver");
    MUST(write(pair[0], "x", 1));
    wait(NULL);
    char path[64], number[16];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fd);
    snprintf(number, sizeof number, "%d", fd);
    if (!fork()) {
        close(fd);
        int again = (int)MUST(open(path, O_RDWR));
        MUST(pwrite(again, "from a child by its path", 25, 0));
        _exit(0);
    }
    wait(NULL);
    printf("now: %s\n", map);
    fflush(stdout);
    if (!fork()) execl(argv[0], argv[0], number, (char *)NULL);
    wait(NULL);
    printf("at last: %s\n", map);
    DONE();
}
