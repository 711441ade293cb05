// Threads that sleep until there is work, and a queue of tasks.

#include "workers.h"

#include <errno.h>
#include <stdlib.h>

struct member {
    struct workers *workers;
    unsigned number;
    pthread_t thread;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t begin, done;
    unsigned count;
    unsigned busy;   // Members that have not yet returned from this round's work.
    unsigned round;  // Goes up when there is work; a member does each round once.
    void (*work)(void *context, unsigned number);  // NULL: go home.
    void *context;
    struct member members[];  // Number 0 is the caller of workers_run and has no thread of its own.
};

static void *serve(void *argument)
{
    struct member *self = argument;
    struct workers *workers = self->workers;
    pthread_mutex_lock(&workers->lock);
    for (unsigned round = 1;; round++) {
        while (workers->round != round)
            pthread_cond_wait(&workers->begin, &workers->lock);
        void (*work)(void *, unsigned) = workers->work;
        void *context = workers->context;
        if (!work)
            break;
        pthread_mutex_unlock(&workers->lock);
        work(context, self->number);
        pthread_mutex_lock(&workers->lock);
        if (--workers->busy == 0)
            pthread_cond_signal(&workers->done);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

static void announce(struct workers *workers, void (*work)(void *, unsigned), void *context)
{
    pthread_mutex_lock(&workers->lock);
    workers->work = work;
    workers->context = context;
    workers->busy = workers->count - 1;
    workers->round++;
    pthread_cond_broadcast(&workers->begin);
    pthread_mutex_unlock(&workers->lock);
}

struct workers *workers_start(unsigned count)
{
    struct workers *workers = calloc(1, sizeof *workers + count * sizeof workers->members[0]);
    if (!workers)
        return NULL;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->begin, NULL);
    pthread_cond_init(&workers->done, NULL);
    workers->count = 1;
    while (workers->count < count) {
        struct member *member = &workers->members[workers->count];
        *member = (struct member){.workers = workers, .number = workers->count};
        int error = pthread_create(&member->thread, NULL, serve, member);
        if (error) {
            workers_stop(workers);
            errno = error;
            return NULL;
        }
        workers->count++;
    }
    return workers;
}

unsigned workers_count(const struct workers *workers)
{
    return workers->count;
}

void workers_run(struct workers *workers, void (*work)(void *context, unsigned number), void *context)
{
    announce(workers, work, context);
    work(context, 0);
    pthread_mutex_lock(&workers->lock);
    while (workers->busy)
        pthread_cond_wait(&workers->done, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
}

void workers_stop(struct workers *workers)
{
    announce(workers, NULL, NULL);
    for (unsigned i = 1; i < workers->count; i++)
        pthread_join(workers->members[i].thread, NULL);
    pthread_mutex_destroy(&workers->lock);
    pthread_cond_destroy(&workers->begin);
    pthread_cond_destroy(&workers->done);
    free(workers);
}

void queue_fill(struct queue *queue, size_t count)
{
    pthread_mutex_init(&queue->lock, NULL);
    queue->next = 0;
    queue->count = count;
}

bool queue_take(struct queue *queue, size_t *task)
{
    pthread_mutex_lock(&queue->lock);
    bool some = queue->next < queue->count;
    if (some)
        *task = queue->next++;
    pthread_mutex_unlock(&queue->lock);
    return some;
}

void queue_end(struct queue *queue)
{
    pthread_mutex_destroy(&queue->lock);
}
