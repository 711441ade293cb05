// An arena, and hash tables of what a thread emits.

#include "buffer.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 << 10, SLOTS_FIRST = 16 };

struct block {
    struct block *next;
    size_t used, room;
    alignas(max_align_t) unsigned char bytes[];
};

void *arena_allocate(struct arena *arena, size_t size)
{
    size_t wanted = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (wanted < size)
        return NULL;
    struct block *block = arena->blocks;
    if (!block || block->room - block->used < wanted) {
        size_t room = wanted > BLOCK_BYTES ? wanted : BLOCK_BYTES;
        if (room > SIZE_MAX - sizeof *block || !(block = malloc(sizeof *block + room)))
            return NULL;
        *block = (struct block){.next = arena->blocks, .room = room};
        arena->blocks = block;
    }
    void *place = block->bytes + block->used;
    block->used += wanted;
    return place;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}

// FNV-1a, and a last step that brings every byte's influence to the bits at both ends.
static uint64_t hash_of(const unsigned char *data, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 0x100000001b3u;
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

// The slot of the key, or the free one where it belongs.
static struct entry *find(const struct table *table, uint64_t hash, const void *key, size_t size)
{
    for (size_t slot = hash & (table->size - 1);; slot = (slot + 1) & (table->size - 1)) {
        struct entry *entry = &table->slots[slot];
        if (!entry->first)
            return entry;
        if (entry->hash == hash && entry->key.size == size && !memcmp(entry->key.data, key, size))
            return entry;
    }
}

static bool make_room(struct table *table)
{
    if ((table->used + 1) * 3 <= table->size * 2)
        return true;
    struct table larger = {.size = table->size ? table->size * 2 : SLOTS_FIRST, .used = table->used};
    larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < table->size; i++)
        if (table->slots[i].first)
            *find(&larger, table->slots[i].hash, table->slots[i].key.data, table->slots[i].key.size) =
                table->slots[i];
    free(table->slots);
    *table = larger;
    return true;
}

static struct value *keep_value(struct mr_emitter *out, const void *value)
{
    struct value *kept = arena_allocate(&out->arena, sizeof *kept + out->job->value_bytes);
    if (kept) {
        kept->next = NULL;
        kept->task = out->task;
        memcpy(kept->bytes, value, out->job->value_bytes);
    }
    return kept;
}

static bool keep(struct mr_emitter *out, const void *key, size_t size, const void *value)
{
    uint64_t hash = hash_of(key, size);
    struct table *table = &out->partitions[hash >> 32 & (PARTITIONS - 1)];
    if (!make_room(table))
        return false;
    struct entry *entry = find(table, hash, key, size);
    if (entry->first && out->job->combine) {
        out->job->combine(entry->first->bytes, value);
        return true;
    }
    struct value *kept = keep_value(out, value);
    if (!kept)
        return false;
    if (entry->first) {
        entry->last = entry->last->next = kept;
        return true;
    }
    void *name = arena_allocate(&out->arena, size);
    if (!name)
        return false;
    memcpy(name, key, size);
    *entry = (struct entry){.hash = hash, .key = {name, size}, .first = kept, .last = kept};
    table->used++;
    return true;
}

void mr_emit(struct mr_emitter *out, const void *key, size_t key_size, const void *value)
{
    if (!out->failed && !keep(out, key, key_size, value))
        out->failed = true;
}

void emitter_free_tables(struct mr_emitter *emitter)
{
    for (size_t i = 0; i < PARTITIONS; i++)
        free(emitter->partitions[i].slots);
}
