// Threads that do the same work together, again and again; and the queue from which they take their tasks.

#ifndef WORKERS_H
#define WORKERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct workers;

// As many workers; the calling thread is number 0, the others are made. NULL and errno: ENOMEM, EAGAIN.
struct workers *workers_start(unsigned count);

unsigned workers_count(const struct workers *workers);

// Calls work(context, number) on every worker and returns when all have returned. What was written before is seen
// by the workers, and what they write is seen afterwards.
void workers_run(struct workers *workers, void (*work)(void *context, unsigned number), void *context);

void workers_stop(struct workers *workers);

// Tasks 0 to count - 1, handed out in this order, each once.
struct queue {
    pthread_mutex_t lock;
    size_t next, count;
};

void queue_fill(struct queue *queue, size_t count);  // By one thread, before the others take from it.
bool queue_take(struct queue *queue, size_t *task);  // False when none is left.
void queue_end(struct queue *queue);

#endif
