/* malloc, realloc and free in a long random sequence; every block keeps its bytes. */
#include "check.h"

enum { SLOTS = 64, STEPS = 1500 };
static unsigned char *block[SLOTS];
static size_t size[SLOTS];
static unsigned char mark[SLOTS];

static void test(int slot) {
    if (!size[slot]) return;
    if (block[slot][0] != mark[slot] || block[slot][size[slot] - 1] != mark[slot] ||
        block[slot][size[slot] / 2] != mark[slot])
        check_failures++;
}

static size_t some_size(void) {
    uint64_t random = next_random();
    return random % 100 < 90 ? 1 + (random >> 20) % 3000 : 1 + (random >> 20) % 200000;
}

int main(void) {
    for (int step = 0; step < STEPS; step++) {
        int slot = (int)(next_random() % SLOTS);
        test(slot);
        if (block[slot] && next_random() % 3 == 0) {
            free(block[slot]);
            block[slot] = NULL;
            size[slot] = 0;
            continue;
        }
        size_t old = size[slot], new = some_size();
        block[slot] = realloc(block[slot], new);
        size[slot] = old < new ? old : new;
        test(slot);
        size[slot] = new;
        mark[slot] = (unsigned char)next_random();
        memset(block[slot], mark[slot], new);
    }
    CHECK(check_failures == 0);
    unsigned char *zeroed = calloc(50000, 4);
    CHECK(all_are(zeroed, 200000, 0));
    for (int slot = 0; slot < SLOTS; slot++) {
        test(slot);
        free(block[slot]);
    }
    CHECK(check_failures == 0);
    volatile size_t huge = (size_t)1 << 60; /* Volatile: compilers know that malloc never fails. */
    void *volatile nothing = malloc(huge);
    CHECK(nothing == NULL && errno == ENOMEM);
    DONE();
}
