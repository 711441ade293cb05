/* Gives every pointer of every system call every wrong value, and tells what came of it. The table is generated
 * (wrong_pointers.py). It gives up all capabilities first, so that no call can change the host. */
#include "programs/check.h"
#include <linux/capability.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum { VALUE, FIXTURE, POINTER };
struct cell {
    int kind;
    long value;
    long size;
    int shape;
    int direction; /* 1: the kernel reads, 2: it writes */
    int no_null;
};
struct row {
    const char *name;
    long number;
    int count, prepare, bad_only, counts;
    struct cell cell[6];
};
#include "wrong_pointers.h"

/* Names that check.h does not have. */
static const char *name_of(int error) {
    static char number[16];
    switch (error) {
    case ENOTCONN: return "ENOTCONN";
    case EMSGSIZE: return "EMSGSIZE";
    case EAFNOSUPPORT: return "EAFNOSUPPORT";
    case EDESTADDRREQ: return "EDESTADDRREQ";
    case ENOPROTOOPT: return "ENOPROTOOPT";
    case EISCONN: return "EISCONN";
    case ECONNREFUSED: return "ECONNREFUSED";
    default: snprintf(number, sizeof number, "%d", error);
    }
    return strncmp(error_name(error), "errno", 5) ? error_name(error) : number;
}

#define SLOTS 6
static char *slot[SLOTS]; /* each two pages, a read-only one, and one without any rights */
static char *hole, *constant, *side;
static long fixture[FIXTURES];
static int first_free, client = -1, pair_other, dgram_other;

/* Inner pointers of a structure: which one is wrong, and what it is. */
static int inner_index = -1;
static long inner_value;

static long inner(int index, void *good) { return index == inner_index ? inner_value : (long)good; }

static int inner_count(int shape) {
    switch (shape) {
    case SHAPE_iovec: case SHAPE_iovec_out: case SHAPE_strs: return 1;
    case SHAPE_msghdr: case SHAPE_msghdr_out: case SHAPE_mmsghdr: case SHAPE_mmsghdr_out: return 4;
    case SHAPE_sigmask_arg: return 1;
    default: return 0;
    }
}

static void put(char *at, long offset, const void *data, size_t size) { memcpy(at + offset, data, size); }
static void put64(char *at, long offset, long value) { put(at, offset, &value, 8); }
static void put32(char *at, long offset, int value) { put(at, offset, &value, 4); }

/* Contents with which a call would go on. `side` is memory for what they point to. */
static void build(char *at, const struct cell *cell) {
    memset(at, 0, (size_t)cell->size);
    switch (cell->shape) {
    case SHAPE_text: memcpy(at, (char *)cell->value, (size_t)cell->size); break;
    case SHAPE_strs: put64(at, 0, inner(0, strcpy(side, "argument"))); break;
    case SHAPE_iovec: case SHAPE_iovec_out:
        for (long i = 0; i + 16 <= cell->size; i += 16) put64(at, i, i ? (long)side : inner(0, side + 256)), put64(at, i + 8, 8);
        break;
    case SHAPE_msghdr: case SHAPE_msghdr_out: case SHAPE_mmsghdr: case SHAPE_mmsghdr_out:
        put64(side, 0, inner(2, side + 256));
        put64(side, 8, 8);
        put64(at, 16, inner(1, side));
        put64(at, 24, 1);
        if (inner_index == 0) put64(at, 0, inner_value), put32(at, 8, 16);
        if (inner_index == 3) put64(at, 32, inner_value), put64(at, 40, 16);
        break;
    case SHAPE_sigmask_arg: memset(side, 0, 8), put64(at, 0, inner(0, side)), put64(at, 8, 8); break;
    case SHAPE_pollfd: put32(at, 0, (int)fixture[FIX_FILE]), put32(at, 4, 1); break;
    case SHAPE_epoll_event: put32(at, 0, 1); break;
    case SHAPE_socklen: put32(at, 0, 16); break;
    case SHAPE_cap_header: put32(at, 0, _LINUX_CAPABILITY_VERSION_3); break;
    case SHAPE_clone_args: put64(at, 0, 1L << 60); break;
    case SHAPE_sigevent: put32(at, 12, 1); break;
    case SHAPE_flock: put32(at, 0, 2); break;
    case SHAPE_flock_found: put32(at, 0, 1); break;
    case SHAPE_file_handle: put32(at, 0, 0); break;
    default: break;
    }
}

