/* run: one "two words" "" "tab	here" *.c $HOME \\ back\\slash é
 * Arguments and environment as they were given. */
#include "check.h"

extern char **environ;
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(int argc, char **argv) {
    printf("%d arguments\n", argc);
    for (int i = 1; i < argc; i++) printf("%d \"%s\"\n", i, argv[i]);
    CHECK(argv[argc] == NULL);
    int n = 0;
    while (environ[n]) n++;
    char **sorted = malloc((size_t)n * sizeof *sorted);
    memcpy(sorted, environ, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_name);
    for (int i = 0; i < n; i++) puts(sorted[i]);
    SHOW(setenv("ADDED", "value", 1));
    puts(getenv("ADDED"));
    SHOW(unsetenv("PATH"));
    CHECK(getenv("PATH") == NULL);
    DONE();
}
