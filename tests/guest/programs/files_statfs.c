/* statfs and fstatfs: plausible, alike, and the made-up file systems named. */
#include "check.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>

int main(void) {
    struct statfs a, b;
    struct statvfs v;
    int fd = make_file("file", 10, 1);
    SHOW(statfs("file", &a));
    SHOW(fstatfs(fd, &b));
    CHECK(a.f_type == b.f_type && a.f_bsize == b.f_bsize && a.f_blocks == b.f_blocks);
    CHECK(a.f_bsize > 0 && a.f_blocks > 0 && a.f_bfree <= a.f_blocks && a.f_bavail <= a.f_bfree && a.f_namelen == 255);
    SHOW(statfs(".", &b));
    CHECK(a.f_type == b.f_type && a.f_bsize == b.f_bsize);
    SHOW(statvfs("file", &v));
    CHECK(v.f_bsize == (unsigned long)a.f_bsize && v.f_namemax == 255 && !(v.f_flag & ST_RDONLY));
    SHOW(statfs("/proc/self/stat", &b));
    printf("%lx\n", (long)b.f_type);
    SHOW(statfs("missing", &b));
    SHOW(statfs("file/x", &b));
    SHOW(statfs("", &b));
    SHOW(fstatfs(99, &b));
    DONE();
}
