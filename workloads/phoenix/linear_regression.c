// Fits a line to points: each is two bytes, x and y.
//
// A task emits the five sums that the fit needs, combining adds them. Everything is exact; only the quotients that are
// printed are cut off, after six places. The check adds up in one loop, from the last point to the first.

#include "common.h"

#include <stdio.h>
#include <string.h>

enum { TASK_POINTS = 4 << 10 };

enum sum { SUM_X, SUM_Y, SUM_XX, SUM_YY, SUM_XY, SUMS };

static void add_point(uint64_t sums[SUMS], const unsigned char *point)
{
    uint64_t x = point[0], y = point[1];
    sums[SUM_X] += x;
    sums[SUM_Y] += y;
    sums[SUM_XX] += x * x;
    sums[SUM_YY] += y * y;
    sums[SUM_XY] += x * y;
}

static void map(void *context, size_t first, size_t end, struct mr_emitter *out)
{
    const struct file *file = context;
    uint64_t sums[SUMS] = {0};
    for (size_t i = first; i < end; i++)
        add_point(sums, file->data + 2 * i);
    for (uint64_t key = 0; key < SUMS; key++)
        mr_emit(out, &key, sizeof key, &sums[key]);
}

static void add(void *total, const void *value)
{
    *(uint64_t *)total += *(const uint64_t *)value;
}

int main(int argc, char **argv)
{
    struct options options = parse_options("linear_regression", argc, argv);
    struct file file = map_file(options.input);
    size_t points = file.size / 2;
    if (!points)
        fail("the input has no points");
    struct mr *mr = start(options);
    const struct mr_job job = {.context = &file, .units = points, .task_units = TASK_POINTS, .map = map,
                               .value_bytes = sizeof(uint64_t), .combine = add, .compare = mr_by_number};
    struct mr_results results = run(mr, &job);

    uint64_t sums[SUMS] = {0}, plain[SUMS] = {0};
    for (size_t i = 0; i < results.count; i++)
        sums[*(const uint64_t *)results.list[i].key.data] = *(const uint64_t *)results.list[i].value;
    static const char *const names[SUMS] = {"sum x", "sum y", "sum xx", "sum yy", "sum xy"};
    for (size_t i = 0; i < SUMS; i++)
        printf("%s = %llu\n", names[i], (unsigned long long)sums[i]);

    __int128 n = (__int128)points, x = sums[SUM_X], y = sums[SUM_Y];
    __int128 spread = n * sums[SUM_XX] - x * x, slope = n * sums[SUM_XY] - x * y;
    printf("%zu points\n", points);
    print_ratio("slope", slope, spread);
    print_ratio("intercept", y * (__int128)sums[SUM_XX] - x * (__int128)sums[SUM_XY], spread);
    if (options.check) {
        for (size_t i = points; i-- > 0;)
            add_point(plain, file.data + 2 * i);
        checked(!memcmp(sums, plain, sizeof sums));
    }
    mr_free(&results);
    mr_stop(mr);
    return finish();
}
