/* Code in file mappings: at one address first of one file, then of another; private pages that were patched; a file that is
 * overwritten while it is mapped shared. */
#include "code_jit.h"

static int code_file(const char *name, int value) {
    int fd = make_file(name, 0, 0);
    unsigned char code[2 * PAGE];
    memset(code, 0x90, sizeof code);
    emit(code + 32, value);
    emit(code + PAGE, value + 1);
    MUST(write(fd, code, sizeof code));
    return fd;
}

int main(void) {
    int one = code_file("one", 10), two = code_file("two", 20);
    unsigned char *place = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, one, 0);
    MUST((long)place);
    printf("%d %d\n", run(place), run(place + PAGE));
    for (int i = 0; i < 6; i++) {
        MUST(munmap(place, 2 * PAGE));
        CHECK(mmap(place, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, i % 2 ? one : two, 0) == place);
        printf("%d %d\n", run(place), run(place + PAGE));
    }
    CHECK(mmap(place, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, two, PAGE) == place);
    printf("%d\n", run(place));
    CHECK(mmap(place, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, one, 0) == place);
    printf("%d\n", run(place));
    unsigned char code[FUNCTION_BYTES];
    emit(code, 30);
    MUST(pwrite(one, code, sizeof code, 32));
    printf("overwritten: %d\n", run(place));
    /* A private page that was patched keeps its patch, whatever becomes of the file. */
    CHECK(mmap(place, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, two, 0) == place);
    emit(place + 32, 40);
    printf("patched: %d\n", run(place));
    MUST(pwrite(two, code, sizeof code, 32));
    printf("still: %d\n", run(place));
    MUST(mprotect(place, PAGE, PROT_READ | PROT_EXEC));
    printf("and: %d\n", run(place));
    MUST(madvise(place, PAGE, MADV_DONTNEED));
    printf("the file's again: %d\n", run(place));
    DONE();
}
