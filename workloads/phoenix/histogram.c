// Counts how often each intensity of blue, green and red occurs in a bitmap of 24 bits a pixel, uncompressed.
//
// A task counts its rows in a table of its own and emits what is not zero, under the number 256 * channel + intensity.
// Output: totals, mean and most frequent intensity of each channel, and a digest. The check counts pixel by pixel.

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, LEVELS = 256, KEYS = CHANNELS * LEVELS, TASK_BYTES = 8 << 10, HEADER_BYTES = 54 };

struct bitmap {
    const unsigned char *rows;
    size_t width, height, row_bytes;  // A row is filled up to a multiple of four bytes.
};

static struct bitmap read_bitmap(struct file file)
{
    if (file.size < HEADER_BYTES || file.data[0] != 'B' || file.data[1] != 'M')
        fail("the input is not a bitmap");
    uint32_t offset = (uint32_t)file.data[10] | (uint32_t)file.data[11] << 8 | (uint32_t)file.data[12] << 16 |
                      (uint32_t)file.data[13] << 24;
    uint64_t width = (uint32_t)file.data[18] | (uint32_t)file.data[19] << 8 | (uint32_t)file.data[20] << 16 |
                     (uint32_t)file.data[21] << 24;
    int64_t height = (int32_t)((uint32_t)file.data[22] | (uint32_t)file.data[23] << 8 |
                               (uint32_t)file.data[24] << 16 | (uint32_t)file.data[25] << 24);
    if (file.data[28] != 24 || file.data[29] || file.data[30] || file.data[31] || file.data[32] || file.data[33])
        fail("the bitmap does not have 24 bits a pixel, uncompressed");
    height = height < 0 ? -height : height;  // Negative: from the top downwards, which makes no difference here.
    uint64_t row_bytes = (width * CHANNELS + 3) / 4 * 4;
    if (!width || !height || offset < HEADER_BYTES || offset > file.size ||
        (file.size - offset) / row_bytes < (uint64_t)height)
        fail("the bitmap is smaller than its header says");
    return (struct bitmap){file.data + offset, width, (size_t)height, row_bytes};
}

static void map(void *context, size_t first, size_t end, struct mr_emitter *out)
{
    const struct bitmap *bitmap = context;
    uint64_t counts[CHANNELS][LEVELS] = {{0}};
    for (size_t y = first; y < end; y++) {
        const unsigned char *row = bitmap->rows + y * bitmap->row_bytes;
        for (size_t x = 0; x < bitmap->width; x++, row += CHANNELS) {
            counts[0][row[0]]++;
            counts[1][row[1]]++;
            counts[2][row[2]]++;
        }
    }
    for (uint64_t key = 0; key < KEYS; key++)
        if (counts[key / LEVELS][key % LEVELS])
            mr_emit(out, &key, sizeof key, &counts[key / LEVELS][key % LEVELS]);
}

static void add(void *total, const void *value)
{
    *(uint64_t *)total += *(const uint64_t *)value;
}

static bool same_as_plain(const struct bitmap *bitmap, const uint64_t counts[KEYS])
{
    uint64_t plain[KEYS] = {0};
    for (size_t y = 0; y < bitmap->height; y++)
        for (size_t byte = 0; byte < bitmap->width * CHANNELS; byte++)
            plain[byte % CHANNELS * LEVELS + bitmap->rows[y * bitmap->row_bytes + byte]]++;
    return !memcmp(plain, counts, sizeof plain);
}

static void print_channel(const char *name, const uint64_t counts[LEVELS])
{
    uint64_t pixels = 0, sum = 0;
    size_t most = 0;
    for (size_t level = 0; level < LEVELS; level++) {
        pixels += counts[level];
        sum += level * counts[level];
        if (counts[level] > counts[most])
            most = level;
    }
    printf("%s: most frequent %zu (%llu), ", name, most, (unsigned long long)counts[most]);
    print_ratio("mean", (__int128)sum, (__int128)pixels);
}

int main(int argc, char **argv)
{
    struct options options = parse_options("histogram", argc, argv);
    struct bitmap bitmap = read_bitmap(map_file(options.input));
    struct mr *mr = start(options);
    const struct mr_job job = {.context = &bitmap, .units = bitmap.height,
                               .task_units = TASK_BYTES / bitmap.row_bytes + 1, .map = map,
                               .value_bytes = sizeof(uint64_t), .combine = add, .compare = mr_by_number};
    struct mr_results results = run(mr, &job);

    uint64_t counts[KEYS] = {0}, sum = 0;
    for (size_t i = 0; i < results.count; i++)
        counts[*(const uint64_t *)results.list[i].key.data] = *(const uint64_t *)results.list[i].value;
    for (size_t key = 0; key < KEYS; key++)
        digest(&sum, counts[key]);
    printf("%zu x %zu pixels\n", bitmap.width, bitmap.height);
    print_channel("blue", counts);
    print_channel("green", counts + LEVELS);
    print_channel("red", counts + 2 * LEVELS);
    printf("%zu intensities, digest %016llx\n", results.count, (unsigned long long)sum);
    if (options.check)
        checked(same_as_plain(&bitmap, counts));
    mr_free(&results);
    mr_stop(mr);
    return finish();
}
