"""The layout of structures that system calls read and write, as data.

    timespec    tv_sec:i64 tv_nsec:i64

A field is NAME:TYPE, a type a width (i8 to i64, u8 to u64) with what it means after a slash (a scalar or symbol kind
of `lego.linux.signatures`), bytes ("c65", shown as a string), several of them (u64*3), or another structure (@NAME).
A field with a minus in front is not shown in a trace, which then ends in "...". `.4` are four bytes of padding. A
name without fields is shown in a way of its own; `=` gives its size.

Sources: the headers of include/uapi that the manual pages name, and arch/x86/include/uapi/asm.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Field(NamedTuple):
    """One field of a structure."""

    name: str
    offset: int
    size: int
    """Bytes; of all elements, when there are several."""
    signed: bool
    kind: str
    """What the number means, "chars", or "@" and the name of a structure."""
    times: int
    hidden: bool


class Shape(NamedTuple):
    """A structure: its size in bytes, and its fields when they are enough to show it."""

    name: str
    size: int
    fields: tuple[Field, ...]


_TEXT = """
char            =1
int             value:i32
uint            value:u32
id              value:u32/sid
tid             value:i32
u16             value:u16
u32             value:u32
long            value:i64
ulong           value:u64
off             value:i64
ptr             value:u64/addr
socklen         value:i32
random          =1
cwd             =1
comm            =16
mincore         =1
fds             value:i32
fd_set          =1
cpuset          =1
sigset          =8
wstatus         =4
dirents         =1
dirents_old     =1
iovec           iov_base:u64/addr iov_len:u64
iovec_out       iov_base:u64/addr iov_len:u64
iovec_remote    iov_base:u64/addr iov_len:u64
sockaddr        =1
sockopt         =1
sigmask_arg     sigmask:u64/addr sigsetsize:u64
msgbuf          =8
siginfo         =128
sigevent        =64
timespec        tv_sec:i64 tv_nsec:i64
utimespec       tv_sec:i64 tv_nsec:i64
timeval         tv_sec:i64 tv_usec:i64
timezone        tz_minuteswest:i32 tz_dsttime:i32
itimerspec      it_interval:@timespec it_value:@timespec
itimerval       it_interval:@timeval it_value:@timeval
utimbuf         actime:i64 modtime:i64
tms             tms_utime:i64 tms_stime:i64 tms_cutime:i64 tms_cstime:i64
timex           modes:u32/hex .4 offset:i64 freq:i64 maxerror:i64 esterror:i64 status:i32/hex .4 constant:i64
    precision:i64 tolerance:i64 time:@timeval tick:i64 -ppsfreq:i64 -jitter:i64 -shift:i32 .4 -stabil:i64 -jitcnt:i64
    -calcnt:i64 -errcnt:i64 -stbcnt:i64 -tai:i32 .44
stat            -st_dev:u64 -st_ino:u64 -st_nlink:u64 st_mode:u32/umode -st_uid:u32 -st_gid:u32 .4 -st_rdev:u64/dev
    st_size:i64 -st_blksize:i64 -st_blocks:i64 -st_atim:@timespec -st_mtim:@timespec -st_ctim:@timespec .24
statx           stx_mask:u32/|statx -stx_blksize:u32 stx_attributes:u64/hex -stx_nlink:u32 -stx_uid:u32 -stx_gid:u32
    stx_mode:u16/umode .2 -stx_ino:u64 stx_size:u64 .208
statfs          f_type:i64/#fstype f_bsize:i64 f_blocks:u64 f_bfree:u64 f_bavail:u64 f_files:u64 f_ffree:u64
    f_fsid:@fsid f_namelen:i64 f_frsize:i64 f_flags:i64/|mount_flags .32
fsid            val:u32*2/hex
ustat           f_tfree:i32 .4 f_tinode:u64 -f_fname:c6 -f_fpack:c6 .4
open_how        flags:u64/|open mode:u64/mode resolve:u64/|resolve
file_handle     handle_bytes:u32 handle_type:i32
flock           l_type:i16/#lock l_whence:i16/#whence .4 l_start:i64 l_len:i64 .8
flock_found     l_type:i16/#lock l_whence:i16/#whence .4 l_start:i64 l_len:i64 l_pid:i32 .4
f_owner_ex      type:i32 pid:i32
termios         c_iflag:u32/hex c_oflag:u32/hex c_cflag:u32/hex c_lflag:u32/hex -c_line:u8 -c_cc:c19
termios2        c_iflag:u32/hex c_oflag:u32/hex c_cflag:u32/hex c_lflag:u32/hex -c_line:u8 -c_cc:c19 -c_ispeed:u32
    -c_ospeed:u32
winsize         ws_row:u16 ws_col:u16 ws_xpixel:u16 ws_ypixel:u16
pollfd          fd:i32/fd events:u16/|poll -revents:u16/|poll
epoll_event     =12
sigaction       =32
stack           ss_sp:u64/addr ss_flags:i32/|sigaltstack .4 ss_size:u64
rlimit          rlim_cur:u64/rlim rlim_max:u64/rlim
rlimit64        rlim_cur:u64/rlim64 rlim_max:u64/rlim64
rusage          ru_utime:@timeval ru_stime:@timeval -ru_maxrss:i64 .104
sysinfo         uptime:i64 loads:u64*3 totalram:u64 freeram:u64 sharedram:u64 bufferram:u64 totalswap:u64
    freeswap:u64 procs:u16 .6 totalhigh:u64 freehigh:u64 mem_unit:u32 .4
