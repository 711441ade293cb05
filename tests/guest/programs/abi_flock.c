/* flock(2) between two descriptions of one file, and what is duplicated from them. */
#include "check.h"
#include <sys/syscall.h>
#define CALL(name, ...) SHOW(syscall(SYS_##name, ##__VA_ARGS__))
#include <sys/file.h>
int main(void) {
    int one = make_file("file", 10, 1), two = (int)MUST(open("file", O_RDONLY)), again = (int)MUST(dup(one));
    CALL(flock, one, LOCK_SH);
    CALL(flock, two, LOCK_SH | LOCK_NB);
    CALL(flock, two, LOCK_EX | LOCK_NB);
    CALL(flock, again, LOCK_UN);
    CALL(flock, two, LOCK_EX | LOCK_NB);
    CALL(flock, one, LOCK_SH | LOCK_NB);
    MUST(close(two));
    CALL(flock, one, LOCK_EX | LOCK_NB);
    CALL(flock, one, 0);
    CALL(flock, one, LOCK_SH | LOCK_EX);
    CALL(flock, 99, LOCK_SH);
    DONE();
}
