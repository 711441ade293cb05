/* A call that waits keeps its file open, whoever closes the descriptor meanwhile: another thread, or a process that shares
 * the table. The next call finds the descriptor closed, and a lock that comes then is given up.
 * flags: -pthread */
#define _GNU_SOURCE
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static int ends[2], set = -1;
static char byte;

static void pause_ms(int ms) {
    struct timespec time = {0, ms * 1000000L};
    nanosleep(&time, NULL);
}
static void *reads(void *argument) {
    SHOW(read(ends[0], &byte, 1));
    SHOW(read(ends[0], &byte, 1));
    return argument;
}
static void *polls(void *argument) {
    struct pollfd one = {ends[0], POLLIN, 0};
    SHOW(poll(&one, 1, 3000));
    printf("%s\n", one.revents & POLLNVAL ? "closed" : one.revents & POLLIN ? "ready" : "nothing");
    return argument;
}
static void *waits(void *argument) {
    struct epoll_event event;
    SHOW(epoll_wait(set, &event, 1, 3000));
    return argument;
}
static int closes(void *argument) {
    close(ends[0]);
    return argument != NULL;
}

/* One end is used by a thread; then its descriptor is closed, and the other end written to and closed. */
static void meanwhile(const char *what, void *(*use)(void *), int *closed, int kind, int elsewhere) {
    static char stack[65536];
    pthread_t thread;
    printf("%s\n", what);
    if (kind)
        MUST(socketpair(AF_UNIX, kind, 0, ends));
    else
        MUST(pipe(ends));
    struct epoll_event event = {.events = EPOLLIN};
    set = (int)MUST(epoll_create1(0));
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event));
    pthread_create(&thread, NULL, use, NULL);
    pause_ms(100);
    if (elsewhere) {
        pid_t pid = (pid_t)MUST(clone(closes, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL));
        MUST(waitpid(pid, NULL, 0));
    } else {
        close(*closed);
    }
    ssize_t sent = write(ends[1], "x", 1);
    pthread_join(thread, NULL);
    SHOW(sent);
    SHOW(fcntl(*closed, F_GETFD));
    if (closed != ends) close(ends[0]);
    SHOW(write(ends[1], "x", 1)); /* Nobody has the other end any more. */
    close(ends[1]);
    if (closed != &set) close(set);
}

/* Of two threads that wait for any child, one gets the first that ends, and the other waits on: it holds nothing that a
 * third thread's last call looked at. */
static volatile int done;
static void *waits_for_any(void *argument) {
    MUST(waitpid(-1, NULL, 0));
    while (!done)
        ;
    return argument;
}
static pid_t child_until(int closed, int ms) {
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        close(ends[0]);
        close(ends[1]);
        if (ms) pause_ms(ms);
        else read(closed, &byte, 1);
        _exit(0);
    }
    return pid;
}
static void a_wait_that_goes_on(void) {
    int last[2];
    pthread_t threads[2];
    MUST(pipe(ends));
    MUST(pipe(last));
    child_until(last[0], 0);
    child_until(last[0], 20);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, waits_for_any, NULL);
    pause_ms(10);
    fcntl(ends[1], F_GETFL);
    for (volatile long i = 0; i < 8000000; i++)
        ;
    close(ends[1]);
    struct pollfd one = {ends[0], POLLIN, 0};
    SHOW(poll(&one, 1, 1000));
    MUST(write(last[1], "x", 1));
    done = 1;
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    close(ends[0]);
}

static void *locks(void *argument) {
    struct flock whole = {.l_type = F_WRLCK};
    SHOW(fcntl(set, F_SETLKW, &whole));
    return argument;
}
static void try_to_lock(void) {
    struct flock whole = {.l_type = F_WRLCK};
    int file = (int)MUST(open("locked", O_RDWR | O_CREAT, 0600));
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        SHOW(fcntl(file, F_SETLK, &whole));
        fflush(stdout);
        pause_ms(100);
        _exit(0);
    }
    pause_ms(50);
    pthread_t thread;
    set = (int)MUST(open("locked", O_RDWR));
    pthread_create(&thread, NULL, locks, NULL);
    pause_ms(20);
    close(set);
    pthread_join(thread, NULL);
    MUST(waitpid(pid, NULL, 0));
}

static void *ends_reading(void *argument) {
    read(ends[0], &byte, 1);
    return argument;
}

int main(void) {
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    meanwhile("pipe", reads, ends, 0, 0);
    meanwhile("socket", reads, ends, SOCK_STREAM, 0);
    meanwhile("datagrams", reads, ends, SOCK_DGRAM, 0);
    meanwhile("a table that processes share", reads, ends, 0, 1);
    meanwhile("poll", polls, ends, 0, 0);
    meanwhile("epoll", waits, &set, 0, 0);
    a_wait_that_goes_on();
    fflush(stdout);
    try_to_lock();
    try_to_lock(); /* Which the first left free. */
    int talk[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, talk));
    MUST(pipe(ends)); /* A thread that ends in its call, with its process, holds nothing any more. */
    pid_t pid = (pid_t)MUST(fork());
    if (pid == 0) {
        close(ends[1]);
        pthread_create(&thread, NULL, ends_reading, NULL);
        pause_ms(100);
        close(ends[0]);
        write(talk[0], "c", 1);
        read(talk[0], &byte, 1);
        _exit(0);
    }
    close(ends[0]);
    MUST(read(talk[1], &byte, 1));
    SHOW(write(ends[1], "x", 1));
    MUST(write(talk[1], "e", 1));
    MUST(waitpid(pid, NULL, 0));
    SHOW(write(ends[1], "x", 1));
    DONE();
}
