// Finds how variables vary together: their means, their covariances, and the direction in which they vary most.
//
// Input, little endian: two 32-bit numbers (variables, samples), then 16-bit integers, variable by variable. A first
// job adds up each variable; a second one computes the covariance of each pair, times the square of the number of
// samples, which is an integer. Both are exact. The direction is computed by one thread, in integers, by multiplying
// a vector with the matrix and scaling its largest part to 2^20, fifty times. Output: the extent of means and
// variances, a digest of all, the direction. The check computes covariances by another formula, from what is left of
// each sample without the mean.

#include "common.h"

#include <stdio.h>
#include <stdlib.h>

enum { VARIABLES_MAX = 2048, SAMPLES_MAX = 1 << 14, TASK_VARIABLES = 2, TASK_PAIRS = 16, STEPS = 50, SCALE = 1 << 20 };

struct analysis {
    size_t variables, samples;
    const int16_t *values;
    int64_t *sums;         // Of each variable.
    int64_t *covariances;  // Times samples * samples; a full matrix.
};

static void map_sums(void *context, size_t first, size_t end, struct mr_emitter *out)
{
    const struct analysis *all = context;
    for (uint64_t i = first; i < end; i++) {
        int64_t sum = 0;
        for (size_t k = 0; k < all->samples; k++)
            sum += all->values[i * all->samples + k];
        mr_emit(out, &i, sizeof i, &sum);
    }
}

// A unit is an entry of the matrix; those below the diagonal are those above it.
static void map_covariances(void *context, size_t first, size_t end, struct mr_emitter *out)
{
    const struct analysis *all = context;
    for (uint64_t unit = first; unit < end; unit++) {
        size_t i = unit / all->variables, k = unit % all->variables;
        if (i > k)
            continue;
        const int16_t *left = all->values + i * all->samples, *right = all->values + k * all->samples;
        int64_t sum = 0;
        for (size_t at = 0; at < all->samples; at++)
            sum += left[at] * right[at];
        int64_t covariance = (int64_t)all->samples * sum - all->sums[i] * all->sums[k];
        mr_emit(out, &unit, sizeof unit, &covariance);
    }
}

// Every key has one value.
static void reduce(void *context, struct mr_key key, struct mr_values *values, void *result)
{
    (void)context;
    (void)key;
    *(int64_t *)result = *(const int64_t *)mr_next(values);
}

static void analyse(struct mr *mr, struct analysis *all)
{
    struct mr_job job = {.context = all, .units = all->variables, .task_units = TASK_VARIABLES, .map = map_sums,
                         .value_bytes = sizeof(int64_t), .reduce = reduce, .result_bytes = sizeof(int64_t),
                         .compare = mr_by_number};
    struct mr_results results = run(mr, &job);
    for (size_t i = 0; i < results.count; i++)
        all->sums[*(const uint64_t *)results.list[i].key.data] = *(const int64_t *)results.list[i].value;
    mr_free(&results);

    job.units = all->variables * all->variables;
    job.task_units = TASK_PAIRS;
    job.map = map_covariances;
    results = run(mr, &job);
    for (size_t i = 0; i < results.count; i++) {
        uint64_t unit = *(const uint64_t *)results.list[i].key.data;
        size_t row = unit / all->variables, column = unit % all->variables;
        all->covariances[row * all->variables + column] = *(const int64_t *)results.list[i].value;
        all->covariances[column * all->variables + row] = *(const int64_t *)results.list[i].value;
    }
    mr_free(&results);
}

// n * n * covariance = n * sum((x - mean x) * (y - mean y)) = sum((n x - sum x) * (n y - sum y)) / n.
static bool same_as_plain(const struct analysis *all)
{
    __int128 n = (__int128)all->samples;
    for (size_t i = 0; i < all->variables; i++)
        for (size_t k = 0; k < all->variables; k++) {
            const int16_t *left = all->values + i * all->samples, *right = all->values + k * all->samples;
            __int128 sum_left = 0, sum_right = 0, sum = 0;
            for (size_t at = 0; at < all->samples; at++) {
                sum_left += left[at];
                sum_right += right[at];
            }
            for (size_t at = 0; at < all->samples; at++)
                sum += (n * left[at] - sum_left) * (n * right[at] - sum_right);
            if (sum != n * all->covariances[i * all->variables + k] || sum_left != all->sums[i])
                return false;
        }
    return true;
}

static void find_direction(const struct analysis *all, int64_t *direction)
{
    __int128 *product = zeroed(all->variables, sizeof *product);
    for (size_t i = 0; i < all->variables; i++)
        direction[i] = SCALE;
    for (int step = 0; step < STEPS; step++) {
        __int128 largest = 0;
        for (size_t i = 0; i < all->variables; i++) {
            product[i] = 0;
            for (size_t k = 0; k < all->variables; k++)
                product[i] += (__int128)all->covariances[i * all->variables + k] * direction[k];
            __int128 size = product[i] < 0 ? -product[i] : product[i];
            largest = size > largest ? size : largest;
        }
        for (size_t i = 0; largest && i < all->variables; i++)
            direction[i] = (int64_t)(product[i] * SCALE / largest);
    }
    free(product);
}

static void print_extent(const char *name, const int64_t *numbers, size_t count, size_t step, __int128 denominator)
{
    char label[64];
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        least = numbers[i * step] < least ? numbers[i * step] : least;
        most = numbers[i * step] > most ? numbers[i * step] : most;
    }
    snprintf(label, sizeof label, "least %s", name);
    print_ratio(label, least, denominator);
    snprintf(label, sizeof label, "greatest %s", name);
    print_ratio(label, most, denominator);
}

int main(int argc, char **argv)
{
    struct options options = parse_options("pca", argc, argv);
    struct file file = map_file(options.input);
    struct analysis all = {.variables = number_at(file, 0), .samples = number_at(file, 4)};
    if (all.variables < 1 || all.variables > VARIABLES_MAX || all.samples < 1 || all.samples > SAMPLES_MAX)
        fail("1 to %d variables and 1 to %d samples, not %zu and %zu", VARIABLES_MAX, SAMPLES_MAX, all.variables,
             all.samples);
    if (file.size != 8 + all.variables * all.samples * sizeof(int16_t))
        fail("the input does not have %zu samples of %zu variables", all.samples, all.variables);
    all.values = (const int16_t *)(const void *)(file.data + 8);
    all.sums = zeroed(all.variables, sizeof *all.sums);
    all.covariances = zeroed(all.variables * all.variables, sizeof *all.covariances);
    int64_t *direction = zeroed(all.variables, sizeof *direction);
    struct mr *mr = start(options);
    analyse(mr, &all);
    find_direction(&all, direction);

    uint64_t sum = 0;
    __int128 n = (__int128)all.samples;
    for (size_t i = 0; i < all.variables; i++)
        digest(&sum, (uint64_t)all.sums[i]);
    for (size_t i = 0; i < all.variables * all.variables; i++)
        digest(&sum, (uint64_t)all.covariances[i]);
    print_extent("mean", all.sums, all.variables, 1, n);
    print_extent("variance", all.covariances, all.variables, all.variables + 1, n * n);
    for (size_t i = 0; i < all.variables && i < 4; i++)
        print_ratio("direction", direction[i], SCALE);
    for (size_t i = 0; i < all.variables; i++)
        digest(&sum, (uint64_t)direction[i]);
    printf("%zu variables, %zu samples, digest %016llx\n", all.variables, all.samples, (unsigned long long)sum);
    if (options.check)
        checked(same_as_plain(&all));
    mr_stop(mr);
    free(all.sums);
    free(all.covariances);
    free(direction);
    return finish();
}
