/* What every guest program uses: one line of output for each thing checked, the same on every host.
 *
 * SHOW(call)   prints the call's text and its value, or the name of errno when it is -1
 * CHECK(test)  prints "ok" or "FAILED" and the test's text; a failure makes the exit status 1
 * MUST(call)   for what has to work before anything can be checked: ends the program otherwise
 *
 * Never print a pointer, a pid, a time, an inode or anything else that two runs may have different.
 */
#ifndef CHECK_H
#define CHECK_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define PAGE 4096UL

static int check_failures __attribute__((unused));

__attribute__((constructor, unused)) static void check_begin(void) {
    setvbuf(stdout, NULL, _IOLBF, 0); /* What was printed before a fatal fault is seen. */
    umask(022);
}

__attribute__((unused)) static const char *error_name(int number) {
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {0, "0"}, {EPERM, "EPERM"}, {ENOENT, "ENOENT"}, {ESRCH, "ESRCH"}, {EINTR, "EINTR"}, {EIO, "EIO"},
        {ENXIO, "ENXIO"}, {E2BIG, "E2BIG"}, {ENOEXEC, "ENOEXEC"}, {EBADF, "EBADF"}, {ECHILD, "ECHILD"},
        {EAGAIN, "EAGAIN"}, {ENOMEM, "ENOMEM"}, {EACCES, "EACCES"}, {EFAULT, "EFAULT"}, {EBUSY, "EBUSY"},
        {EEXIST, "EEXIST"}, {EXDEV, "EXDEV"}, {ENODEV, "ENODEV"}, {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"},
        {EINVAL, "EINVAL"}, {ENFILE, "ENFILE"}, {EMFILE, "EMFILE"}, {ENOTTY, "ENOTTY"}, {ETXTBSY, "ETXTBSY"},
        {EFBIG, "EFBIG"}, {ENOSPC, "ENOSPC"}, {ESPIPE, "ESPIPE"}, {EROFS, "EROFS"}, {EMLINK, "EMLINK"},
        {EPIPE, "EPIPE"}, {EDOM, "EDOM"}, {ERANGE, "ERANGE"}, {ENAMETOOLONG, "ENAMETOOLONG"}, {ENOSYS, "ENOSYS"},
        {ENOTEMPTY, "ENOTEMPTY"}, {ELOOP, "ELOOP"}, {EOVERFLOW, "EOVERFLOW"}, {EOPNOTSUPP, "EOPNOTSUPP"},
        {ENODATA, "ENODATA"}, {ENOTSOCK, "ENOTSOCK"}, {ETIMEDOUT, "ETIMEDOUT"},
    };
    static char other[32];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == number) return names[i].name;
    snprintf(other, sizeof other, "errno %d", number);
    return other;
}

#define SHOW(call)                                                                  \
    do {                                                                            \
        errno = 0;                                                                  \
        long show_value = (long)(call);                                             \
        if (show_value == -1)                                                       \
            printf("%s: %s\n", #call, error_name(errno));                           \
        else                                                                        \
            printf("%s = %ld\n", #call, show_value);                                \
    } while (0)

#define CHECK(test)                                                                 \
    do {                                                                            \
        int check_holds = !!(test);                                                 \
        printf("%s %s\n", check_holds ? "ok" : "FAILED", #test);                    \
        if (!check_holds) check_failures++;                                         \
    } while (0)

#define MUST(call)                                                                  \
    ({                                                                              \
        errno = 0;                                                                  \
        long must_value = (long)(call);                                             \
        if (must_value == -1) {                                                     \
            printf("cannot %s: %s\n", #call, error_name(errno));                    \
            exit(99);                                                               \
        }                                                                           \
        must_value;                                                                 \
    })

#define DONE() return check_failures ? 1 : 0

/* FNV-1a, to compare much memory in one number. */
__attribute__((unused)) static uint64_t checksum(const void *data, size_t length) {
    const unsigned char *at = data;
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < length; i++) hash = (hash ^ at[i]) * 0x100000001b3ULL;
    return hash;
}

/* A generator of its own, the same everywhere. */
static uint64_t random_state __attribute__((unused)) = 88172645463325252ULL;
__attribute__((unused)) static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

__attribute__((unused)) static void fill(void *data, size_t length, unsigned seed) {
    unsigned char *at = data;
    for (size_t i = 0; i < length; i++) at[i] = (unsigned char)((i * 31 + (i >> 12) * 7 + seed) & 0xff);
}

/* Whether all bytes of a range have one value. */
__attribute__((unused)) static int all_are(const void *data, size_t length, int value) {
    const unsigned char *at = data;
    for (size_t i = 0; i < length; i++)
        if (at[i] != (unsigned char)value) return 0;
    return 1;
}

/* A file of the current directory with `length` bytes of the pattern of `fill`; gives a descriptor to read and write. */
__attribute__((unused)) static int make_file(const char *name, size_t length, unsigned seed) {
    int fd = (int)MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
    if (length) {
        unsigned char *data = malloc(length);
        fill(data, length, seed);
        for (size_t done = 0; done < length;) done += (size_t)MUST(write(fd, data + done, length - done));
        free(data);
    }
    MUST(lseek(fd, 0, SEEK_SET));
    return fd;
}

__attribute__((unused)) static char *map_anonymous(size_t length) {
    char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST((long)at);
    return at;
}

/* What a copy-out from an address gives: 0 when the kernel can read it, or EFAULT. Needs no signal handler. */
__attribute__((unused)) static int kernel_reads(const void *at) {
    static int fd = -1;
    if (fd < 0) {
        fd = (int)MUST(open("probe.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600));
        MUST(unlink("probe.tmp"));
    }
    errno = 0;
    return pwrite(fd, at, 1, 0) == 1 ? 0 : errno;
}

/* The same for a copy-in, which writes one byte 'Z' to the address. */
__attribute__((unused)) static int kernel_writes(void *at) {
    static int fd = -1;
    if (fd < 0) {
        fd = (int)MUST(open("probe.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600));
        MUST(unlink("probe.tmp"));
        MUST(write(fd, "Z", 1));
    }
    errno = 0;
    return pread(fd, at, 1, 0) == 1 ? 0 : errno;
}
#define READS(at) printf("kernel reads %s: %s\n", #at, error_name(kernel_reads(at)))
#define WRITES(at) printf("kernel writes %s: %s\n", #at, error_name(kernel_writes(at)))
#endif
