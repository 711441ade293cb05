/* Job control as a shell does it: a job in the foreground, stopped, in the background, and back. */
#include "pty.h"

static pid_t start_job(void) {
    pid_t job = (pid_t)MUST(fork());
    if (!job) {
        alarm(20);
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(slave, getpid());
        signal(SIGTTOU, SIG_DFL);
        signal(SIGTSTP, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        signal(SIGTTIN, SIG_DFL);
        char line[100];
        for (;;) {
            ssize_t n = read(slave, line, sizeof line);
            if (n <= 0) _exit(9);
            line[n - 1] = 0;
            if (!strcmp(line, "quit")) _exit(4);
            dprintf(slave, "job got %s\n", line);
        }
    }
    setpgid(job, job);
    MUST(tcsetpgrp(slave, job));
    return job;
}

/* What the terminal shows up to the job's answer, for which the job has to be ready. */
static void until(const char *answer) {
    static char data[1000];
    long length = 0;
    do {
        ssize_t n = read(master, data + length, sizeof data - 1 - (size_t)length);
        if (n <= 0) break;
        length += n;
        data[length] = 0;
    } while (!strstr(data, answer));
    print_bytes("terminal", data, length);
}

static void await(pid_t job) {
    int status;
    MUST(waitpid(job, &status, WUNTRACED));
    MUST(tcsetpgrp(slave, getpgrp()));
    if (WIFSTOPPED(status)) printf("stopped by %d\n", WSTOPSIG(status));
    else if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
    else printf("exit %d\n", WEXITSTATUS(status));
}

static void shell(void) {
    open_pair();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    int keys[] = {SIGINT, SIGTSTP, SIGTTOU, SIGTTIN};
    for (int i = 0; i < 4; i++) signal(keys[i], SIG_IGN);
    pid_t job = start_job();
    type("one\n");
    until("got one\r\n");
    type("\032");
    await(job);
    type("for the shell\n");
    reads(slave, 100);
    shown("terminal", master);
    MUST(kill(-job, SIGCONT)); /* bg: it reads, and is stopped again. */
    await(job);
    MUST(tcsetpgrp(slave, job));
    MUST(kill(-job, SIGCONT)); /* fg */
    type("two\n");
    until("got two\r\n");
    type("quit\n");
    await(job);
    shown("terminal", master);
    job = start_job();
    type("three\n");
    until("got three\r\n");
    type("unfinished\003");
    await(job);
    CHECK(tcgetpgrp(slave) == getpgrp());
    shown("terminal", master);
}

int main(void) {
    in_session("shell", shell);
    DONE();
}
