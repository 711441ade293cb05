/* run: main
 * run: thread
 * run: fatal
 * flags: -pthread
 * A stack that overflows meets its guard: SIGSEGV, handled on an alternate stack, for the first thread and for others;
 * without a handler it ends the process. */
#include "check.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>

static sigjmp_buf back;
static char *low, *high; /* The thread's stack, where it is known. */
static volatile char *deepest;
static char alternate[2][65536];

static void handler(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    char here;
    int on_alternate = 0;
    for (int i = 0; i < 2; i++) on_alternate |= &here >= alternate[i] && &here < alternate[i] + sizeof *alternate;
    CHECK(on_alternate);
    CHECK(low ? info->si_code == SEGV_ACCERR : info->si_code == SEGV_MAPERR);
    char *at = info->si_addr;
    CHECK(low ? at >= low && at < high : at < (char *)deepest && at > deepest - 65536);
    siglongjmp(back, 1);
}

__attribute__((noinline)) static int deeper(int depth) {
    volatile char frame[4000];
    if (depth == 1 << 30) return 0; /* Never that deep. */
    memset((char *)frame, depth, sizeof frame);
    deepest = frame;
    return deeper(depth + 1) + frame[depth % 4000];
}

static void overflow(int which) {
    stack_t stack = {.ss_sp = alternate[which], .ss_size = sizeof *alternate};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    if (!sigsetjmp(back, 1))
        printf("%d\n", deeper(0));
    else
        puts("back");
}

static void *run(void *argument) {
    pthread_attr_t attributes;
    void *base;
    size_t size, guard;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &base, &size);
    pthread_attr_getguardsize(&attributes, &guard);
    SHOW(guard);
    low = (char *)base - guard, high = (char *)base + guard;
    overflow(1);
    return argument;
}

int main(int count, char **arguments) {
    struct rlimit limit = {256 * 1024, RLIM_INFINITY};
    pthread_attr_t attributes;
    pthread_t thread;
    if (count < 2) return 0;
    setrlimit(RLIMIT_STACK, &limit);
    if (!strcmp(arguments[1], "main")) overflow(0), overflow(0);
    if (!strcmp(arguments[1], "thread")) {
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 131072);
        for (int i = 0; i < 2; i++) {
            pthread_create(&thread, &attributes, run, NULL);
            pthread_join(thread, NULL);
        }
    }
    if (!strcmp(arguments[1], "fatal")) return deeper(0);
    DONE();
}
