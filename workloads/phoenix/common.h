// What the programs share: options, the input, numbers to print, and how a check ends.

#ifndef COMMON_H
#define COMMON_H

#include "mapreduce.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    unsigned threads;
    bool check;
    const char *input;
};

struct file {
    const unsigned char *data;  // At the beginning of a page.
    size_t size;
};

// Reads `PROGRAM [--threads N] [--check] INPUT`. What is wrong ends the program with status 2.
struct options parse_options(const char *program, int argc, char **argv);

// Says what is wrong on standard error, with the name of the program, and ends it with status 1.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Maps a file for reading, or fails.
struct file map_file(const char *path);

// The 32-bit number (little endian) at a place that is a multiple of four, or fails when it is behind the end.
uint32_t number_at(struct file file, size_t place);

// Memory that is all zero, or fails.
void *zeroed(size_t count, size_t size);

// mr_start and mr_run, or fail.
struct mr *start(struct options options);
struct mr_results run(struct mr *mr, const struct mr_job *job);

// Folds a number into a digest, whose order of numbers matters.
void digest(uint64_t *sum, uint64_t number);

// Prints numerator / denominator with six places behind the point, cut off, not rounded.
void print_ratio(const char *name, __int128 numerator, __int128 denominator);

// Says that the plain computation gave the same, or fails.
void checked(bool same);

// Ends the program with the status that writing its output deserves.
int finish(void);

#endif
