/* builds: static dynamic
 * Sorting and searching arrays of structures: much pointer work over a few hundred pages. */
#include "check.h"

struct item {
    uint64_t key;
    char name[56];
};
enum { COUNT = 6000 };

static int by_key(const void *a, const void *b) {
    uint64_t x = ((const struct item *)a)->key, y = ((const struct item *)b)->key;
    return x < y ? -1 : x > y;
}

int main(void) {
    struct item *items = malloc(COUNT * sizeof *items);
    uint64_t xor = 0;
    for (int i = 0; i < COUNT; i++) {
        items[i].key = next_random();
        xor ^= items[i].key;
        snprintf(items[i].name, sizeof items[i].name, "item %d of %d", i, COUNT);
    }
    qsort(items, COUNT, sizeof *items, by_key);
    int order = 0;
    for (int i = 0; i < COUNT; i++) {
        xor ^= items[i].key;
        if (i && items[i - 1].key > items[i].key) order++;
    }
    CHECK(order == 0 && xor == 0);
    printf("%s\n%s\n%s\n", items[0].name, items[COUNT / 2].name, items[COUNT - 1].name);
    struct item wanted = items[1234];
    struct item *found = bsearch(&wanted, items, COUNT, sizeof *items, by_key);
    CHECK(found == items + 1234);
    printf("%016llx\n", (unsigned long long)checksum(items, COUNT * sizeof *items));
    DONE();
}