static void prepare(const struct row *row) {
    lseek((int)fixture[FIX_FILE], 0, SEEK_SET);
    if (fixture[FIX_DIR] == row->cell[0].value || row->cell[0].value == FIX_DIR) lseek((int)fixture[FIX_DIR], 0, SEEK_SET);
    char bytes[64];
    if (row->prepare & 1) {
        struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "listening"};
        if (client >= 0) close(client);
        client = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
        MUST(dup2(client, 39));
        close(client);
        client = 39;
        MUST(connect(client, (struct sockaddr *)&name, sizeof name));
    }
    if (row->prepare & 2) {
        while (recv((int)fixture[FIX_DGRAM], bytes, sizeof bytes, MSG_DONTWAIT) >= 0) {}
        MUST(send(dgram_other, "datagram", 8, MSG_DONTWAIT));
    }
    if (row->prepare & 4) {
        while (read((int)fixture[FIX_PIPE_R], bytes, sizeof bytes) > 0) {}
        MUST(write((int)fixture[FIX_PIPE_W], "bytes in a pipe", 15));
    }
    if (row->prepare & 8) {
        int queue = (int)fixture[FIX_QUEUE];
        while (syscall(SYS_mq_timedreceive, queue, bytes, sizeof bytes, NULL, NULL) >= 0) {}
        MUST(syscall(SYS_mq_timedsend, queue, "message", 7, 1, NULL));
    }
}

static void clean_up(long result) {
    char bytes[256];
    if (result < 0) return;
    for (int fd = first_free; fd < first_free + 4; fd++) close(fd);
    while (read((int)fixture[FIX_PIPE_R], bytes, sizeof bytes) == sizeof bytes) {}
    while (recv(dgram_other, bytes, sizeof bytes, MSG_DONTWAIT) >= 0) {}
}

static const char *const kinds[] = {"good", "null", "low", "unmapped", "none", "kernel", "end", "beyond", "top",
                                    "straddle", "constant", "straddle_constant", "odd"};
enum { GOOD, NULL_, LOW, UNMAPPED, NONE, KERNEL, END, BEYOND, TOP, STRADDLE, CONSTANT, STRADDLE_CONSTANT, ODD, KINDS };

static long address_of(int kind, int index, const struct cell *cell) {
    char *base = slot[index];
    long half = (cell->size + 1) / 2;
    switch (kind) {
    case NULL_: return 0;
    case LOW: return 8;
    case UNMAPPED: return (long)hole + 64;
    case NONE: return (long)(base + 3 * PAGE) + 64;
    case KERNEL: return (long)0xffff800000000000;
    case END: return 0x7ffffffff000;
    case BEYOND: return 0x0000800000001000;
    case TOP: return -8;
    case STRADDLE: return (long)(base + 3 * PAGE - half); /* builds in the page before, which is read-only for writers */
    case CONSTANT: return (long)constant;
    case STRADDLE_CONSTANT: return (long)(base + 2 * PAGE - half);
    case ODD: return (long)base + 513;
    default: return (long)base + 512;
    }
}

static int applies(int kind, const struct row *row, const struct cell *cell) {
    if (row->bad_only && (kind == GOOD || kind == ODD || kind == CONSTANT || kind == NULL_)) return 0;
    if (kind == NULL_ && cell->no_null) return 0;
    if (kind == CONSTANT) return cell->direction == 2;
    if (kind == STRADDLE_CONSTANT) return cell->direction & 2 && cell->size > 1;
    if (kind == STRADDLE) return cell->size > 1;
    return 1;
}

/* The last page that can be written is the one before the read-only one; for a straddling structure the rights move. */
static void make_good(int kind, int index, const struct cell *cell, char *at) {
    if (kind == STRADDLE) {
        static char copy[8192];
        long half = (cell->size + 1) / 2;
        build(copy, cell);
        MUST(mprotect(slot[index] + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE));
        memcpy(at, copy, (size_t)half);
    } else if (kind == STRADDLE_CONSTANT) {
        MUST(mprotect(slot[index] + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE));
        build(at, cell);
        MUST(mprotect(slot[index] + 2 * PAGE, PAGE, PROT_READ));
    } else if (kind == GOOD || kind == ODD) {
        build(at, cell);
    }
}

static void attempt(const struct row *row, int wrong, int kind) {
    long value[6] = {0};
    prepare(row);
    for (int i = 0; i < row->count; i++) {
        const struct cell *cell = &row->cell[i];
        if (cell->kind == VALUE) value[i] = cell->value;
        if (cell->kind == FIXTURE) value[i] = fixture[cell->value];
        if (cell->kind != POINTER) continue;
        int own = i == wrong && inner_index < 0 ? kind : GOOD;
        value[i] = address_of(own, i, cell);
        make_good(own, i, cell, (char *)value[i]);
    }
    errno = 0;
    long result = syscall(row->number, value[0], value[1], value[2], value[3], value[4], value[5]);
    int error = errno;
    clean_up(result);
    if (kind == STRADDLE && inner_index < 0) MUST(mprotect(slot[wrong] + 2 * PAGE, PAGE, PROT_READ));
    if (result == -1)
        printf(" %s:%s", kinds[kind], name_of(error));
    else if (row->counts)
        printf(" %s:%ld", kinds[kind], result);
    else
        printf(" %s", kinds[kind]);
}

