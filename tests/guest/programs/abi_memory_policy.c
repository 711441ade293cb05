/* Policies for memory, on one node: what is kept, what is refused, and where pages are said to be. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/wait.h>
enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL };
static const unsigned long first = 1, second = 2;
static void show(const char *when) {
    int mode = -1;
    unsigned long nodes = 0x55;
    SHOW(syscall(SYS_get_mempolicy, &mode, &nodes, 64, 0, 0));
    printf("%s: mode %d nodes %#lx\n", when, mode, nodes);
}
int main(void) {
    int mode = -1, status[4];
    unsigned long nodes[32];
    char *at = map_anonymous(4 * PAGE);
    show("at first");
    SHOW(syscall(SYS_get_mempolicy, &mode, nodes, 64, 0, 4));
    CHECK(mode == 0 && nodes[0] == 1);
    memset(nodes, 0x55, sizeof nodes);
    SHOW(syscall(SYS_get_mempolicy, NULL, nodes, 1024, 0, 4));
    CHECK(nodes[0] == 1 && nodes[15] == 0 && nodes[16] == 0x5555555555555555);
    SHOW(syscall(SYS_get_mempolicy, NULL, nodes, 0, 0, 4));
    SHOW(syscall(SYS_get_mempolicy, NULL, NULL, 0, 0, 8));
    SHOW(syscall(SYS_get_mempolicy, NULL, NULL, 0, 0, 6));
    SHOW(syscall(SYS_get_mempolicy, NULL, NULL, 0, at, 0));
    SHOW(syscall(SYS_get_mempolicy, NULL, NULL, 0, 0, 2));
    SHOW(syscall(SYS_get_mempolicy, &mode, NULL, 0, 0, 1));
    SHOW(syscall(SYS_get_mempolicy, &mode, NULL, 0, at, 2));
    SHOW(syscall(SYS_set_mempolicy, BIND, &first, 64)); show("bound");
    if (!MUST(fork())) return show("in a child"), 0;
    MUST(wait(NULL));
    SHOW(syscall(SYS_get_mempolicy, &mode, NULL, 0, 0, 1));
    SHOW(syscall(SYS_set_mempolicy, INTERLEAVE, &first, 64)); show("interleaved");
    SHOW(syscall(SYS_get_mempolicy, &mode, NULL, 0, 0, 1));
    CHECK(mode == 0);
    SHOW(syscall(SYS_set_mempolicy, PREFERRED, &first, 64)); show("preferred");
    SHOW(syscall(SYS_set_mempolicy, PREFERRED, NULL, 0)); show("preferred, none");
    SHOW(syscall(SYS_set_mempolicy, LOCAL, NULL, 0)); show("local");
    SHOW(syscall(SYS_set_mempolicy, LOCAL, &first, 64));
    SHOW(syscall(SYS_set_mempolicy, BIND | 1 << 15, &first, 64)); show("static");
    SHOW(syscall(SYS_set_mempolicy, BIND | 1 << 15, &second, 64));
    SHOW(syscall(SYS_set_mempolicy, BIND | 1 << 14, &second, 64)); show("relative");
    SHOW(syscall(SYS_set_mempolicy, BIND | 3 << 14, &first, 64));
    SHOW(syscall(SYS_set_mempolicy, DEFAULT, &first, 64));
    SHOW(syscall(SYS_set_mempolicy, BIND, &second, 64));
    SHOW(syscall(SYS_set_mempolicy, BIND, NULL, 0));
    SHOW(syscall(SYS_set_mempolicy, 77, &first, 64));
    SHOW(syscall(SYS_set_mempolicy, BIND, &first, 1UL << 20));
    SHOW(syscall(SYS_set_mempolicy, DEFAULT, NULL, 0)); show("default");
    SHOW(syscall(SYS_mbind, at, 4 * PAGE, BIND, &first, 64, 0));
    SHOW(syscall(SYS_mbind, at, 4 * PAGE, DEFAULT, NULL, 0, 3));
    SHOW(syscall(SYS_mbind, at, 4 * PAGE, BIND, &second, 64, 0));
    SHOW(syscall(SYS_mbind, at + 1, PAGE, BIND, &first, 64, 0));
    SHOW(syscall(SYS_mbind, at, 0, BIND, &second, 64, 0));
    SHOW(syscall(SYS_mbind, at, PAGE, BIND, &first, 64, 8));
    SHOW(syscall(SYS_mbind, at, -1L, BIND, &first, 64, 0));
    SHOW(syscall(SYS_mbind, PAGE, PAGE, BIND, &first, 64, 0));
    SHOW(syscall(SYS_mbind, PAGE, PAGE, DEFAULT, NULL, 0, 0));
    at[0] = at[PAGE] = 1;
    MUST(munmap(at + 3 * PAGE, PAGE));
    void *pages[4] = {at, at + PAGE, at + 2 * PAGE, at + 3 * PAGE};
    SHOW(syscall(SYS_move_pages, 0, 4, pages, NULL, status, 0));
    printf("pages: %d %d %d %d\n", status[0], status[1], status[2], status[3]);
    int to[4] = {0, 0, 0, 0};
    SHOW(syscall(SYS_move_pages, 0, 2, pages, to, status, 2));
    printf("pages: %d %d\n", status[0], status[1]);
    to[1] = 5000;
    SHOW(syscall(SYS_move_pages, 0, 2, pages, to, status, 2));
    SHOW(syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0));
    SHOW(syscall(SYS_move_pages, 0, 4, pages, NULL, status, 1));
    SHOW(syscall(SYS_move_pages, 0, 4, NULL, NULL, status, 0));
    SHOW(syscall(SYS_move_pages, 0x3ffffff, 4, pages, NULL, status, 0));
    SHOW(syscall(SYS_migrate_pages, 0, 64, &first, &first));
    SHOW(syscall(SYS_migrate_pages, 0x3ffffff, 64, &first, &first));
    SHOW(syscall(SYS_migrate_pages, 0, 64, &first, NULL));
    SHOW(syscall(SYS_migrate_pages, 0, 64, NULL, &first));
    SHOW(syscall(SYS_migrate_pages, 0, 1UL << 20, &first, &first));
    DONE();
}
