/* A listener, a connection and a datagram socket in /proc/net. */
#include "inet.h"

/* Lines of a table whose local port is this; their state, and whether they have our inode. */
static void find(const char *path, int port, unsigned long inode) {
    char line[512];
    FILE *file = fopen(path, "r");
    if (!file) {
        printf("%s: %s\n", path, error_name(errno));
        return;
    }
    fgets(line, sizeof line, file);
    printf("%s: %.28s\n", path, line);
    while (fgets(line, sizeof line, file)) {
        unsigned at, local, to, remote, state, uid;
        unsigned long out, in, when, retries, number;
        int timer, slot, probes;
        int n = sscanf(line, "%d: %x:%x %x:%x %x %lx:%lx %d:%lx %lx %u %d %lu", &slot, &at, &local, &to, &remote, &state, &out,
                       &in, &timer, &when, &retries, &uid, &probes, &number);
        if (n == 14 && (int)local == port)
            printf("%08x %08x state %x queues %lx %lx ours %d\n", at, to, state, out, in, number == inode);
    }
    fclose(file);
}

static unsigned long inode(int fd) {
    struct stat status;
    MUST(fstat(fd, &status));
    return status.st_ino;
}

int main(void) {
    int server = listening(1), udp = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), pair[2];
    find("/proc/net/tcp", ntohs(name_of(server).sin_port), inode(server));
    Address any = {.sin_family = AF_INET};
    MUST(bind(udp, AT(any)));
    find("/proc/net/udp", ntohs(name_of(udp).sin_port), inode(udp));
    connected(pair);
    MUST(write(pair[1], "abc", 3));
    find("/proc/self/net/tcp", ntohs(name_of(pair[0]).sin_port), inode(pair[0]));
    MUST(close(server));
    server = listening(1);
    find("/proc/net/tcp", ntohs(name_of(server).sin_port), inode(server));
    char line[256];
    FILE *file = fopen("/proc/net/dev", "r");
    int lo = 0;
    for (int i = 0; file && fgets(line, sizeof line, file); i++) {
        if (i < 2) printf("%s", line);
        char *name = line + strspn(line, " ");
        lo |= !strncmp(name, "lo:", 3);
    }
    CHECK(lo);
    DONE();
}
