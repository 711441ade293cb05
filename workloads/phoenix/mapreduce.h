// A MapReduce on the threads of one machine.
//
// A job cuts its input into tasks, which the threads take from a queue as they become free. `map` turns a task into
// pairs of a key and a value, which land in a buffer of the thread's own, in one of several partitions by the hash of
// the key. Then each partition is a task: its pairs are grouped by key and sorted, and `reduce` turns the values
// of a key into one result. At last the partitions are merged, two by two, into one list in the order of the keys.
//
//     struct mr *mr = mr_start(4);
//     struct mr_results results;
//     if (!mr || mr_run(mr, &job, &results))
//         ...                                   // errno says why
//     for (size_t i = 0; i < results.count; i++)
//         use(results.list[i].key, results.list[i].value);
//     mr_free(&results);
//     mr_stop(mr);
//
// What a job computes does not depend on how many threads there are, nor on which of them is faster, as long as its
// functions keep to what is said of them below. They run on several threads at once and must not change `context`
// except where no other task looks. Prior art: Ranger et al., "Evaluating MapReduce for Multi-core and
// Multiprocessor Systems", HPCA 2007.

#ifndef MAPREDUCE_H
#define MAPREDUCE_H

#include <stddef.h>

enum { MR_THREADS_MAX = 64 };

struct mr;          // The threads; one job at a time.
struct mr_emitter;  // Where `map` puts its pairs.
struct mr_values;   // The values of one key, for `reduce`.

struct mr_key {
    const void *data;  // Aligned as malloc aligns, once it is in the runtime's hands.
    size_t size;       // In bytes.
};

struct mr_job {
    void *context;      // Given to the functions below.
    size_t units;       // The input is units 0 to units - 1: bytes, rows, points, whatever `map` understands.
    size_t task_units;  // About as many make a task; at least 1.

    // Where a task may end: the first such place from `end` on, at most `units`. NULL: anywhere.
    size_t (*split)(const void *context, size_t end);

    // Calls mr_emit for what it finds in the units from `first` up to `end`.
    void (*map)(void *context, size_t first, size_t end, struct mr_emitter *out);

    size_t value_bytes;

    // Adds a value to another of the same key, in any order and grouping: it must be associative and commutative. It
    // keeps the buffers small. NULL: all values are kept until they are reduced.
    void (*combine)(void *total, const void *value);

    // Makes the result of a key out of its values: without `combine` in the order in which one thread would
    // have emitted them. NULL: the values are combined.
    void (*reduce)(void *context, struct mr_key key, struct mr_values *values, void *result);

    size_t result_bytes;  // Ignored when `reduce` is NULL: then it is `value_bytes`.

    // The order of the keys, negative, 0 or positive as with memcmp; 0 only for equal bytes. NULL: mr_by_bytes.
    int (*compare)(struct mr_key a, struct mr_key b);
};

struct mr_result {
    struct mr_key key;
    const void *value;  // Aligned as malloc aligns.
};

struct mr_results {
    struct mr_result *list;  // Every key once, in their order.
    size_t count;
    struct mr_storage *storage;  // What the list, keys and values stand in.
};

// Makes a runtime of as many threads, the calling one included. NULL and errno: EINVAL (not 1 to MR_THREADS_MAX),
// ENOMEM, EAGAIN (no more threads).
struct mr *mr_start(unsigned threads);

// Runs a job to its end. 0, or -1 with errno: ENOMEM. Then there are no results to free.
int mr_run(struct mr *mr, const struct mr_job *job, struct mr_results *results);

// Gives back what the results occupy, keys and values included.
void mr_free(struct mr_results *results);

// Ends the threads. NULL is allowed.
void mr_stop(struct mr *mr);

// For `map`: a pair. Key and value (`value_bytes` of it) are copied.
void mr_emit(struct mr_emitter *out, const void *key, size_t key_size, const void *value);

// For `reduce`: the next value of the key, or NULL when there is none left.
const void *mr_next(struct mr_values *values);

// Orders of keys: by their bytes, a prefix first; by the number that a key of type uint64_t is.
int mr_by_bytes(struct mr_key a, struct mr_key b);
int mr_by_number(struct mr_key a, struct mr_key b);

#endif
