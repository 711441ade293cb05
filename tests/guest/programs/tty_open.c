/* builds: static dynamic
 * Opening a pseudo-terminal: the lock, the names, what stat says, and the other way to the slave. */
#include "pty.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>

int main(void) {
    struct stat s, other;
    struct statfs fs;
    char name[64];
    int number = -1, locked = -1;
    master = (int)MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
    MUST(ioctl(master, TIOCGPTN, &number));
    SHOW(ioctl(master, _IOR('T', 0x39, int), &locked));
    CHECK(locked == 1);
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    SHOW(open(name, O_RDWR | O_NOCTTY));
    SHOW(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    SHOW(unlockpt(master));
    CHECK(!strcmp(ptsname(master), name));
    slave = (int)MUST(open(name, O_RDWR | O_NOCTTY));
    CHECK(isatty(slave) && isatty(master));
    CHECK(ttyname(slave) && !strcmp(ttyname(slave), name));
    MUST(fstat(slave, &s));
    CHECK(S_ISCHR(s.st_mode));
    CHECK(major(s.st_rdev) == 136 && (int)minor(s.st_rdev) == number);
    MUST(stat(name, &other));
    CHECK(other.st_ino == s.st_ino && other.st_dev == s.st_dev && other.st_rdev == s.st_rdev);
    MUST(fstat(master, &s));
    CHECK(S_ISCHR(s.st_mode) && s.st_rdev == makedev(5, 2));
    MUST(fstatfs(slave, &fs));
    CHECK(fs.f_type == 0x1cd1);
    MUST(fchmod(slave, 0600));
    MUST(fstat(slave, &s));
    printf("mode %o\n", s.st_mode & 07777);
    MUST(chmod(name, 0622));
    MUST(stat(name, &s));
    printf("mode %o\n", s.st_mode & 07777);
    SHOW(fchown(slave, getuid(), (gid_t)-1));
    SHOW(lseek(slave, 0, SEEK_CUR));
    SHOW(pread(slave, name, 1, 0));
    SHOW(ftruncate(slave, 0));
    SHOW(ioctl(slave, TIOCGPTN, &number));
    SHOW(ioctl(slave, TIOCGPTPEER, O_RDWR));
    SHOW(ioctl(slave, 0x5499, 0));
    int peer = (int)MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    CHECK(fcntl(peer, F_GETFD) == FD_CLOEXEC);
    CHECK((fcntl(peer, F_GETFL) & O_ACCMODE) == O_RDWR);
    MUST(write(peer, "through the peer", 16));
    shown("master", master);
    int reader = (int)MUST(open(name, O_RDONLY | O_NOCTTY));
    SHOW(write(reader, "x", 1));
    close(master);
    SHOW(open(name, O_RDWR | O_NOCTTY));
    CHECK(errno == ENOENT);
    DONE();
}
