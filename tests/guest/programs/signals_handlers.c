/* builds: static pie musl
 * run: frame
 * run: masks
 * run: stacking
 * run: oneshot
 * run: nodefer
 * run: registers
 * run: altstack
 * run: autodisarm
 * run: overflow
 * run: longjmp
 * run: change_context
 * run: bad_frame
 * run: no_restorer
 * Signal handlers: the frame they find, what is blocked while they run, and the way back. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

static volatile sig_atomic_t seen, depth;
static char *stack_low;
static sigjmp_buf again;

static void show_mask(const char *when) {
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("%s:", when);
    for (int i = 1; i < 65; i++)
        if (sigismember(&set, i) == 1) printf(" %d", i);
    printf("\n");
}

static void install(int number, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_flags = SA_SIGINFO | flags};
    action.sa_sigaction = handler;
    MUST(sigaction(number, &action, NULL));
}

static void on_frame(int number, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    unsigned short mxcsr_low;
    unsigned control;
    __asm__ volatile("stmxcsr %0" : "=m"(control));
    mxcsr_low = (unsigned short)control;
    printf("signal %d errno %d code %d mine %d uid %d\n", number, info->si_errno, info->si_code,
           info->si_pid == getpid(), info->si_uid == getuid());
    CHECK(((uintptr_t)uc & 15) == 0);
    CHECK((char *)info - (char *)uc == 304);
    CHECK(((uintptr_t)uc->uc_mcontext.fpregs & 63) == 0);
    CHECK((uc->uc_flags & 6) == 6 && uc->uc_link == NULL);
    CHECK(uc->uc_mcontext.gregs[REG_CSGSFS] == 0x2b000000000033);
    CHECK(uc->uc_mcontext.gregs[REG_RSP] - (greg_t)uc->uc_mcontext.fpregs >= 128 + 512);
    printf("eflags %llx oldmask %llx stack flags %d mxcsr %x saved %x cwd %x\n",
           uc->uc_mcontext.gregs[REG_EFL] & 0x400LL, uc->uc_mcontext.gregs[REG_OLDMASK], uc->uc_stack.ss_flags,
           mxcsr_low, uc->uc_mcontext.fpregs->mxcsr, uc->uc_mcontext.fpregs->cwd);
    seen++;
}

static void on_mask(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    printf("in %d\n", number);
    show_mask("blocked");
}

static void on_stacking(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    printf("begin %d\n", number);
    if (number == SIGUSR1) raise(SIGUSR2);
    printf("end %d\n", number);
}

static void on_nodefer(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    int level = ++depth;
    printf("level %d\n", level);
    if (level < 4) raise(number);
    printf("leave %d\n", level);
}

static void on_registers(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    __asm__ volatile("pxor %%xmm0, %%xmm0\n pxor %%xmm7, %%xmm7\n pxor %%xmm15, %%xmm15\n fninit\n"
                     "mov $0, %%r15\n mov $0, %%rbx\n" ::: "xmm0", "xmm7", "xmm15", "r15", "rbx");
    seen++;
}

static void registers(void) {
    install(SIGUSR1, on_registers, 0);
    uint64_t in[2] = {0x1122334455667788ULL, 0x99aabbccddeeff00ULL}, out[6] = {0};
    long double pi = 3.14159265358979323846L, back = 0;
    long result, r15, rbx, flags;
    long pid = getpid(), tid = syscall(SYS_gettid);
    __asm__ volatile(
        "movdqu %[in], %%xmm0\n movdqu %[in], %%xmm7\n movdqu %[in], %%xmm15\n fldt %[pi]\n"
        "mov $0x5a5a, %%r15\n mov $0xa5a5, %%rbx\n std\n stc\n syscall\n pushfq\n pop %[flags]\n cld\n"
        "movdqu %%xmm0, %[o0]\n movdqu %%xmm7, %[o1]\n movdqu %%xmm15, %[o2]\n fstpt %[back]\n"
        "mov %%r15, %[r15]\n mov %%rbx, %[rbx]\n"
        : "=a"(result), [o0] "=m"(out[0]), [o1] "=m"(out[2]), [o2] "=m"(out[4]), [back] "=m"(back), [r15] "=m"(r15),
          [rbx] "=m"(rbx), [flags] "=&r"(flags)
        : "a"(SYS_tgkill), "D"(pid), "S"(tid), "d"(SIGUSR1), [in] "m"(*(char(*)[16])in), [pi] "m"(pi)
        : "rcx", "r11", "r15", "rbx", "xmm0", "xmm7", "xmm15", "memory", "cc", "st");
    printf("tgkill = %ld, seen %d, r15 %lx rbx %lx df %lx cf %lx\n", result, seen, r15, rbx, flags & 0x400, flags & 1);
    CHECK(!memcmp(out, in, 16) && !memcmp(out + 2, in, 16) && !memcmp(out + 4, in, 16));
    CHECK(back == pi);
}

static void on_altstack(int number, siginfo_t *info, void *context) {
    (void)info;
    ucontext_t *uc = context;
    char here;
    stack_t now;
    sigaltstack(NULL, &now);
    printf("signal %d on alternate %d flags %d saved %d size %zu\n", number,
           &here >= stack_low && &here < stack_low + 65536, now.ss_flags, uc->uc_stack.ss_flags, uc->uc_stack.ss_size);
    SHOW(sigaltstack(&now, NULL));
    if (number == SIGUSR1) raise(SIGUSR2);
}

static void use_stack(size_t size, int flags) {
    stack_low = map_anonymous(65536);
    stack_t stack = {.ss_sp = stack_low, .ss_size = size, .ss_flags = flags};
    SHOW(sigaltstack(&stack, NULL));
}

static void altstack(void) {
    stack_t bad = {.ss_sp = map_anonymous(PAGE), .ss_size = 100};
    SHOW(sigaltstack(&bad, NULL));
    bad.ss_size = PAGE, bad.ss_flags = 77;
    SHOW(sigaltstack(&bad, NULL));
    SHOW(syscall(SYS_sigaltstack, 8, NULL));
    use_stack(65536, 0);
    SHOW(syscall(SYS_sigaltstack, NULL, 8));
    install(SIGUSR1, on_altstack, SA_ONSTACK);
    install(SIGUSR2, on_altstack, SA_ONSTACK);
    raise(SIGUSR1);
    install(SIGUSR1, on_altstack, 0);
    raise(SIGUSR1);
    stack_t now;
    SHOW(sigaltstack(NULL, &now));
    printf("after: flags %d size %zu\n", now.ss_flags, now.ss_size);
    now.ss_flags = SS_DISABLE;
    SHOW(sigaltstack(&now, NULL));
    SHOW(sigaltstack(NULL, &now));
    printf("disabled: flags %d size %zu at %p\n", now.ss_flags, now.ss_size, now.ss_sp);
}

static void autodisarm(void) {
    use_stack(65536, (int)(1U << 31));
    install(SIGUSR1, on_altstack, SA_ONSTACK);
    install(SIGUSR2, on_altstack, SA_ONSTACK);
    raise(SIGUSR1);
    stack_t now;
    SHOW(sigaltstack(NULL, &now));
    printf("after: flags %x size %zu\n", (unsigned)now.ss_flags, now.ss_size);
}

static int dig(int n) {
    volatile char room[512];
    room[0] = (char)n;
    return dig(n + 1) + room[0];
}

static void on_overflow(int number, siginfo_t *info, void *context) {
    (void)context;
    char here;
    printf("signal %d code %d on alternate %d\n", number, info->si_code,
           &here >= stack_low && &here < stack_low + 65536);
    exit(3);
}

static void on_jump(int number, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    printf("signal %d code %d at 0x10 %d cr2 %llx trap %lld err %lld\n", number, info->si_code,
           info->si_addr == (void *)0x10, uc->uc_mcontext.gregs[REG_CR2], uc->uc_mcontext.gregs[REG_TRAPNO],
           uc->uc_mcontext.gregs[REG_ERR]);
    siglongjmp(again, 1);
}

static void on_change(int number, siginfo_t *info, void *context) {
    (void)info, (void)number;
    ucontext_t *uc = context;
    uc->uc_mcontext.gregs[REG_RAX] = 4242;
    uc->uc_mcontext.gregs[REG_RIP] += 3; /* Over the load. */
    uc->uc_mcontext.fpregs->_xmm[3].element[0] = 0xabcdef;
    sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void change_context(void) {
    install(SIGSEGV, on_change, 0);
    long value = 1;
    unsigned low = 0;
    __asm__ volatile("xor %%ecx, %%ecx\n mov (%%rcx), %%rax\n movd %%xmm3, %1\n"
                     : "=a"(value), "=r"(low)::"rcx", "xmm3", "memory");
    printf("value %ld xmm3 %x\n", value, low);
    show_mask("blocked");
}

