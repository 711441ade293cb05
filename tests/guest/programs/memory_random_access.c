/* Random loads and stores over more pages than a small cache holds, checked against a model in registers. */
#include "check.h"

enum { PAGES = 300, STEPS = 6000 };

int main(void) {
    uint32_t *data = (uint32_t *)map_anonymous(PAGES * PAGE);
    uint64_t expected = 0, real = 0;
    for (size_t i = 0; i < PAGES * PAGE / 4; i += 97) {
        data[i] = (uint32_t)(i * 2654435761U);
        expected += data[i];
    }
    for (int i = 0; i < STEPS; i++) {
        uint64_t random = next_random();
        size_t at = random % (PAGES * PAGE / 4);
        uint32_t add = (uint32_t)(random >> 40);
        expected += (uint64_t)(uint32_t)(data[at] + add) - data[at];
        data[at] += add;
    }
    for (size_t i = 0; i < PAGES * PAGE / 4; i++) real += data[i];
    CHECK(real == expected);
    printf("sum %llu checksum %016llx\n", (unsigned long long)real,
           (unsigned long long)checksum(data, PAGES * PAGE));
    DONE();
}
