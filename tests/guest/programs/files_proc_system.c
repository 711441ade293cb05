/* /proc/{cpuinfo,meminfo,stat,version,uptime,loadavg...} and /sys: there, and of the right form. */
#include "check.h"
#include <sys/sysinfo.h>

static char text[1 << 17];
static size_t slurp(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        printf("%s: %s\n", path, error_name(errno));
        return 0;
    }
    size_t length = 0;
    ssize_t n;
    while (length < sizeof text - 1 && (n = read(fd, text + length, 777)) > 0) length += (size_t)n;
    close(fd);
    text[length] = 0;
    return length;
}

int main(void) {
    struct stat s;
    long total = 0, available = 0, freed = 0;
    CHECK(slurp("/proc/cpuinfo") > 100 && strstr(text, "\nflags\t\t: ") && strstr(text, "\nmodel name\t: "));
    CHECK(slurp("/proc/meminfo") > 100);
    CHECK(sscanf(text, "MemTotal: %ld kB\nMemFree: %ld kB\nMemAvailable: %ld kB\n", &total, &freed, &available) == 3);
    CHECK(total > 0 && freed > 0 && freed <= total && available <= total);
    long pages = 0;
    CHECK(slurp("/proc/vmstat") > 100 && sscanf(text, "nr_free_pages %ld\n", &pages) == 1 && pages > 0);
    CHECK(strstr(text, "\npgpgin ") && strstr(text, "\npswpout ") && strstr(text, "\npgfault "));
    SHOW(access("/proc/diskstats", R_OK));
    struct sysinfo info;
    MUST(sysinfo(&info));
    CHECK((long)(info.totalram * info.mem_unit / 1024) == total);
    CHECK(info.procs > 0 && info.mem_unit > 0 && info.uptime >= 0);
    long user = -1, nice, system, idle;
    CHECK(slurp("/proc/stat") > 20 && sscanf(text, "cpu %ld %ld %ld %ld", &user, &nice, &system, &idle) == 4 && user >= 0);
    CHECK(strstr(text, "\ncpu0 ") && strstr(text, "\nbtime ") && strstr(text, "\nprocesses "));
    CHECK(slurp("/proc/version") > 20 && strncmp(text, "Linux version ", 14) == 0);
    double up = -1, idle_seconds = -1;
    CHECK(slurp("/proc/uptime") > 3 && sscanf(text, "%lf %lf", &up, &idle_seconds) == 2 && up >= 0 && idle_seconds >= 0);
    int low = -1, high = -1;
    CHECK(slurp("/sys/devices/system/cpu/online") >= 2 && sscanf(text, "%d-%d", &low, &high) >= 1 && low == 0);
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) == (high < 0 ? 1 : high + 1));
    SHOW(stat("/proc", &s));
    CHECK(S_ISDIR(s.st_mode));
    SHOW(stat("/proc/meminfo", &s));
    CHECK(S_ISREG(s.st_mode) && s.st_size == 0);
    SHOW(open("/proc/missing", O_RDONLY));
    SHOW(open("/proc/uptime/x", O_RDONLY));
    SHOW(open("/proc/../proc/uptime", O_RDONLY) >= 0);
    int fd = (int)MUST(open("/proc/version", O_RDONLY));
    char a[6] = "", b[6] = "";
    SHOW(read(fd, a, 5));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(read(fd, b, 5));
    CHECK(!strcmp(a, b));
    SHOW(pread(fd, a, 5, 6));
    puts(a);
    SHOW(read(fd, a, 0));
    DONE();
}