utsname         sysname:c65 nodename:c65 -release:c65 -version:c65 -machine:c65 -domainname:c65
cap_header      version:u32/#capversion pid:i32
cap_data        effective:u32/hex permitted:u32/hex inheritable:u32/hex
sched_param     sched_priority:i32
sched_attr      size:u32 sched_policy:u32/#sched sched_flags:u64/|schedflag sched_nice:i32 sched_priority:u32
    sched_runtime:u64 sched_deadline:u64 sched_period:u64 -sched_util_min:u32 -sched_util_max:u32
clone_args      flags:u64/|clone -pidfd:u64/addr child_tid:u64/addr parent_tid:u64/addr exit_signal:u64/sig
    stack:u64/addr stack_size:u64/hex tls:u64/addr -set_tid:u64/addr -set_tid_size:u64 -cgroup:u64
futex_waitv     val:u64 uaddr:u64/addr flags:u32/hex .4
msghdr          =56
msghdr_out      =56
mmsghdr         =64
mmsghdr_out     =64
sembuf          sem_num:u16 sem_op:i16 sem_flg:i16/|semop
ipc_perm        key:u32/hex uid:u32 gid:u32 -cuid:u32 -cgid:u32 mode:u32/mode .24
shmid_ds        shm_perm:@ipc_perm shm_segsz:u64 -shm_atime:i64 -shm_dtime:i64 -shm_ctime:i64 shm_cpid:i32
    shm_lpid:i32 shm_nattch:u64 .16
semid_ds        sem_perm:@ipc_perm -sem_otime:i64 .8 -sem_ctime:i64 .8 sem_nsems:u64 .16
msqid_ds        msg_perm:@ipc_perm -msg_stime:i64 -msg_rtime:i64 -msg_ctime:i64 -msg_cbytes:u64 msg_qnum:u64
    msg_qbytes:u64 -msg_lspid:i32 -msg_lrpid:i32 .16
shminfo         shmmax:u64 shmmin:u64 shmmni:u64 shmseg:u64 shmall:u64 .32
shm_info        used_ids:i32 .4 shm_tot:u64 shm_rss:u64 shm_swp:u64 swap_attempts:u64 swap_successes:u64
seminfo         semmap:i32 semmni:i32 semmns:i32 semmnu:i32 semmsl:i32 semopm:i32 semume:i32 semusz:i32 semvmx:i32
    semaem:i32
msginfo         msgpool:i32 msgmap:i32 msgmax:i32 msgmnb:i32 msgmni:i32 msgssz:i32 msgtql:i32 msgseg:u16 .2
mq_attr         mq_flags:i64/|mqflag mq_maxmsg:i64 mq_msgsize:i64 mq_curmsgs:i64 .32
"""

_FIELD = re.compile(r"(-?)(\w+):(?:([iu])(8|16|32|64)(?:\*(\d+))?(?:/(\S+))?|c(\d+)|@([a-z_]+))")


def _fields(text: list[str], shapes: dict[str, Shape]) -> tuple[list[Field], int]:
    found: list[Field] = []
    offset = 0
    for word in text:
        if word.startswith("."):
            offset += int(word[1:])
            continue
        match = _FIELD.fullmatch(word)
        if match is None:
            raise ValueError(f"{word!r} is no field")
        hidden, name, sign, bits, count, kind, chars, inner = match.groups()
        if bits:
            meaning = kind or ("long" if sign == "i" else "ulong")
            times = int(count or 1)
            field = Field(name, offset, int(bits) // 8 * times, sign == "i", meaning, times, bool(hidden))
        elif chars:
            field = Field(name, offset, int(chars), False, "chars", 1, bool(hidden))
        else:
            field = Field(name, offset, shapes[inner].size, False, "@" + inner, 1, bool(hidden))
        found.append(field)
        offset += field.size
    return found, offset


def _load() -> dict[str, Shape]:
    lines = dict(line.split(None, 1) for line in re.sub(r"\n +", " ", _TEXT).splitlines() if line.strip())
    shapes: dict[str, Shape] = {}

    def add(name: str) -> None:
        if name in shapes:
            return
        text = lines[name].split()
        if text[0].startswith("="):
            shapes[name] = Shape(name, int(text[0][1:]), ())
            return
        for inner in re.findall(r"@([a-z_]+)", lines[name]):
            add(inner)
        fields, size = _fields(text, shapes)
        shapes[name] = Shape(name, size, tuple(fields))

    for name in lines:
        add(name)
    return shapes


SHAPES = _load()
"""Every structure by name."""
IN_BYTES = frozenset({"sigset", "open_how", "clone_args", "sched_attr", "msgbuf"})
"""Structures whose length, when an argument tells it, is in bytes and not in elements."""
