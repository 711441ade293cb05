/* A file that is cut takes the pages behind its end out of private mappings, those that were written too. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

static sigjmp_buf back;
static void handler(int number) { siglongjmp(back, number); }

static int reads(const char *at)
{
    int number = sigsetjmp(back, 1);
    return number ? -number : *(volatile const char *)at;
}

static void cut(int fd)
{
    SHOW(ftruncate(fd, 3 * 4096));
    char *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    memset(page, 'x', 3 * 4096);
    SHOW(ftruncate(fd, 4096 + 100));
    printf("kept %d, in the last page %d, behind it %d\n", reads(page), reads(page + 4096 + 200), reads(page + 8192));
    SHOW(ftruncate(fd, 3 * 4096));
    printf("longer again: %d %d %d\n", reads(page), reads(page + 4096 + 200), reads(page + 8192));
    page[8192] = 'y';
    SHOW(ftruncate(fd, 0));
    printf("empty: %d %d %d\n", reads(page), reads(page + 4096), reads(page + 8192));
    SHOW(ftruncate(fd, 3 * 4096));
    printf("not empty: %d %d %d\n", reads(page), reads(page + 4096), reads(page + 8192));
    munmap(page, 3 * 4096);
    close(fd);
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGBUS, &action, NULL);
    cut(make_file("data", 3 * 4096, 1));
    cut(memfd_create("data", 0));
    DONE();
}
