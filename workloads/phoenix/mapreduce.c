// The phases of a job: split, map, reduce, merge.

#include "mapreduce.h"

#include "buffer.h"
#include "workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mr {
    struct workers *workers;
};

struct mr_values {
    struct value *heads[MR_THREADS_MAX];  // The next value of each thread that has one.
    size_t count;
};

// What the keys, values and the list of results stand in, after the job.
struct mr_storage {
    unsigned count;
    struct mr_result *list;
    struct arena arenas[];
};

// Results in the order of their keys.
struct run {
    struct mr_result *list;
    size_t count;
};

// One job on its way. Each thread has an emitter; each partition ends as a run; two runs become one, and so on.
struct progress {
    const struct mr_job *job;
    unsigned threads;
    struct queue queue;
    size_t *ends;  // Of each task; it begins where the one before it ends.
    struct mr_emitter *emitters;
    struct run runs[PARTITIONS];
    struct mr_result *target;  // Where the runs of this round are merged to.
    size_t starts[PARTITIONS];
};

int mr_by_bytes(struct mr_key a, struct mr_key b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

int mr_by_number(struct mr_key a, struct mr_key b)
{
    uint64_t left = *(const uint64_t *)a.data, right = *(const uint64_t *)b.data;
    return (left > right) - (left < right);
}

static int compare_keys(const struct mr_job *job, struct mr_key a, struct mr_key b)
{
    return job->compare ? job->compare(a, b) : mr_by_bytes(a, b);
}

static bool split_input(struct progress *progress)
{
    const struct mr_job *job = progress->job;
    size_t step = job->task_units ? job->task_units : 1, tasks = 0;
    progress->ends = calloc(job->units / step + 1, sizeof *progress->ends);
    if (!progress->ends)
        return false;
    for (size_t end = 0; end < job->units;) {
        end = job->units - end > step ? end + step : job->units;
        if (job->split && end < job->units)
            end = job->split(job->context, end);
        progress->ends[tasks++] = end;
    }
    queue_fill(&progress->queue, tasks);
    return true;
}

static void map_tasks(void *context, unsigned number)
{
    struct progress *progress = context;
    struct mr_emitter *out = &progress->emitters[number];
    for (size_t task; !out->failed && queue_take(&progress->queue, &task);) {
        out->task = task;
        progress->job->map(progress->job->context, task ? progress->ends[task - 1] : 0, progress->ends[task], out);
    }
}

// Sorts by key and leaves equal keys in the order in which they are; `spare` has room for as many.
static void sort_entries(const struct mr_job *job, struct entry **list, struct entry **spare, size_t count)
{
    if (count < 2)
        return;
    size_t half = count / 2;
    sort_entries(job, list, spare, half);
    sort_entries(job, list + half, spare, count - half);
    memcpy(spare, list, half * sizeof *list);
    size_t left = 0, right = half, to = 0;
    while (left < half)
        list[to++] = right < count && compare_keys(job, list[right]->key, spare[left]->key) < 0 ? list[right++]
                                                                                                : spare[left++];
}

// The entries of a partition, of all threads, in the order of their keys; `count` of them. NULL: no memory.
static struct entry **gather(struct progress *progress, size_t partition, struct arena *arena, size_t *count)
{
    *count = 0;
    for (unsigned i = 0; i < progress->threads; i++)
        *count += progress->emitters[i].partitions[partition].used;
    struct entry **list = arena_allocate(arena, 2 * *count * sizeof *list);
    size_t to = 0;
    for (unsigned i = 0; list && i < progress->threads; i++) {
        struct table *table = &progress->emitters[i].partitions[partition];
        for (size_t slot = 0; slot < table->size; slot++)
            if (table->slots[slot].first)
                list[to++] = &table->slots[slot];
    }
    if (list)
        sort_entries(progress->job, list, list + *count, *count);
    return list;
}

// A task is done by one thread, in the order of their numbers: the smallest number is what came first.
const void *mr_next(struct mr_values *values)
{
    struct value **first = NULL;
    for (size_t i = 0; i < values->count; i++)
        if (values->heads[i] && (!first || values->heads[i]->task < (*first)->task))
            first = &values->heads[i];
    if (!first)
        return NULL;
    const void *bytes = (*first)->bytes;
    *first = (*first)->next;
    return bytes;
}

static bool reduce_key(const struct mr_job *job, struct arena *arena, struct mr_key key, struct mr_values *values,
                       struct mr_result *result)
{
    void *place = arena_allocate(arena, job->reduce ? job->result_bytes : job->value_bytes);
    if (!place)
        return false;
    if (job->reduce) {
        job->reduce(job->context, key, values, place);
    } else {
        memcpy(place, mr_next(values), job->value_bytes);
        for (const void *value; (value = mr_next(values));)
            job->combine(place, value);
    }
    *result = (struct mr_result){key, place};
    return true;
}

static bool reduce_partition(struct progress *progress, size_t partition, struct arena *arena)
{
    const struct mr_job *job = progress->job;
    struct run *run = &progress->runs[partition];
    size_t count;
    struct entry **list = gather(progress, partition, arena, &count);
    if (!list || !(run->list = arena_allocate(arena, count * sizeof *run->list)))
        return false;
    for (size_t i = 0; i < count;) {
        struct mr_key key = list[i]->key;
        struct mr_values values = {.count = 0};
        for (; i < count && !compare_keys(job, list[i]->key, key); i++)
            values.heads[values.count++] = list[i]->first;
        if (!reduce_key(job, arena, key, &values, &run->list[run->count]))
            return false;
        run->count++;
    }
    return true;
}

static void reduce_tasks(void *context, unsigned number)
{
    struct progress *progress = context;
    struct mr_emitter *own = &progress->emitters[number];
    for (size_t task; !own->failed && queue_take(&progress->queue, &task);)
        own->failed = !reduce_partition(progress, task, &own->arena);
}

static void merge_tasks(void *context, unsigned number)
{
    (void)number;
    struct progress *progress = context;
    for (size_t task; queue_take(&progress->queue, &task);) {
        struct run left = progress->runs[2 * task], right = progress->runs[2 * task + 1];
        struct mr_result *to = progress->target + progress->starts[task];
        while (left.count || right.count) {
            bool take_left = left.count && (!right.count ||
                                            compare_keys(progress->job, left.list->key, right.list->key) < 0);
            struct run *from = take_left ? &left : &right;
            *to++ = *from->list++;
            from->count--;
        }
    }
}

// Each round halves the number of runs, from one of two arrays into the other.
static struct mr_result *merge(struct progress *progress, struct workers *workers, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < PARTITIONS; i++)
        *count += progress->runs[i].count;
    struct mr_result *target = malloc((*count + !*count) * sizeof *target);
    struct mr_result *other = malloc((*count + !*count) * sizeof *other);
    for (size_t runs = PARTITIONS; target && other && runs > 1; runs /= 2) {
        progress->target = target;
        for (size_t i = 0, start = 0; i < runs / 2; i++) {
            progress->starts[i] = start;
            start += progress->runs[2 * i].count + progress->runs[2 * i + 1].count;
        }
        queue_fill(&progress->queue, runs / 2);
        workers_run(workers, merge_tasks, progress);
        queue_end(&progress->queue);
        for (size_t i = 0; i < runs / 2; i++)
            progress->runs[i] = (struct run){target + progress->starts[i],
                                             progress->runs[2 * i].count + progress->runs[2 * i + 1].count};
        target = other;
        other = progress->target;
    }
    free(target);  // After the last round the results are in `other`.
    if (!target) {
        free(other);
        other = NULL;
    }
    return other;
}

