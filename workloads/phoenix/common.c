// What the programs share.

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *program_name;

_Noreturn void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", program_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: %s [--threads 1..%d] [--check] INPUT\n", program_name, MR_THREADS_MAX);
    exit(2);
}

struct options parse_options(const char *program, int argc, char **argv)
{
    program_name = program;
    struct options options = {.threads = 1};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--check")) {
            options.check = true;
        } else if (!strcmp(argv[i], "--threads") && i + 1 < argc) {
            char *end;
            errno = 0;
            unsigned long threads = strtoul(argv[++i], &end, 10);
            if (errno || *end || end == argv[i] || threads < 1 || threads > MR_THREADS_MAX)
                usage();
            options.threads = (unsigned)threads;
        } else if (argv[i][0] == '-' || options.input) {
            usage();
        } else {
            options.input = argv[i];
        }
    }
    if (!options.input)
        usage();
    return options;
}

struct file map_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status))
        fail("%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        fail("%s: not a regular file", path);
    struct file file = {.data = (const unsigned char *)"", .size = (size_t)status.st_size};
    if (file.size) {
        void *data = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            fail("%s: %s", path, strerror(errno));
        file.data = data;
    }
    close(fd);
    return file;
}

uint32_t number_at(struct file file, size_t place)
{
    if (file.size < 4 || place > file.size - 4)
        fail("the input ends in the middle of its header");
    const unsigned char *at = file.data + place;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count + !count, size);
    if (!memory)
        fail("%s", strerror(errno));
    return memory;
}

struct mr *start(struct options options)
{
    struct mr *mr = mr_start(options.threads);
    if (!mr)
        fail("cannot start %u threads: %s", options.threads, strerror(errno));
    return mr;
}

struct mr_results run(struct mr *mr, const struct mr_job *job)
{
    struct mr_results results;
    if (mr_run(mr, job, &results))
        fail("%s", strerror(errno));
    return results;
}

void digest(uint64_t *sum, uint64_t number)
{
    uint64_t mixed = (*sum ^ number) * 0x9e3779b97f4a7c15u;
    *sum = mixed ^ mixed >> 31;
}

void print_ratio(const char *name, __int128 numerator, __int128 denominator)
{
    bool negative = (numerator < 0) != (denominator < 0) && numerator;
    numerator = numerator < 0 ? -numerator : numerator;
    denominator = denominator < 0 ? -denominator : denominator;
    if (!denominator) {
        printf("%s = undefined\n", name);
        return;
    }
    long long whole = (long long)(numerator / denominator);
    long long rest = (long long)(numerator % denominator * 1000000 / denominator);
    printf("%s = %s%lld.%06lld\n", name, negative ? "-" : "", whole, rest);
}

void checked(bool same)
{
    if (!same)
        fail("the plain computation gives something else");
    puts("check: same");
}

int finish(void)
{
    if (fflush(stdout) || ferror(stdout))
        fail("standard output: %s", strerror(errno));
    return 0;
}
