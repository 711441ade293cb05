/* uname, sysinfo, page size: what kind of system this is. */
#include "check.h"
#include <sys/sysinfo.h>
#include <sys/utsname.h>

int main(void) {
    struct utsname u;
    SHOW(uname(&u));
    printf("%s %s\n", u.sysname, u.machine);
    int major = 0, minor = 0;
    CHECK(sscanf(u.release, "%d.%d", &major, &minor) == 2 && major >= 4);
    CHECK(u.version[0] && u.nodename[0]);
    char name[65];
    CHECK(gethostname(name, sizeof name) == 0 && !strcmp(name, u.nodename));
    struct sysinfo s;
    SHOW(sysinfo(&s));
    CHECK(s.totalram > 0 && s.freeram > 0 && s.freeram <= s.totalram && s.procs > 0);
    SHOW(sysconf(_SC_PAGESIZE));
    SHOW(getpagesize());
    SHOW(sysconf(_SC_CLK_TCK));
    CHECK(sysconf(_SC_PHYS_PAGES) > 0);
    DONE();
}