static bool any_failed(const struct progress *progress)
{
    for (unsigned i = 0; i < progress->threads; i++)
        if (progress->emitters[i].failed)
            return true;
    return false;
}

static struct mr_result *run_phases(struct progress *progress, struct workers *workers, size_t *count)
{
    workers_run(workers, map_tasks, progress);
    queue_end(&progress->queue);
    if (any_failed(progress))
        return NULL;
    queue_fill(&progress->queue, PARTITIONS);
    workers_run(workers, reduce_tasks, progress);
    queue_end(&progress->queue);
    return any_failed(progress) ? NULL : merge(progress, workers, count);
}

int mr_run(struct mr *mr, const struct mr_job *job, struct mr_results *results)
{
    struct progress progress = {.job = job, .threads = workers_count(mr->workers)};
    struct mr_storage *storage = calloc(1, sizeof *storage + progress.threads * sizeof storage->arenas[0]);
    progress.emitters = calloc(progress.threads, sizeof *progress.emitters);
    *results = (struct mr_results){.storage = storage};
    if (storage && progress.emitters && split_input(&progress)) {
        for (unsigned i = 0; i < progress.threads; i++)
            progress.emitters[i].job = job;
        results->list = storage->list = run_phases(&progress, mr->workers, &results->count);
        storage->count = progress.threads;
        for (unsigned i = 0; i < progress.threads; i++) {
            emitter_free_tables(&progress.emitters[i]);
            storage->arenas[i] = progress.emitters[i].arena;
        }
    }
    free(progress.ends);
    free(progress.emitters);
    if (results->list)
        return 0;
    mr_free(results);
    errno = ENOMEM;
    return -1;
}

void mr_free(struct mr_results *results)
{
    if (results->storage) {
        for (unsigned i = 0; i < results->storage->count; i++)
            arena_free(&results->storage->arenas[i]);
        free(results->storage->list);
        free(results->storage);
    }
    *results = (struct mr_results){0};
}

struct mr *mr_start(unsigned threads)
{
    if (threads < 1 || threads > MR_THREADS_MAX) {
        errno = EINVAL;
        return NULL;
    }
    struct mr *mr = calloc(1, sizeof *mr);
    if (mr && !(mr->workers = workers_start(threads))) {
        int error = errno;
        free(mr);
        mr = NULL;
        errno = error;
    }
    return mr;
}

void mr_stop(struct mr *mr)
{
    if (!mr)
        return;
    workers_stop(mr->workers);
    free(mr);
}