static void try_row(const struct row *row) {
    for (int i = 0; i < row->count; i++) {
        if (row->cell[i].kind != POINTER) continue;
        printf("%s %d", row->name, i);
        for (int kind = 0; kind < KINDS; kind++)
            if (applies(kind, row, &row->cell[i])) attempt(row, i, kind);
        printf("\n");
        for (inner_index = 0; inner_index < inner_count(row->cell[i].shape); inner_index++) {
            printf("%s %d.%d", row->name, i, inner_index);
            for (int kind = NULL_; kind <= TOP; kind++) {
                inner_value = address_of(kind, i, &row->cell[i]);
                attempt(row, i, kind);
            }
            printf("\n");
        }
        inner_index = -1;
    }
}

static void move(int at, long fd) { /* A fixture has a number of its own, whatever is open already. */
    fixture[at] = MUST(dup2((int)fd, 20 + at));
    if (fd != fixture[at]) close((int)fd);
}

static void make_fixtures(void) {
    int two[2];
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "listening"};
    move(FIX_FILE, make_file("file", 100, 1));
    move(FIX_SINK, make_file("sink", 0, 1));
    close(make_file("garbage", 100, 1));
    MUST(chmod("garbage", 0755));
    move(FIX_DIR, MUST(open(".", O_RDONLY | O_DIRECTORY)));
    MUST(pipe2(two, O_NONBLOCK));
    move(FIX_PIPE_R, two[0]), move(FIX_PIPE_W, two[1]);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, two));
    move(FIX_PAIR, two[0]), pair_other = (int)MUST(dup2(two[1], 50)), close(two[1]);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, two));
    move(FIX_DGRAM, two[0]), dgram_other = (int)MUST(dup2(two[1], 51)), close(two[1]);
    move(FIX_LISTEN, MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)));
    MUST(bind((int)fixture[FIX_LISTEN], (struct sockaddr *)&name, sizeof name));
    MUST(listen((int)fixture[FIX_LISTEN], 5));
    move(FIX_UNNAMED, MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)));
    move(FIX_EPOLL, MUST(epoll_create1(0)));
    struct epoll_event event = {.events = EPOLLIN};
    MUST(epoll_ctl((int)fixture[FIX_EPOLL], EPOLL_CTL_ADD, (int)fixture[FIX_PIPE_R], &event));
    move(FIX_EVENTFD, MUST(eventfd(0, EFD_NONBLOCK)));
    move(FIX_TIMERFD, MUST(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0)));
    struct mq_attr shape = {.mq_maxmsg = 2, .mq_msgsize = 64};
    char queue[40];
    snprintf(queue, sizeof queue, "wrong%d", (int)getpid());
    move(FIX_QUEUE, MUST(syscall(SYS_mq_open, queue, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &shape)));
    MUST(syscall(SYS_mq_unlink, queue));
    fixture[FIX_SELF] = getpid();
    fixture[FIX_NOBODY] = 0x3ffffff;
    fixture[FIX_PAGE] = (long)slot[0];
    int timer = -1, nobody[16] = {0, 0, 0, 1 /* SIGEV_NONE */};
    syscall(SYS_timer_create, CLOCK_MONOTONIC, nobody, &timer);
    fixture[FIX_TIMER] = timer;
    long pidfd = syscall(SYS_pidfd_open, getpid(), 0), segment = syscall(SYS_shmget, IPC_PRIVATE, PAGE, 0600);
    fixture[FIX_PIDFD] = -1;
    if (pidfd >= 0) move(FIX_PIDFD, pidfd);
    if (segment >= 0) { /* It is gone when this program is, whatever happens. */
        MUST(syscall(SYS_shmat, segment, NULL, 0));
        MUST(syscall(SYS_shmctl, segment, IPC_RMID, NULL));
    }
    fixture[FIX_SHMID] = segment;
    pid_t child = (pid_t)MUST(fork());
    if (!child) _exit(3);
    siginfo_t info;
    MUST(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    fixture[FIX_ZOMBIE] = child;
    first_free = 3;
}

int main(int argc, char **argv) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    size_t from = argc > 2 ? (size_t)atoi(argv[1]) : 0, to = argc > 2 ? (size_t)atoi(argv[2]) : (size_t)-1;
    setvbuf(stdout, NULL, _IOLBF, 1 << 12);
    MUST(syscall(SYS_capset, &header, none));
    for (int i = 0; i < SLOTS; i++) {
        slot[i] = map_anonymous(4 * PAGE);
        memset(slot[i], 0, 2 * PAGE);
        MUST(mprotect(slot[i] + 2 * PAGE, PAGE, PROT_READ));
        MUST(mprotect(slot[i] + 3 * PAGE, PAGE, PROT_NONE));
    }
    side = map_anonymous(PAGE);
    memset(side, 0, PAGE);
    constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    hole = map_anonymous(3 * PAGE);
    make_fixtures();
    hole += PAGE;
    MUST(munmap(hole, PAGE)); /* Now that nothing is mapped any more. */
    alarm(20);
    for (size_t i = from; i < sizeof rows / sizeof *rows && i < to; i++) try_row(&rows[i]);
    return 0;
}
