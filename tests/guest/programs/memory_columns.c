/* Columns of a matrix with rows of whole pages: every access falls into another line of the same set. */
#include "check.h"

enum { ROWS = 96, COLUMNS = 24 };

int main(void) {
    char *base = map_anonymous((size_t)ROWS * 16 * PAGE);
    uint64_t sum = 0;
    for (int stride = 1; stride <= 16; stride *= 4) {
        for (int column = 0; column < COLUMNS; column++)
            for (int row = 0; row < ROWS; row++)
                *(uint32_t *)(base + (size_t)row * stride * PAGE + column * 4) += (uint32_t)(row * 1000 + column + stride);
        for (int column = COLUMNS - 1; column >= 0; column--)
            for (int row = 0; row < ROWS; row++)
                sum = sum * 31 + *(uint32_t *)(base + (size_t)row * stride * PAGE + column * 4);
        printf("stride %d: %016llx\n", stride, (unsigned long long)sum);
    }
    DONE();
}
