/* POSIX message queues within one process: names, limits, priorities, notification by signal, and the errors. */
#include "check.h"
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#define OPEN(name, flags, attr) syscall(SYS_mq_open, name, flags, 0666, attr)
#define TRY(name, flags, attr) (errno = 0, printf("open %s: %s\n", #name, OPEN(name, flags, attr) < 0 ? error_name(errno) : "made"))
static int q;
static char text[200];
static void look(const char *when) {
    lseek(q, 0, SEEK_SET);
    ssize_t count = read(q, text, sizeof text - 1);
    text[count > 0 ? count : 0] = 0;
    char *owner = strstr(text, "NOTIFY_PID:");
    if (owner) printf("%s: %.*s owner %d\n", when, (int)(owner - text), text, atoi(owner + 11) == getpid() ? 1 : atoi(owner + 11));
}
static void polled(void) {
    struct pollfd one = {q, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, 0};
    int count = poll(&one, 1, 0);
    printf("poll %d: %#x\n", count, one.revents);
}
int main(void) {
    struct mq_attr a = {0};
    struct stat st;
    struct statfs fs;
    char name[40], long_name[300], bytes[20];
    unsigned priority;
    snprintf(name, sizeof name, "abi%d", (int)getpid());
    memset(long_name, 'x', 299), long_name[299] = 0;
    struct rlimit limit = {819200, 819200};
    MUST(setrlimit(RLIMIT_MSGQUEUE, &limit));
    TRY("", O_CREAT | O_RDWR, NULL), TRY("/a", O_CREAT | O_RDWR, NULL), TRY("a/b", O_RDWR, NULL);
    TRY(".", O_CREAT | O_RDWR, NULL), TRY("..", O_RDWR, NULL), TRY(long_name, O_RDWR, NULL), TRY(name, O_RDWR, NULL);
    a.mq_maxmsg = 0, a.mq_msgsize = 10, TRY(name, O_CREAT | O_RDWR, &a);
    a.mq_maxmsg = 70000, TRY(name, O_CREAT | O_RDWR, &a);
    a.mq_maxmsg = 2, a.mq_msgsize = 0, TRY(name, O_CREAT | O_RDWR, &a);
    a.mq_msgsize = 1 << 25, TRY(name, O_CREAT | O_RDWR, &a);
    a.mq_msgsize = 10;
    q = (int)MUST(OPEN(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, &a));
    TRY(name, O_CREAT | O_EXCL | O_RDWR, &a), TRY(name, O_ACCMODE, NULL);
    int reader = (int)MUST(OPEN(name, O_RDONLY, NULL)), writer = (int)MUST(OPEN(name, O_WRONLY | O_CREAT, NULL));
    printf("%d %#x %#x\n", fcntl(q, F_GETFD), fcntl(q, F_GETFL), fcntl(writer, F_GETFL));
    MUST(fstat(q, &st)), MUST(fstatfs(q, &fs));
    printf("mode %o size %ld links %ld type %#lx\n", st.st_mode, (long)st.st_size, (long)st.st_nlink, (long)fs.f_type);
    polled();
    SHOW(mq_receive(q, bytes, 9, NULL));
    SHOW(mq_receive(q, bytes, 10, NULL));
    SHOW(mq_send(q, "low", 3, 3)); polled();
    SHOW(mq_send(writer, "high", 4, 32767)); polled();
    SHOW(mq_send(q, "more", 4, 1));
    SHOW(mq_send(q, "01234567890", 11, 7));
    SHOW(mq_send(q, "x", 1, 32768));
    SHOW(mq_send(reader, "x", 1, 1));
    SHOW(mq_send(1, "x", 1, 1));
    SHOW(mq_send(77, "x", 1, 1));
    SHOW(mq_receive(writer, bytes, 10, NULL));
    look("full");
    SHOW(write(q, "x", 1));
    SHOW(pread(q, bytes, 6, 3));
    SHOW(mq_getattr(q, &a));
    printf("attributes: %#lx %ld %ld %ld\n", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
    struct mq_attr change = {.mq_flags = 1};
    SHOW(mq_setattr(q, &change, NULL));
    change.mq_flags = 0, change.mq_maxmsg = 100;
    SHOW(mq_setattr(q, &change, &a));
    CHECK(a.mq_flags == O_NONBLOCK && a.mq_maxmsg == 2);
    SHOW(mq_getattr(1, &a));
    SHOW(syscall(SYS_mq_getsetattr, q, NULL, NULL));
    SHOW(fcntl(q, F_GETFL));
    SHOW(mq_receive(reader, bytes, 10, &priority));
    printf("%.4s %u\n", bytes, priority);
    SHOW(mq_receive(q, bytes, 10, &priority));
    printf("%.3s %u\n", bytes, priority);
    struct timespec past = {1, 0}, bad = {1, 1000000000};
    SHOW(mq_timedreceive(q, bytes, 10, NULL, &past));
    SHOW(mq_timedreceive(q, bytes, 10, NULL, &bad));
    SHOW(mq_timedreceive(77, bytes, 10, NULL, &bad));
    struct timespec soon;
    MUST(clock_gettime(CLOCK_REALTIME, &soon));
    soon.tv_nsec += 2000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
    SHOW(mq_timedreceive(q, bytes, 10, NULL, &soon));
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    event.sigev_value.sival_int = 42;
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGUSR1), sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(mq_notify(q, &event));
    SHOW(mq_notify(reader, &event));
    look("registered");
    SHOW(mq_send(q, "hello", 5, 1));
    siginfo_t info;
    SHOW(sigtimedwait(&set, &info, &past));
    printf("code %d value %d self %d uid %d\n", info.si_code, info.si_value.sival_int, info.si_pid == getpid(), info.si_uid == getuid());
    look("notified");
    SHOW(mq_notify(q, &event));
    SHOW(mq_send(q, "again", 5, 1)); /* Not to an empty queue. */
    SHOW(mq_notify(q, &event));
    SHOW(mq_notify(q, NULL));
    SHOW(mq_notify(q, NULL));
    SHOW(mq_notify(q, &event));
    SHOW(close(reader)); /* Any descriptor of it. */
    look("closed");
    event.sigev_signo = 99;
    SHOW(mq_notify(q, &event));
    event.sigev_notify = 77;
    SHOW(mq_notify(77, &event));
    SHOW(mq_notify(1, NULL));
    event.sigev_notify = SIGEV_NONE;
    SHOW(mq_notify(q, &event));
    look("to nobody");
    SHOW(syscall(SYS_mq_unlink, name));
    SHOW(syscall(SYS_mq_unlink, name));
    SHOW(syscall(SYS_mq_unlink, ""));
    SHOW(syscall(SYS_mq_unlink, "a/b"));
    MUST(fstat(q, &st));
    printf("links %ld\n", (long)st.st_nlink);
    SHOW(mq_receive(q, bytes, 10, NULL));
    limit.rlim_cur = 10 * (100 + 96);
    MUST(setrlimit(RLIMIT_MSGQUEUE, &limit));
    DONE();
}
