/* flags: -pthread
 * Processes that wait at a POSIX message queue: for a message, for room, for a time, for a signal; who asks whom in
 * what order; and the start of a thread by mq_notify. */
#include "check.h"
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
static mqd_t q;
static sem_t told;
static int told_value;
static void on_alarm(int unused) { (void)unused; }
static void started(union sigval value) {
    told_value = value.sival_int;
    sem_post(&told);
}
static void nap(void) { nanosleep(&(struct timespec){0, 1000000}, NULL); }
static void until_asleep(pid_t pid) {
    char path[40], text[400], *state;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    do {
        nap();
        int fd = (int)MUST(open(path, O_RDONLY));
        ssize_t count = MUST(read(fd, text, sizeof text - 1));
        close(fd);
        text[count] = 0;
        state = strrchr(text, ')');
    } while (!state || state[2] != 'S');
}
static void join(pid_t child) {
    int status = -1;
    MUST(waitpid(child, &status, 0));
    CHECK(status == 0);
}
int main(void) {
    char name[40], bytes[16] = "";
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
    unsigned priority;
    snprintf(name, sizeof name, "/talk%d", (int)getpid());
    q = (mqd_t)MUST(mq_open(name, O_CREAT | O_RDWR, 0600, &attr));
    mqd_t own = (mqd_t)MUST(mq_open(name, O_RDWR | O_NONBLOCK));
    MUST(mq_unlink(name));
    pid_t child = fork(); /* It waits for a message. */
    if (!child) {
        ssize_t count = mq_receive(q, bytes, 8, &priority);
        return !(count == 5 && priority == 9 && !memcmp(bytes, "hello", 5));
    }
    until_asleep(child);
    SHOW(mq_send(q, "hello", 5, 9));
    SHOW(mq_receive(own, bytes, 8, NULL)); /* It went to the one that waited. */
    join(child);
    MUST(mq_send(q, "first", 5, 1));
    pid_t other[2];
    for (int i = 0; i < 2; i++) { /* They wait for room. */
        if (!(other[i] = fork())) return mq_send(q, i ? "third" : "second", 7, i ? 8 : 2) ? 1 : 0;
        until_asleep(other[i]);
    }
    for (int i = 0; i < 3; i++) {
        ssize_t count = mq_receive(own, bytes, 8, &priority);
        printf("%ld %.7s %u\n", (long)count, bytes, priority);
    }
    join(other[0]), join(other[1]);
    /* A time, and signals. */
    struct timespec soon;
    MUST(clock_gettime(CLOCK_REALTIME, &soon));
    soon.tv_nsec += 3000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
    SHOW(mq_timedreceive(q, bytes, 8, NULL, &soon));
    MUST(mq_send(q, "full", 4, 1));
    soon.tv_nsec = 0;
    SHOW(mq_timedsend(q, "more", 4, 1, &soon));
    MUST(mq_receive(q, bytes, 8, NULL));
    struct sigaction action = {.sa_handler = on_alarm};
    MUST(sigaction(SIGUSR1, &action, NULL));
    pid_t self = getpid();
    if (!(child = fork())) return until_asleep(self), kill(self, SIGUSR1);
    SHOW(mq_receive(q, bytes, 8, NULL));
    join(child);
    action.sa_flags = SA_RESTART;
    MUST(sigaction(SIGUSR1, &action, NULL));
    if (!(child = fork())) return until_asleep(self), kill(self, SIGUSR1), until_asleep(self), mq_send(q, "restart", 7, 0);
    SHOW(mq_receive(q, bytes, 8, NULL));
    join(child);
    /* A thread that mq_notify starts; then one whose registration is taken back. */
    MUST(sem_init(&told, 0, 0));
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = started};
    event.sigev_value.sival_int = 77;
    SHOW(mq_notify(q, &event));
    SHOW(mq_send(q, "wake", 4, 0));
    MUST(sem_wait(&told));
    SHOW(told_value);
    SHOW(mq_notify(q, &event));
    SHOW(mq_notify(q, NULL));
    SHOW(mq_close(q));
    SHOW(mq_close(own));
    DONE();
}
