// What one thread emits: for each partition a hash table of its keys with their values, and the memory they stand in.

#ifndef BUFFER_H
#define BUFFER_H

#include "mapreduce.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

enum { PARTITIONS = 16 };  // A power of two; the same for any number of threads.

// Memory that is given back all at once.
struct arena {
    struct block *blocks;
};

void *arena_allocate(struct arena *arena, size_t size);  // Aligned as malloc aligns; NULL when there is no memory.
void arena_free(struct arena *arena);

struct value {
    struct value *next;  // Of the same key and thread.
    size_t task;         // Which emitted it; with `combine`, the first that did.
    alignas(max_align_t) unsigned char bytes[];
};

struct entry {
    uint64_t hash;
    struct mr_key key;
    struct value *first, *last;  // NULL marks a free slot.
};

struct table {
    struct entry *slots;
    size_t size, used;  // `size` is 0 or a power of two, at most two thirds of it used.
};

struct mr_emitter {
    const struct mr_job *job;
    struct arena arena;
    size_t task;  // The one that is being mapped.
    bool failed;  // There was no memory for a pair; all others are dropped.
    struct table partitions[PARTITIONS];
};

void emitter_free_tables(struct mr_emitter *emitter);  // The arena, which holds keys and values, stays.

#endif
