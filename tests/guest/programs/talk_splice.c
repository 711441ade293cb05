/* splice, tee, vmsplice and sendfile with pipes. */
#include "check.h"
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

int main(void) {
    int a[2], b[2], s[2], file = make_file("file", 10000, 5), out = (int)MUST(open("out", O_RDWR | O_CREAT, 0644));
    static char data[10000], back[20000];
    fill(data, sizeof data, 5);
    MUST(pipe(a));
    MUST(pipe(b));
    loff_t at = 5000;
    SHOW(splice(file, &at, a[1], NULL, 3000, 0));
    printf("%ld %ld\n", (long)at, (long)lseek(file, 0, SEEK_CUR));
    SHOW(splice(file, NULL, a[1], NULL, 100, SPLICE_F_MOVE));
    SHOW(tee(a[0], b[1], 10000, 0));
    SHOW(read(b[0], back, sizeof back));
    CHECK(!memcmp(back, data + 5000, 3000) && !memcmp(back + 3000, data, 100));
    SHOW(splice(a[0], NULL, out, NULL, 10000, 0));
    SHOW(splice(a[0], NULL, out, NULL, 100, SPLICE_F_NONBLOCK));
    SHOW(write(a[1], "from pipe to pipe", 17));
    SHOW(splice(a[0], NULL, b[1], NULL, 9, 0));
    SHOW(read(b[0], back, 100));
    SHOW(splice(a[0], NULL, out, &(loff_t){0}, 100, 0));
    SHOW(pread(out, back, 20000, 0));
    printf("%.8s\n", back);
    SHOW(splice(a[0], &at, out, NULL, 1, 0));
    SHOW(splice(a[0], NULL, a[1], NULL, 1, 0));
    SHOW(splice(file, NULL, out, NULL, 1, 0));
    SHOW(splice(a[1], NULL, out, NULL, 1, 0));
    SHOW(splice(file, NULL, a[1], NULL, 1, 0x100));
    SHOW(tee(file, a[1], 1, 0));
    SHOW(tee(a[0], a[1], 1, 0));
    struct iovec parts[2] = {{"abc", 3}, {"defg", 4}}, room = {back, 5};
    SHOW(vmsplice(a[1], parts, 2, 0));
    SHOW(vmsplice(a[0], &room, 1, 0));
    SHOW(vmsplice(file, parts, 1, 0));
    SHOW(read(a[0], back + 5, 10));
    printf("%.7s\n", back);
    MUST(lseek(file, 0, SEEK_SET));
    SHOW(sendfile(a[1], file, NULL, 6000));
    SHOW(sendfile(out, a[0], NULL, 6000));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(splice(a[0], NULL, s[0], NULL, 6000, 0));
    SHOW(splice(s[1], NULL, b[1], NULL, 6000, 0));
    SHOW(read(b[0], back, 20000));
    CHECK(!memcmp(back, data, 6000));
    while (fcntl(a[1], F_SETFL, O_NONBLOCK), write(a[1], data, 4096) > 0) continue;
    SHOW(splice(file, NULL, a[1], NULL, 1, SPLICE_F_NONBLOCK));
    MUST(close(a[1]));
    while (read(a[0], back, 20000) > 0) continue;
    SHOW(splice(a[0], NULL, out, NULL, 1, 0));
    /* Packets stay packets, whichever way they go. */
    MUST(pipe2(a, O_DIRECT | O_NONBLOCK));
    MUST(write(a[1], "hello", 5));
    MUST(write(a[1], "world", 5));
    SHOW(tee(a[0], b[1], 7, 0));
    SHOW(read(b[0], back, 100));
    SHOW(splice(a[0], NULL, b[1], NULL, 7, 0));
    SHOW(read(b[0], back, 100));
    SHOW(read(b[0], back, 100));
    SHOW(read(b[0], back, 100));
    SHOW(read(a[0], back, 100));
    /* What does not fit is not waited for. */
    MUST(pipe(a));
    static char much[70000] __attribute__((aligned(4096)));
    struct iovec all = {much, sizeof much};
    SHOW(vmsplice(a[1], &all, 1, 0));
    SHOW(vmsplice(a[1], &all, 1, SPLICE_F_NONBLOCK));
    DONE();
}
