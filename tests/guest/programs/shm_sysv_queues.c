/* System V message queues: types, sizes, order, waiting senders and receivers, limits, removal. */
#include "check.h"
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct message {
    long type;
    char text[8192];
};

static int id;

static int put(long type, const char *text, int flags) {
    struct message one = {.type = type};
    strcpy(one.text, text);
    return msgsnd(id, &one, strlen(text), flags);
}

static void get(long type, size_t size, int flags) {
    struct message one = {0};
    errno = 0;
    ssize_t count = msgrcv(id, &one, size, type, flags);
    if (count < 0)
        printf("get %ld: %s\n", type, errno == ENOMSG ? "ENOMSG" : error_name(errno));
    else
        printf("get %ld: %zd bytes of type %ld: %s\n", type, count, one.type, one.text);
}

static pid_t child(void) {
    fflush(stdout);
    return (pid_t)MUST(fork());
}

static void order(void) {
    put(3, "three", 0), put(1, "one", 0), put(2, "two", 0), put(1, "one again", 0), put(5, "", 0);
    struct msqid_ds status;
    SHOW(msgctl(id, IPC_STAT, &status));
    printf("%lu messages, %lu bytes of %lu, mode %o, sender %d receiver %d\n", (unsigned long)status.msg_qnum,
           (unsigned long)status.__msg_cbytes, (unsigned long)status.msg_qbytes, status.msg_perm.mode,
           status.msg_lspid == getpid(), (int)status.msg_lrpid);
    get(2, 100, 0);
    get(-2, 100, 0);
    get(3, 4, 0);
    get(3, 4, MSG_NOERROR);
    get(1, 100, MSG_EXCEPT);
    get(0, 100, 0);
    get(0, 100, IPC_NOWAIT);
    get(7, 100, IPC_NOWAIT);
    SHOW(msgrcv(id, (void *)8, (size_t)-1, 0, 0));
    SHOW(msgsnd(id, (void *)8, 1, 0));
    SHOW(put(0, "x", 0));
    SHOW(put(-1, "x", 0));
    struct message large = {.type = 1};
    SHOW(msgsnd(id, &large, 8193, 0));
    SHOW(msgsnd(id, &large, 8192, 0));
    SHOW(msgsnd(id, &large, 8192, 0));
    SHOW(msgsnd(id, &large, 1, IPC_NOWAIT));
    SHOW(msgsnd(id, &large, 0, IPC_NOWAIT));
}

static void waiting(void) {
    pid_t sender = child();
    if (!sender) _exit(put(9, "from a sender that had to wait", 0) == 0 ? 1 : 9);
    usleep(3000);
    struct message large;
    SHOW(msgrcv(id, &large, 8192, 1, 0));
    int status;
    waitpid(sender, &status, 0);
    printf("sender %d\n", WEXITSTATUS(status));
    SHOW(msgrcv(id, &large, 8192, 1, 0));
    SHOW(msgrcv(id, &large, 8192, 1, 0));
    get(0, 100, 0);
    pid_t receiver = child();
    if (!receiver) {
        get(4, 100, 0);
        get(-3, 2, 0);
        _exit(0);
    }
    usleep(2000);
    put(6, "not for it", 0), put(4, "for it", 0), usleep(2000), put(3, "too long", 0);
    waitpid(receiver, &status, 0);
    get(0, 100, IPC_NOWAIT);
    get(0, 100, IPC_NOWAIT);
    receiver = child();
    if (!receiver) {
        ssize_t count = msgrcv(id, &large, 100, 0, 0);
        _exit(count == -1 && (errno == EIDRM || errno == EINVAL)); /* The latter when it came too late to wait. */
    }
    usleep(2000);
    SHOW(msgctl(id, IPC_RMID, NULL));
    waitpid(receiver, &status, 0);
    printf("receiver %d\n", WEXITSTATUS(status));
    SHOW(put(1, "x", 0));
}

static void handler(int number) { (void)number; }

static void limits(void) {
    struct msqid_ds status;
    id = (int)MUST(msgget(IPC_PRIVATE, 0600));
    MUST(msgctl(id, IPC_STAT, &status));
    status.msg_qbytes = 4;
    SHOW(msgctl(id, IPC_SET, &status));
    SHOW(put(1, "12345", IPC_NOWAIT));
    SHOW(put(1, "1234", IPC_NOWAIT));
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGALRM, &action, NULL);
    ualarm(3000, 3000);
    SHOW(put(1, "1", 0));
    ualarm(0, 0);
    get(1, 4, 0);
    SHOW(msgctl(id, IPC_RMID, NULL));
    SHOW(msgctl(id, IPC_STAT, &status));
    SHOW(msgctl(-1, IPC_STAT, &status));
}

int main(void) {
    key_t key = (key_t)(0x4e000000 | (getpid() & 0xffff));
    SHOW(msgget(key, 0600));
    id = (int)MUST(msgget(key, IPC_CREAT | 0600));
    CHECK(msgget(key, 0) == id);
    SHOW(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
    order();
    waiting();
    limits();
    DONE();
}
