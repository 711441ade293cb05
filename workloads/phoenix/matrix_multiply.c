// Multiplies two square matrices of 16-bit integers: the number of rows (32 bits), then both, row by row, all little
// endian.
//
// A task computes a few rows of the product where they belong, block by block so that what it reads again is still in
// the cache, and emits for each row its number and a digest. Output: the trace, the corners, and a digest of all rows.
// The check computes each entry by itself, as the definition says.

#include "common.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 1 << 14, BLOCK = 32, TASK_ROWS = 4 };

struct product {
    size_t size;
    const int16_t *left, *right;
    int64_t *entries;
};

static void map(void *context, size_t first, size_t end, struct mr_emitter *out)
{
    const struct product *product = context;
    size_t size = product->size;
    for (size_t block = 0; block < size; block += BLOCK) {
        size_t block_end = size - block < BLOCK ? size : block + BLOCK;
        for (size_t row = first; row < end; row++)
            for (size_t inner = block; inner < block_end; inner++) {
                int64_t factor = product->left[row * size + inner];
                const int16_t *from = product->right + inner * size;
                int64_t *to = product->entries + row * size;
                for (size_t column = 0; column < size; column++)
                    to[column] += factor * from[column];
            }
    }
    for (uint64_t row = first; row < end; row++) {
        uint64_t sum = 0;
        for (size_t column = 0; column < size; column++)
            digest(&sum, (uint64_t)product->entries[row * size + column]);
        mr_emit(out, &row, sizeof row, &sum);
    }
}

// A row has one digest.
static void reduce(void *context, struct mr_key key, struct mr_values *values, void *result)
{
    (void)context;
    (void)key;
    *(uint64_t *)result = *(const uint64_t *)mr_next(values);
}

static bool same_as_plain(const struct product *product)
{
    size_t size = product->size;
    for (size_t row = 0; row < size; row++)
        for (size_t column = 0; column < size; column++) {
            int64_t entry = 0;
            for (size_t inner = 0; inner < size; inner++)
                entry += (int64_t)product->left[row * size + inner] * product->right[inner * size + column];
            if (entry != product->entries[row * size + column])
                return false;
        }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = parse_options("matrix_multiply", argc, argv);
    struct file file = map_file(options.input);
    size_t size = number_at(file, 0);
    if (size < 1 || size > ROWS_MAX)
        fail("a matrix has 1 to %d rows, not %zu", ROWS_MAX, size);
    if (file.size != 4 + 2 * size * size * sizeof(int16_t))
        fail("the input does not have two matrices of %zu rows", size);
    const int16_t *matrices = (const int16_t *)(const void *)(file.data + 4);
    struct product product = {size, matrices, matrices + size * size, zeroed(size * size, sizeof(int64_t))};
    struct mr *mr = start(options);
    const struct mr_job job = {.context = &product, .units = size, .task_units = TASK_ROWS, .map = map,
                               .value_bytes = sizeof(uint64_t), .reduce = reduce, .result_bytes = sizeof(uint64_t),
                               .compare = mr_by_number};
    struct mr_results results = run(mr, &job);

    int64_t trace = 0;
    uint64_t sum = 0;
    for (size_t row = 0; row < results.count; row++) {
        trace += product.entries[row * size + row];
        digest(&sum, *(const uint64_t *)results.list[row].value);
    }
    printf("%zu rows, trace %lld, corners %lld and %lld, digest %016llx\n", results.count, (long long)trace,
           (long long)product.entries[0], (long long)product.entries[size * size - 1], (unsigned long long)sum);
    if (options.check)
        checked(same_as_plain(&product));
    mr_free(&results);
    mr_stop(mr);
    free(product.entries);
    return finish();
}
