/* getrlimit, setrlimit, prlimit64. */
#include "check.h"
#include <sys/resource.h>
#include <sys/syscall.h>

int main(void) {
    struct rlimit a, b;
    for (int i = 0; i < 16; i++) {
        if (getrlimit(i, &a)) printf("limit %d: %s\n", i, error_name(errno));
        else CHECK(a.rlim_cur <= a.rlim_max);
    }
    SHOW(getrlimit(16, &a));
    SHOW(getrlimit(-1, &a));
    MUST(getrlimit(RLIMIT_NOFILE, &a));
    b = a;
    b.rlim_cur = 50;
    SHOW(setrlimit(RLIMIT_NOFILE, &b));
    MUST(prlimit(0, RLIMIT_NOFILE, NULL, &b));
    CHECK(b.rlim_cur == 50 && b.rlim_max == a.rlim_max);
    SHOW(prlimit(getpid(), RLIMIT_NOFILE, &a, &b));
    CHECK(b.rlim_cur == 50);
    b.rlim_cur = 10, b.rlim_max = 5;
    SHOW(setrlimit(RLIMIT_NOFILE, &b));
    SHOW(setrlimit(99, &b));
    SHOW(prlimit(0x7ffffffe, RLIMIT_NOFILE, NULL, &b));
    SHOW(sysconf(_SC_OPEN_MAX) == (long)a.rlim_cur);
    int fd = make_file("file", 10, 1); /* RLIMIT_DATA and RLIMIT_AS hold at once. */
    MUST(getrlimit(RLIMIT_AS, &a));
    b = a;
    b.rlim_cur = 64 << 20;
    SHOW(setrlimit(RLIMIT_AS, &b));
    SHOW((long)mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(setrlimit(RLIMIT_AS, &a));
    CHECK(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    CHECK(fd >= 0);
    DONE();
}
