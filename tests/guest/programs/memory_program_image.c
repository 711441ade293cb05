/* builds: static dynamic pie static-pie
 * What the loader made: initialised data, zeroed data over many pages, constants, and code read as data. */
#include "check.h"

static int table[5000] = {1, 2, 3, [2500] = 77, [4999] = 99};
static char zeroed[40 * 4096 + 123];
static const char text[] = "constants stay what they are";
static char odd_tail[3] = {'x', 'y', 'z'};
extern char etext, edata, end;

__attribute__((noinline)) static int some_code(int x) { return x * 17 + 4; }

int main(void) {
    CHECK(table[0] == 1 && table[2] == 3 && table[3] == 0 && table[2500] == 77 && table[4999] == 99);
    CHECK(all_are(zeroed, sizeof zeroed, 0));
    fill(zeroed, sizeof zeroed, 2);
    printf("bss %016llx\n", (unsigned long long)checksum(zeroed, sizeof zeroed));
    CHECK(odd_tail[0] == 'x' && odd_tail[2] == 'z');
    CHECK(strlen(text) == 28);
    const unsigned char *code = (const unsigned char *)(uintptr_t)some_code;
    uint64_t first = checksum(code, 16);
    int sum = 0;
    for (int i = 0; i < 1000; i++) sum += some_code(i);
    CHECK(checksum(code, 16) == first && first != 0);
    printf("sum %d\n", sum);
    CHECK(&etext < &edata && &edata <= &end);
    WRITES((char *)(uintptr_t)text);
    WRITES((char *)(uintptr_t)some_code);
    WRITES(zeroed + sizeof zeroed - 1);
    table[4] = 5;
    CHECK(table[4] == 5);
    DONE();
}
