// Makes getpid(2) N times without the C library's help: what a system call costs.

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    for (long left = argc > 1 ? atol(argv[1]) : 1; left > 0; left--)
        syscall(SYS_getpid);
    return 0;
}
