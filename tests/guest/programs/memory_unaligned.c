/* Loads and stores of every size across a page boundary, with the second page untouched, clean, or dirty. */
#include "check.h"
#include <emmintrin.h>

int main(void) {
    uint64_t sum = 0;
    for (int state = 0; state < 3; state++) {
        char *map = map_anonymous(200 * PAGE);
        for (int i = 1; i < 200; i++) {
            char *edge = map + i * PAGE;
            if (state == 1) sum += (unsigned char)*edge;
            if (state == 2) *edge = (char)i;
        }
        for (int i = 1; i < 200; i++) {
            char *edge = map + i * PAGE;
            int back = 1 + i % 15;
            uint16_t two = (uint16_t)(i * 257);
            uint32_t four = (uint32_t)i * 0x01010101U;
            uint64_t eight = (uint64_t)i * 0x0101010101010101ULL;
            memcpy(edge - 1, &two, 2);
            *(volatile uint32_t *)(edge - 1 - back % 3) = four;
            *(volatile uint64_t *)(edge - 1 - back % 7) += eight;
            __m128i wide = _mm_loadu_si128((__m128i *)(edge - back));
            _mm_storeu_si128((__m128i *)(edge - back), _mm_add_epi8(wide, _mm_set1_epi8((char)i)));
            sum = sum * 31 + *(volatile uint64_t *)(edge - 4);
            __atomic_fetch_add((uint32_t *)(edge - 4), 7, __ATOMIC_SEQ_CST);
        }
        printf("state %d: %016llx %016llx\n", state, (unsigned long long)sum,
               (unsigned long long)checksum(map, 200 * PAGE));
        MUST(munmap(map, 200 * PAGE));
    }
    int fd = make_file("data", 3 * PAGE, 1); /* Anonymous memory beside a file's. */
    char *map = map_anonymous(4 * PAGE);
    MUST((long)mmap(map + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0));
    *(volatile uint64_t *)(map + PAGE - 3) = 0x1122334455667788ULL;
    *(volatile uint64_t *)(map + 3 * PAGE - 5) = 0x99aabbccddeeff00ULL;
    unsigned char seen[5];
    SHOW(pread(fd, seen, 5, 0));
    for (int i = 0; i < 5; i++) printf("%02x ", seen[i]);
    printf("\n%016llx\n", (unsigned long long)checksum(map, 4 * PAGE));
    DONE();
}
