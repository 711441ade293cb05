/* Anonymous memory: zeroed, private and shared, and the errors of mmap and munmap. */
#include "check.h"

int main(void) {
    char *private = map_anonymous(16 * PAGE);
    CHECK(all_are(private, 16 * PAGE, 0));
    fill(private, 16 * PAGE, 3);
    printf("checksum %016llx\n", (unsigned long long)checksum(private, 16 * PAGE));
    char *shared = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED && all_are(shared, 2 * PAGE, 0));
    fill(shared, 2 * PAGE, 4);
    printf("checksum %016llx\n", (unsigned long long)checksum(shared, 2 * PAGE));
    CHECK(((uintptr_t)private | (uintptr_t)shared) % PAGE == 0);
    SHOW(munmap(private, 16 * PAGE));
    READS(private);
    SHOW(munmap(private, 16 * PAGE)); /* Nothing there is no error. */
    SHOW(munmap(shared, 5000));       /* The length is rounded up. */
    READS(shared + PAGE);
    SHOW(munmap(shared + 1, PAGE));
    SHOW(munmap(shared, 0));
    SHOW(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0)); /* Neither shared nor private. */
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
    SHOW(mmap((void *)0x10001, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(mmap(NULL, (size_t)1 << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(mmap((void *)0x7ffffffff000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(munmap((void *)0x7ffffffff000, PAGE));
    char *hinted = mmap((void *)0x200000000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(hinted == (void *)0x200000000000); /* A free hint is taken. */
    char *again = mmap((void *)0x200000000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(again != hinted && again != MAP_FAILED);
    DONE();
}
