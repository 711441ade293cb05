// Groups points into clusters, each around the mean of its points, until no mean moves any more.
//
// Input, little endian: four 32-bit numbers (points, coordinates of a point, clusters, the most rounds), then the
// coordinates as 16-bit integers, point by point. The first means are the first points. Each round is one job: a point
// goes to the nearest mean, the first of those equally near; a pair is a cluster's number and a point's coordinates with
// a count of 1; combining adds them. The new mean is the sum divided by the count, the fraction cut off; a cluster
// without points keeps its mean. All is exact. The check does the same with one array of assignments.

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSIONS_MAX = 16, CLUSTERS_MAX = 256, TASK_POINTS = 64 };

typedef int64_t point[DIMENSIONS_MAX];

struct total {
    uint64_t count;
    point sums;
};

struct clustering {
    size_t points, dimensions, clusters, rounds_max;
    const int16_t *coordinates;
    point means[CLUSTERS_MAX];
    uint64_t counts[CLUSTERS_MAX];
    size_t rounds;
};

static size_t nearest(const struct clustering *all, const int16_t *at)
{
    size_t best = 0;
    int64_t best_distance = INT64_MAX;
    for (size_t cluster = 0; cluster < all->clusters; cluster++) {
        int64_t distance = 0;
        for (size_t i = 0; i < all->dimensions; i++)
            distance += (at[i] - all->means[cluster][i]) * (at[i] - all->means[cluster][i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = cluster;
        }
    }
    return best;
}

static void map(void *context, size_t first, size_t end, struct mr_emitter *out)
{
    const struct clustering *all = context;
    for (size_t i = first; i < end; i++) {
        const int16_t *at = all->coordinates + i * all->dimensions;
        struct total one = {.count = 1};
        for (size_t k = 0; k < all->dimensions; k++)
            one.sums[k] = at[k];
        uint64_t cluster = nearest(all, at);
        mr_emit(out, &cluster, sizeof cluster, &one);
    }
}

static void add(void *total, const void *value)
{
    struct total *to = total;
    const struct total *from = value;
    to->count += from->count;
    for (size_t i = 0; i < DIMENSIONS_MAX; i++)
        to->sums[i] += from->sums[i];
}

// One round; whether a mean has moved.
static bool improve(struct mr *mr, struct clustering *all)
{
    const struct mr_job job = {.context = all, .units = all->points, .task_units = TASK_POINTS, .map = map,
                               .value_bytes = sizeof(struct total), .combine = add, .compare = mr_by_number};
    struct mr_results results = run(mr, &job);
    bool moved = false;
    memset(all->counts, 0, sizeof all->counts);
    for (size_t i = 0; i < results.count; i++) {
        uint64_t cluster = *(const uint64_t *)results.list[i].key.data;
        const struct total *total = results.list[i].value;
        all->counts[cluster] = total->count;
        for (size_t k = 0; k < all->dimensions; k++) {
            int64_t mean = total->sums[k] / (int64_t)total->count;
            moved |= mean != all->means[cluster][k];
            all->means[cluster][k] = mean;
        }
    }
    mr_free(&results);
    all->rounds++;
    return moved;
}

static void begin(struct clustering *all)
{
    all->rounds = 0;
    memset(all->means, 0, sizeof all->means);
    memset(all->counts, 0, sizeof all->counts);
    for (size_t cluster = 0; cluster < all->clusters; cluster++)
        for (size_t k = 0; k < all->dimensions; k++)
            all->means[cluster][k] = all->coordinates[cluster * all->dimensions + k];
}

static bool same_as_plain(const struct clustering *all)
{
    struct clustering plain = *all;
    size_t *assigned = zeroed(all->points, sizeof *assigned);
    begin(&plain);
    for (bool moved = true; moved && plain.rounds < plain.rounds_max; plain.rounds++) {
        for (size_t i = 0; i < plain.points; i++)
            assigned[i] = nearest(&plain, plain.coordinates + i * plain.dimensions);
        moved = false;
        for (size_t cluster = 0; cluster < plain.clusters; cluster++)
            for (size_t k = 0; k < plain.dimensions; k++) {
                int64_t sum = 0, count = 0;
                for (size_t i = 0; i < plain.points; i++)
                    if (assigned[i] == cluster) {
                        sum += plain.coordinates[i * plain.dimensions + k];
                        count++;
                    }
                plain.counts[cluster] = (uint64_t)count;
                int64_t mean = count ? sum / count : plain.means[cluster][k];
                moved |= mean != plain.means[cluster][k];
                plain.means[cluster][k] = mean;
            }
    }
    free(assigned);
    return plain.rounds == all->rounds && !memcmp(plain.means, all->means, sizeof plain.means) &&
           !memcmp(plain.counts, all->counts, sizeof plain.counts);
}

static void read_points(struct clustering *all, struct file file)
{
    all->points = number_at(file, 0);
    all->dimensions = number_at(file, 4);
    all->clusters = number_at(file, 8);
    all->rounds_max = number_at(file, 12);
    if (all->dimensions < 1 || all->dimensions > DIMENSIONS_MAX || all->clusters < 1 ||
        all->clusters > CLUSTERS_MAX || all->clusters > all->points || all->rounds_max < 1)
        fail("the header asks for what cannot be: %zu points, %zu coordinates, %zu clusters, %zu rounds", all->points,
             all->dimensions, all->clusters, all->rounds_max);
    if (file.size != 16 + all->points * all->dimensions * sizeof(int16_t))
        fail("the input does not have %zu points", all->points);
    all->coordinates = (const int16_t *)(const void *)(file.data + 16);
}

int main(int argc, char **argv)
{
    struct options options = parse_options("kmeans", argc, argv);
    static struct clustering all;
    read_points(&all, map_file(options.input));
    struct mr *mr = start(options);
    begin(&all);
    while (all.rounds < all.rounds_max && improve(mr, &all))
        ;
    for (size_t cluster = 0; cluster < all.clusters; cluster++) {
        printf("%zu: %llu points around", cluster, (unsigned long long)all.counts[cluster]);
        for (size_t k = 0; k < all.dimensions; k++)
            printf(" %lld", (long long)all.means[cluster][k]);
        putchar('\n');
    }
    printf("%zu points, %zu rounds\n", all.points, all.rounds);
    if (options.check)
        checked(same_as_plain(&all));
    mr_stop(mr);
    return finish();
}
