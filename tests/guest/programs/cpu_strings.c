/* String instructions across pages, forwards and backwards, and with counts of nothing. */
#include "check.h"

static void movsb(void *to, const void *from, size_t n) {
    __asm__ volatile("cld; rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}
static void movsb_back(void *to, const void *from, size_t n) {
    __asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}
static void movsq(void *to, const void *from, size_t n) {
    __asm__ volatile("cld; rep movsq" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}
static void stosd(void *to, uint32_t value, size_t n) {
    __asm__ volatile("cld; rep stosl" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}
static size_t scasb(const void *at, char value, size_t n) {
    size_t left = n;
    __asm__ volatile("cld; repne scasb" : "+D"(at), "+c"(left) : "a"(value) : "memory", "cc");
    return n - left;
}
static size_t cmpsb(const void *a, const void *b, size_t n) {
    size_t left = n;
    __asm__ volatile("cld; repe cmpsb" : "+S"(a), "+D"(b), "+c"(left)::"memory", "cc");
    return n - left;
}

int main(void) {
    unsigned char *a = (unsigned char *)map_anonymous(20 * PAGE), *b = (unsigned char *)map_anonymous(20 * PAGE);
    fill(a, 20 * PAGE, 1);
    movsb(b + 3, a + 5, 12 * PAGE + 7);
    CHECK(memcmp(b + 3, a + 5, 12 * PAGE + 7) == 0 && b[2] == 0 && b[12 * PAGE + 10] == 0);
    movsb(b, a, 0);
    CHECK(b[0] == 0);
    movsq(b + 13, a + 1, 9 * 512 + 3);
    CHECK(memcmp(b + 13, a + 1, 9 * PAGE + 24) == 0);
    movsb_back(b + 8 * PAGE - 1, a + 8 * PAGE - 1, 8 * PAGE);
    CHECK(memcmp(a, b, 8 * PAGE) == 0);
    movsb(b + 1, b, 3 * PAGE); /* Overlapping by one: the first byte everywhere. */
    CHECK(all_are(b, 3 * PAGE + 1, b[0]));
    stosd(b + PAGE - 2, 0x11223344, 2049);
    CHECK(b[PAGE - 2] == 0x44 && b[3 * PAGE + 1] == 0x11 && b[3 * PAGE + 2] != 0x44);
    memset(b, 'a', 10 * PAGE);
    b[9 * PAGE + 17] = 'x';
    printf("scasb %zu\n", scasb(b, 'x', 10 * PAGE));
    printf("scasb %zu\n", scasb(b, 'y', 10 * PAGE));
    memcpy(a, b, 10 * PAGE);
    printf("cmpsb %zu\n", cmpsb(a, b, 10 * PAGE));
    a[5 * PAGE] ^= 1;
    printf("cmpsb %zu\n", cmpsb(a, b, 10 * PAGE));
    printf("%016llx %016llx\n", (unsigned long long)checksum(a, 20 * PAGE), (unsigned long long)checksum(b, 20 * PAGE));
    char *text = (char *)a + 3 * PAGE - 50; /* The C library's own, which may choose by CPUID. */
    strcpy(text, "a string across a page boundary, long enough for every vector loop there is in the C library 0123456789");
    printf("%zu %s\n", strlen(text), strstr(text, "boundary"));
    printf("%d %d\n", strcmp(text, "a string across") > 0, (int)(strchr(text, '9') - text));
    DONE();
}
