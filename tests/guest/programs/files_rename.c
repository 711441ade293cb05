/* rename and renameat2: over files and directories, NOREPLACE, EXCHANGE, and errors. */
#include "check.h"
#include <sys/syscall.h>

#undef RENAME_NOREPLACE
#undef RENAME_EXCHANGE
enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2 };
#define renameat2(...) syscall(SYS_renameat2, __VA_ARGS__)

static void put(const char *name) {
    int fd = make_file(name, 0, 0);
    MUST(write(fd, name, strlen(name)));
    close(fd);
}
static void get(const char *name) {
    char text[64] = "";
    int fd = open(name, O_RDONLY);
    if (fd < 0) {
        printf("%s: %s\n", name, error_name(errno));
        return;
    }
    MUST(read(fd, text, 63));
    printf("%s: \"%s\"\n", name, text);
    close(fd);
}

int main(void) {
    put("a"), put("b");
    SHOW(rename("a", "c"));
    get("a"), get("c");
    SHOW(rename("c", "b"));
    get("b");
    SHOW(rename("missing", "x"));
    SHOW(rename("b", "missing/x"));
    SHOW(mkdir("d1", 0755));
    SHOW(mkdir("d2", 0755));
    put("d2/inside");
    SHOW(rename("b", "d1"));
    SHOW(rename("d1", "b"));
    SHOW(rename("d1", "d2"));
    SHOW(rename("d2", "d1"));
    get("d1/inside");
    SHOW(rename("d1", "d1/below"));
    SHOW(rename("d1", "d1"));
    SHOW(rename("b", "b"));
    SHOW(rename("d1", "."));
    SHOW(rename(".", "x"));
    SHOW(rename("b", "x/"));
    SHOW(rename("d1/", "d3/"));
    put("p"), put("q");
    SHOW(renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "p", AT_FDCWD, "r", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "q", AT_FDCWD, "r", RENAME_EXCHANGE));
    get("q"), get("r");
    SHOW(renameat2(AT_FDCWD, "q", AT_FDCWD, "d3", RENAME_EXCHANGE));
    get("d3"), get("q/inside");
    SHOW(renameat2(AT_FDCWD, "q", AT_FDCWD, "missing", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "q", AT_FDCWD, "r", RENAME_EXCHANGE | RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "q", AT_FDCWD, "r", 0x100));
    SHOW(link("r", "same"));
    SHOW(rename("r", "same")); /* Two names of one file: nothing happens. */
    get("r"), get("same");
    SHOW(symlink("r", "link"));
    SHOW(rename("link", "link2")); /* The link itself moves. */
    get("link2");
    int dir = (int)MUST(open("q", O_RDONLY));
    SHOW(renameat(dir, "inside", AT_FDCWD, "outside"));
    get("outside");
    SHOW(renameat(99, "inside", AT_FDCWD, "x"));
    int fd = (int)MUST(open("outside", O_RDONLY));
    SHOW(rename("same", "outside"));
    char text[16] = "";
    SHOW(read(fd, text, 15)); /* The one that was replaced. */
    puts(text);
    DONE();
}