static void on_bad_frame(int number, siginfo_t *info, void *context) {
    (void)info, (void)number;
    ucontext_t *uc = context;
    uc->uc_mcontext.fpregs = (void *)8;
}

struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "frame";
    if (!strcmp(how, "frame")) {
        install(SIGUSR1, on_frame, 0);
        raise(SIGUSR1);
        kill(getpid(), SIGUSR1);
        sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 5});
        install(SIGRTMIN + 3, on_frame, 0);
        raise(SIGRTMIN + 3);
        printf("seen %d\n", seen);
    } else if (!strcmp(how, "masks")) {
        struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_mask};
        sigaddset(&action.sa_mask, SIGHUP), sigaddset(&action.sa_mask, SIGKILL), sigaddset(&action.sa_mask, 60);
        MUST(sigaction(SIGUSR1, &action, NULL));
        show_mask("before");
        raise(SIGUSR1);
        show_mask("after");
    } else if (!strcmp(how, "stacking")) {
        install(SIGUSR1, on_stacking, 0);
        install(SIGUSR2, on_stacking, 0);
        raise(SIGUSR1);
        sigset_t both, old, pending;
        sigemptyset(&both), sigaddset(&both, SIGUSR1), sigaddset(&both, SIGUSR2);
        MUST(sigprocmask(SIG_BLOCK, &both, &old));
        raise(SIGUSR2), raise(SIGUSR1), raise(SIGUSR1);
        MUST(sigpending(&pending));
        printf("pending %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
        MUST(sigprocmask(SIG_SETMASK, &old, NULL));
        puts("unblocked");
    } else if (!strcmp(how, "oneshot")) {
        install(SIGUSR1, on_mask, (int)SA_RESETHAND);
        raise(SIGUSR1);
        raise(SIGUSR1);
    } else if (!strcmp(how, "nodefer")) {
        install(SIGUSR1, on_nodefer, SA_NODEFER);
        raise(SIGUSR1);
        depth = 0;
        install(SIGUSR1, on_nodefer, 0);
        raise(SIGUSR1);
        printf("depth %d\n", depth);
    } else if (!strcmp(how, "registers")) {
        registers();
    } else if (!strcmp(how, "altstack")) {
        altstack();
    } else if (!strcmp(how, "autodisarm")) {
        autodisarm();
    } else if (!strcmp(how, "overflow")) {
        use_stack(65536, 0);
        install(SIGSEGV, on_overflow, SA_ONSTACK);
        return dig(0);
    } else if (!strcmp(how, "longjmp")) {
        install(SIGSEGV, on_jump, 0);
        for (int i = 0; i < 3; i++)
            if (!sigsetjmp(again, 1)) *(volatile char *)0x10 = 1;
        show_mask("after");
    } else if (!strcmp(how, "change_context")) {
        change_context();
    } else if (!strcmp(how, "bad_frame")) {
        install(SIGUSR1, on_bad_frame, 0);
        raise(SIGUSR1);
        puts("alive");
    } else if (!strcmp(how, "no_restorer")) {
        struct kernel_action action = {.handler = on_frame};
        SHOW(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8));
        raise(SIGUSR1);
        puts("alive");
    }
    DONE();
}
