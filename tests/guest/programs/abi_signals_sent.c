/* tkill, rt_tgsigqueueinfo and rt_sigpending: to oneself, and to nobody. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <signal.h>
static volatile int caught, code, value;
static void handler(int number, siginfo_t *info, void *context) {
    (void)context;
    caught = number, code = info->si_code, value = info->si_value.sival_int;
}
int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    uint64_t usr1 = 1UL << (SIGUSR1 - 1), pending = 0;
    pid_t self = getpid();
    MUST(sigaction(SIGUSR1, &action, NULL));
    SHOW(syscall(SYS_tkill, self, SIGUSR1));
    CHECK(caught == SIGUSR1 && code == SI_TKILL);
    CALL(tkill, 0x3ffffff, SIGUSR1);
    CALL(tkill, -1, SIGUSR1);
    SHOW(syscall(SYS_tkill, self, 99));
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_code = SI_QUEUE, info.si_value.sival_int = 42;
    SHOW(syscall(SYS_rt_tgsigqueueinfo, self, self, SIGUSR1, &info));
    CHECK(code == SI_QUEUE && value == 42);
    CALL(rt_tgsigqueueinfo, -1, 1, SIGUSR1, &info);
    SHOW(syscall(SYS_rt_sigqueueinfo, self, SIGUSR1, &info));
    info.si_code = -77, ((char *)&info)[100] = 1;
    SHOW(syscall(SYS_rt_sigqueueinfo, self, SIGUSR1, &info));
    MUST(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &usr1, NULL, 8));
    MUST(raise(SIGUSR1));
    CALL(rt_sigpending, &pending, 8);
    CHECK(pending == usr1);
    CALL(rt_sigpending, &pending, 16);
    CALL(rt_sigpending, (void *)8, 8);
    stack_t stack = {.ss_sp = NULL, .ss_size = 100};
    CALL(sigaltstack, NULL, &stack);
    printf("  %d %lu\n", stack.ss_flags, (unsigned long)stack.ss_size);
    stack.ss_flags = 0, stack.ss_size = 100;
    CALL(sigaltstack, &stack, NULL);
    stack.ss_flags = 5;
    CALL(sigaltstack, &stack, NULL);
    DONE();
}
