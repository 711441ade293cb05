/* prctl: names and a few attributes. */
#include "check.h"
#include <sys/prctl.h>

int main(void) {
    char name[17] = "";
    SHOW(prctl(PR_GET_NAME, name));
    puts(name);
    SHOW(prctl(PR_SET_NAME, "short"));
    SHOW(prctl(PR_GET_NAME, name));
    puts(name);
    SHOW(prctl(PR_SET_NAME, "a name that is much too long"));
    SHOW(prctl(PR_GET_NAME, name));
    puts(name);
    int fd = (int)MUST(open("/proc/self/comm", O_RDONLY));
    char text[32] = "";
    SHOW(read(fd, text, 31));
    printf("%s", text);
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_DUMPABLE, 7));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_PDEATHSIG, 15));
    int number = 0;
    SHOW(prctl(PR_GET_PDEATHSIG, &number));
    printf("%d\n", number);
    SHOW(prctl(99999));
    DONE();
}
