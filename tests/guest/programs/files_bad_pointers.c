/* EFAULT, and not a signal, for every call that is given an address that it cannot read or write. */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/uio.h>

#define TRY(call, ...)                                                                   \
    do {                                                                                 \
        errno = 0;                                                                       \
        long value = syscall(SYS_##call, __VA_ARGS__);                                   \
        printf("%-16s %s", #call, value == -1 ? error_name(errno) : "worked");           \
        if (value != -1) printf(" %ld", value);                                          \
        printf("\n");                                                                    \
    } while (0)

int main(void) {
    int fd = make_file("file", 100, 1);
    int dir = (int)MUST(open(".", O_RDONLY));
    char good[4096];
    char *pages = map_anonymous(2 * PAGE);
    MUST(mprotect(pages + PAGE, PAGE, PROT_NONE));
    char *constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *const addresses[] = {(void *)8, pages + PAGE, (void *)0xffff800000000000, (void *)0x00008000deadbeef};
    for (int i = 0; i < 4; i++) {
        void *bad = addresses[i];
        printf("address %d\n", i);
        TRY(read, fd, bad, 10L);
        TRY(write, fd, bad, 10L);
        TRY(pread64, fd, bad, 10L, 0L);
        TRY(pwrite64, fd, bad, 10L, 0L);
        TRY(readv, fd, bad, 1L);
        TRY(open, bad, 0L, 0L);
        TRY(openat, AT_FDCWD, bad, 0L, 0L);
        TRY(stat, "file", bad);
        TRY(stat, bad, good);
        TRY(fstat, fd, bad);
        TRY(lstat, "file", bad);
        TRY(newfstatat, AT_FDCWD, "file", bad, 0L);
        TRY(statx, AT_FDCWD, "file", 0L, 0x7ffL, bad);
        TRY(statfs, "file", bad);
        TRY(fstatfs, fd, bad);
        TRY(access, bad, 0L);
        TRY(faccessat, AT_FDCWD, bad, 0L);
        TRY(readlink, bad, good, 10L);
        TRY(readlink, "/proc/self/exe", bad, 10L);
        TRY(getdents64, dir, bad, 1000L);
        TRY(mkdir, bad, 0755L);
        TRY(rmdir, bad);
        TRY(unlink, bad);
        TRY(rename, bad, "x");
        TRY(rename, "file", bad);
        TRY(link, "file", bad);
        TRY(symlink, bad, "x");
        TRY(symlink, "x", bad);
        TRY(chmod, bad, 0644L);
        TRY(truncate, bad, 0L);
        TRY(utimensat, AT_FDCWD, "file", bad, 0L);
        TRY(getcwd, bad, 4096L);
        TRY(chdir, bad);
        TRY(poll, bad, 1L, 0L);
        TRY(select, 4L, bad, NULL, NULL, NULL);
        TRY(uname, bad);
        TRY(sysinfo, bad);
        TRY(getrlimit, (long)RLIMIT_NOFILE, bad);
        TRY(setrlimit, (long)RLIMIT_NOFILE, bad);
        TRY(prlimit64, 0L, (long)RLIMIT_NOFILE, NULL, bad);
        TRY(getrusage, (long)RUSAGE_SELF, bad);
        TRY(times, bad);
        TRY(time, bad);
        TRY(gettimeofday, bad, NULL);
        TRY(clock_gettime, 1L, bad);
        TRY(clock_getres, 1L, bad);
        TRY(nanosleep, bad, NULL);
        TRY(getrandom, bad, 10L, 0L);
        TRY(sched_getaffinity, 0L, 128L, bad);
        TRY(getresuid, bad, bad, bad);
        TRY(getgroups, 0L, bad);
        TRY(rt_sigaction, 10L, bad, NULL, 8L);
        TRY(rt_sigprocmask, 0L, bad, NULL, 8L);
        TRY(copy_file_range, fd, bad, fd, NULL, 10L, 0L);
        TRY(sendfile, fd, fd, bad, 10L);
        TRY(arch_prctl, 0x1003L, bad);
        TRY(prctl, 15L, bad, 0L, 0L, 0L);
        TRY(prctl, 16L, bad, 0L, 0L, 0L);
    }
    TRY(read, fd, constant, 10L); /* Readable is not writable. */
    TRY(fstat, fd, constant);
    TRY(write, fd, constant, 10L);
    strcpy(pages + PAGE - 5, "file"); /* A string that ends with its page. */
    TRY(access, pages + PAGE - 5, 0L);
    memcpy(pages + PAGE - 4, "file", 4); /* One that goes on into the next. */
    TRY(access, pages + PAGE - 4, 0L);
    TRY(fstat, fd, pages + PAGE - 100); /* A structure that straddles. */
    TRY(fstat, fd, pages + PAGE - 144);
    DONE();
}
