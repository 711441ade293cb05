/* Children and grandchildren share anonymous memory, also what is mapped after the first fork, and none of it when it is
 * private; MADV_DONTFORK keeps a mapping from them. */
#include "check.h"
#include <sys/wait.h>

int main(void) {
    int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *private = (int *)map_anonymous(PAGE);
    char *kept = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *mine = map_anonymous(PAGE);
    SHOW(madvise(kept, PAGE, MADV_DONTFORK));
    SHOW(madvise(mine, PAGE, MADV_DONTFORK));
    kept[0] = 'k';
    kernel_reads(kept); /* So that the children share its file. */
    for (int i = 0; i < 2; i++)
        if (fork() == 0) {
            shared[1 + i] = kernel_reads(kept) == EFAULT && kernel_reads(mine) == EFAULT;
            int *inner = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            if (fork() == 0) {
                inner[0] = 5;
                private[0] = 7;
                __atomic_fetch_add(shared, 10, __ATOMIC_SEQ_CST);
                _exit(0);
            }
            wait(NULL);
            __atomic_fetch_add(shared, inner[0] + private[0], __ATOMIC_SEQ_CST);
            _exit(0);
        }
    while (wait(NULL) > 0) continue;
    printf("%d %d %d private %d kept %c\n", shared[0], shared[1], shared[2], private[0], kept[0]);
    SHOW(munmap(kept, PAGE));
    SHOW(munmap(shared, PAGE));
    DONE();
}
