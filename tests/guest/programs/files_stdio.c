/* builds: static dynamic
 * The C library's files: writing, seeking, reading lines, changing in place, and buffers at exit. */
#include "check.h"

int main(void) {
    FILE *file = fopen("lines", "w");
    for (int i = 0; i < 3000; i++) fprintf(file, "line %d has %x in it\n", i, i * 37);
    SHOW(fclose(file));
    file = fopen("lines", "r+");
    char *line = NULL;
    size_t room = 0, total = 0;
    int count = 0, longest = 0;
    ssize_t n;
    while ((n = getline(&line, &room, file)) > 0) {
        total += (size_t)n;
        count++;
        if (n > longest) longest = (int)n;
    }
    printf("%d lines %zu bytes longest %d\n", count, total, longest);
    SHOW(feof(file) != 0);
    rewind(file);
    for (long at = 100; at < 50000; at += 7777) {
        fseek(file, at, SEEK_SET);
        fputs("<CHANGED>", file);
        fseek(file, at - 5, SEEK_SET);
        char part[24] = "";
        SHOW(fread(part, 1, 20, file));
        for (char *c = part; *c; c++)
            if (*c == '\n') *c = '|';
        puts(part);
    }
    SHOW(ftell(file) > 0);
    SHOW(fclose(file));
    file = fopen("lines", "a+");
    fprintf(file, "appended\n");
    rewind(file);
    int a, number;
    SHOW(fscanf(file, "line %d has %x in it", &a, &number));
    SHOW(ungetc('Q', file));
    SHOW(fgetc(file));
    SHOW(fclose(file));
    SHOW(fopen("missing", "r") == NULL);
    SHOW(rename("lines", "kept"));
    file = fopen("kept", "rb");
    static char all[200000];
    size_t length = fread(all, 1, sizeof all, file);
    printf("%zu %016llx\n", length, (unsigned long long)checksum(all, length));
    file = fopen("unclosed", "w");
    setvbuf(file, NULL, _IOFBF, 30000);
    fputs("written at exit\n", file);
    fprintf(stderr, "a line on standard error\n");
    DONE();
}
