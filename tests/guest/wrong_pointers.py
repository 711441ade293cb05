"""Makes the table for wrong_pointers.c: every system call of Lego's table that takes a pointer, with arguments that
are plausible otherwise, each pointer marked with what it leads to.

The table comes from `lego.linux.signatures`. What a call needs to get as far as its pointers (a descriptor of the
right kind, a command, a length) is in `SETUPS`; a call that is not there gets the defaults. Nothing here can harm the
host: the program gives up all capabilities first, has only its own directory to write to, and no call of it can
signal others.
"""

from __future__ import annotations

from typing import NamedTuple

from lego.linux.numbers import NUMBERS
from lego.linux.shapes import IN_BYTES, SHAPES
from lego.linux.signatures import SIGNATURES, VARIANTS, Argument, Signature
from lego.linux.symbols import SETS

NOT_COMPARED = {
    "clone": "an address for the thread's number is not looked at before the child runs",
    "rseq": "Lego has none",
    "syslog": "who may read the kernel's log is the host's choice",
    "name_to_handle_at": "Lego has none",
    "fcntl/F_GET_RW_HINT": "Lego has none",
    "fcntl/F_SET_RW_HINT": "Lego has none",
    "prctl/PR_SET_VMA": "depends on how the host's kernel was built",
}
"""Calls and variants that are left out, and why."""

FIXTURES = [
    "FILE",
    "DIR",
    "PIPE_R",
    "PIPE_W",
    "SINK",
    "PAIR",
    "DGRAM",
    "LISTEN",
    "UNNAMED",
    "EPOLL",
    "EVENTFD",
    "TIMERFD",
    "SELF",
    "ZOMBIE",
    "NOBODY",
    "SHMID",
    "TIMER",
    "PIDFD",
    "QUEUE",
    "PAGE",
]
"""What the program makes before it begins."""
PREPARATIONS = {"connect": 1, "send": 2, "fill": 4, "queue": 8}
"""What it does before each call: a client for the listening socket, a datagram, bytes for the pipe, a message in the
queue."""


class Setup(NamedTuple):
    """What one way of making a call needs."""

    arguments: dict[str, str | int]
    """By name: a fixture, a number, or the text of a path; "NULL" for a pointer."""
    prepare: str = ""
    bad_only: bool = False
    """With good pointers it would block, or change what must not change."""
    label: str = ""


def _setup(prepare: str = "", bad_only: bool = False, label: str = "", **arguments: str | int) -> Setup:
    return Setup(arguments, prepare, bad_only, label)


SETUPS: dict[str, list[Setup]] = {
    "accept": [_setup(sockfd="LISTEN", prepare="connect")],
    "accept4": [_setup(sockfd="LISTEN", prepare="connect")],
    "arch_prctl/ARCH_GET_FS": [_setup()],
    "bind": [_setup(sockfd="UNNAMED", addrlen=16)],
    "capset": [_setup()],
    **{name: [_setup(mode=0o644)] for name in ("chmod", "fchmod", "fchmodat", "fchmodat2")},
    "truncate": [_setup(length=100)],
    "ftruncate": [_setup(length=100)],
    "chdir": [_setup(path=".")],
    "chroot": [_setup(path=".")],
    "clock_nanosleep": [_setup(clockid=1)],
    "clone3": [_setup(size=88)],
    "connect": [_setup(sockfd="UNNAMED", addrlen=16)],
    "copy_file_range": [_setup(fd_out="SINK", len=10)],
    "epoll_ctl": [_setup(epfd="EPOLL", op=3, fd="PIPE_R")],
    "epoll_pwait": [_setup(epfd="EPOLL", maxevents=1, prepare="fill")],
    "epoll_pwait2": [_setup(epfd="EPOLL", maxevents=1, prepare="fill")],
    "epoll_wait": [_setup(epfd="EPOLL", maxevents=1, prepare="fill")],
    "execve": [_setup(pathname="garbage")],
    "execveat": [_setup(pathname="garbage")],
    "getdents": [_setup(fd="DIR", count=512)],
    "getdents64": [_setup(fd="DIR", count=512)],
    "getgroups": [_setup(size=64)],
    "getpeername": [_setup(sockfd="PAIR")],
    "getsockname": [_setup(sockfd="PAIR")],
    "getsockopt": [_setup(sockfd="PAIR", level=1, optname=3)],
    "getsockopt/SOL_SOCKET": [
        _setup(sockfd="PAIR", optname=3), _setup(sockfd="PAIR", optname=13, label="linger"),
        _setup(sockfd="PAIR", optname=17, label="peercred"), _setup(sockfd="PAIR", optname=20, label="timeout"),
    ],
    "linkat": [_setup()],
    "memfd_create": [_setup()],
    "mount": [_setup(target=".")],
    "umount2": [_setup(target=".")],
    "kcmp": [_setup(pid1="SELF", pid2="SELF")],
    "mbind": [_setup(addr="PAGE", len=4096, mode=2, maxnode=1)],
    "set_mempolicy": [_setup(mode=3, maxnode=64)],
    "get_mempolicy": [_setup(maxnode=64)],
    "migrate_pages": [_setup(maxnode=64)],
    "move_pages": [_setup(count=1)],
    "process_vm_readv": [_setup(pid="SELF", liovcnt=2, riovcnt=2)],
    "process_vm_writev": [_setup(pid="SELF", liovcnt=2, riovcnt=2)],
    "mq_open": [_setup(name="missing", oflag=2)],
    "mq_unlink": [_setup(name="missing")],
    "mq_timedsend": [_setup(mqdes="QUEUE", prepare="queue")],
    "mq_timedreceive": [_setup(mqdes="QUEUE", prepare="queue")],
    "mq_getsetattr": [_setup(mqdes="QUEUE")],
    "mq_notify": [_setup(mqdes="QUEUE", bad_only=True)],
    "mincore": [_setup(addr="PAGE", length=4096)],
    "mkdir": [_setup()],
    "mknod": [_setup(mode=0o100644)],
    "mknodat": [_setup(mode=0o100644)],
    "pidfd_send_signal": [_setup(pidfd="PIDFD")],
    "preadv2": [_setup()],
    "recvfrom": [_setup(sockfd="DGRAM", prepare="send"), _setup(sockfd="PAIR", flags=0x40, label="empty")],
    "recvmmsg": [_setup(sockfd="DGRAM", vlen=1, prepare="send")],
    "recvmsg": [_setup(sockfd="DGRAM", prepare="send")],
    "rt_sigaction": [_setup(signum=12)],
    "rt_sigqueueinfo": [_setup(tgid="SELF")],
    "rt_sigsuspend": [_setup(bad_only=True)],
    "rt_sigtimedwait": [_setup()],
    "rt_tgsigqueueinfo": [_setup(tgid="SELF", tid="SELF")],
    "sched_getaffinity": [_setup(cpusetsize=128)],
    "sched_getattr": [_setup(size=56)],
    "select": [_setup(nfds=8)],
    "pselect6": [_setup(nfds=8)],
    "semctl/SETVAL": [_setup(semid=-1)],
    "semop": [_setup(semid=-1)],
    "semtimedop": [_setup(semid=-1)],
    "sendfile": [_setup(out_fd="SINK", in_fd="FILE", count=10)],
    "sendmmsg": [_setup(sockfd="DGRAM", vlen=1)],
    "sendmsg": [_setup(sockfd="DGRAM")],
    "sendto": [
        _setup(sockfd="DGRAM", dest_addr="NULL", addrlen=0),
        _setup(sockfd="DGRAM", addrlen=16, label="address"),
    ],
    "getitimer": [_setup(which=1)],
    "setitimer": [_setup(which=1)],
    "setrlimit": [_setup(resource=4)],
    "getrlimit": [_setup(resource=4)],
    "prlimit64": [_setup(resource=4)],
    "setsockopt": [_setup(sockfd="PAIR", level=1, optname=2, optlen=4)],
    "setsockopt/SOL_SOCKET": [
        _setup(sockfd="PAIR", optname=2, optlen=4), _setup(sockfd="PAIR", optname=13, optlen=8, label="linger"),
        _setup(sockfd="PAIR", optname=20, optlen=16, label="timeout"),
    ],
    "shmctl/IPC_STAT": [_setup(shmid="SHMID")],
    "shmctl/SHM_STAT": [_setup(shmid="SHMID")],
    "shmctl/SHM_STAT_ANY": [_setup(shmid="SHMID")],
    "shmctl/IPC_SET": [_setup(shmid="SHMID")],
    "socketpair": [_setup(domain=1, type=1)],
    "splice": [
        _setup(fd_out="PIPE_W", off_out="NULL", len=10, flags=2, label="in"),
        _setup(fd_in="PIPE_R", off_in="NULL", fd_out="SINK", len=10, flags=2, prepare="fill", label="out"),
    ],
    "symlink": [_setup()],
    "timer_create": [_setup(clockid=1)],
    "timer_gettime": [_setup(timerid="TIMER")],
    "timer_settime": [_setup(timerid="TIMER")],
    "timerfd_gettime": [_setup(fd="TIMERFD")],
    "timerfd_settime": [_setup(fd="TIMERFD")],
    "rmdir": [_setup(pathname="missing")],
    "unlink": [_setup(pathname="missing")],
    "unlinkat": [_setup(pathname="missing")],
    "vmsplice": [_setup(fd="PIPE_W", flags=2)],
    "wait4": [_setup(pid="NOBODY", options=1)],
    "waitid": [
        _setup(idtype=1, id="ZOMBIE", options=0x1000005), _setup(idtype=1, id="NOBODY", options=5, label="nobody")
    ],
    "write": [_setup(fd="SINK")],
    "pwrite64": [_setup(fd="SINK")],
    "writev": [_setup(fd="SINK")],
    "pwritev": [_setup(fd="SINK")],
    "pwritev2": [_setup(fd="SINK")],
    "futex": [],
}  # fmt: skip
for _kind, _word in (("shm", "shmid"), ("sem", "semid"), ("msg", "msqid")):
    for _command in ("STAT", "STAT_ANY"):  # By an index: what the host has there is its own affair.
        SETUPS[f"{_kind}ctl/{_kind.upper()}_{_command}"] = [Setup({_word: -1})]
for _name in ("getxattr", "lgetxattr", "fgetxattr", "setxattr", "lsetxattr", "fsetxattr"):
    SETUPS[_name] = [_setup(name="nobody", size=16)]

FOLLOWED = {
    "futex": {"uaddr": "u32", "uaddr2": "u32"},
}
"""Addresses that a call looks at without reading through them: these too are given every wrong value."""
DEFAULTS: dict[str, str | int] = {
    "fd": "FILE", "atfd": -100, "pid": 0, "size": 64, "int": 0, "sig": 0, "path": "file", "str": "file", "strs": 0,
}  # fmt: skip
ENDLESS = ("timeout", "tmo_p", "abs_timeout")
"""A null one of these waits for ever."""
_NAMED = {"count": 64, "len": 64, "buflen": 64, "bufsiz": 64, "nfds": 1, "iovcnt": 2, "sigsetsize": 8, "sizemask": 8,
          "vlen": 1, "nr_segs": 2, "plen": 8, "optlen": 4, "nsops": 1, "nr_futexes": 1, "msgsz": 8, "cpusetsize": 8,
          "maxevents": 1, "msg_len": 64, "val": 1, "val3": 1}  # fmt: skip


def _default(argument: Argument) -> str | int:
    if argument.name in _NAMED:
        return _NAMED[argument.name]
    if argument.name == "size" and argument.kind == "size":
        return 64
    return DEFAULTS.get(argument.kind, 0)


def _length(argument: Argument, values: dict[str, str | int]) -> int:
    """How many bytes a pointer leads to."""
    each = max(1, SHAPES[argument.shape].size)
    if not argument.length:
        return each
    if argument.length.startswith("*"):
        return 16
    count = int(argument.length) if argument.length.isdigit() else int(values[argument.length])
    if argument.shape in ("fd_set", "mincore"):
        return 8 if argument.shape == "fd_set" else 1
    return count + (8 if argument.shape == "msgbuf" else 0) if argument.shape in IN_BYTES else each * count


def _fixed(signature: Signature, setup: Setup) -> dict[str, str | int]:
    """The values of all arguments that are no pointers."""
    values: dict[str, str | int] = {}
    chosen = not signature.variant
    for argument in signature.arguments:
        if argument.kind == "enum" and not chosen:
            values[argument.name], chosen = SETS[argument.shape][signature.variant], True
        else:
            values[argument.name] = setup.arguments.get(argument.name, _default(argument))
    if signature.name == "openat2":
        values["size"] = 24
    return values


def _cell(signature: Signature, argument: Argument, values: dict[str, str | int]) -> str:
    """One argument as the C program wants it: {kind, value, size, shape, direction}."""
    value = values[argument.name]
    followed = FOLLOWED.get(signature.name, {}).get(argument.name)
    if followed and not argument.is_pointer and argument.kind == "addr":
        return "{POINTER, 0, 4, SHAPE_u32, 1, 0}"
    if argument.is_pointer:
        if value == "NULL":
            return "{VALUE, 0, 0, 0, 0, 0}"
        null = int(argument.name in ENDLESS)
        if argument.kind in ("path", "str"):
            return f'{{POINTER, (long)"{value}", {len(str(value)) + 1}, SHAPE_text, 1, {null}}}'
        if argument.kind == "strs":
            return "{POINTER, 0, 16, SHAPE_strs, 1, 0}"
        direction = int(argument.read) | 2 * int(argument.written)
        return f"{{POINTER, 0, {_length(argument, values)}, SHAPE_{argument.shape}, {direction}, {null}}}"
    if isinstance(value, str):
        return f"{{FIXTURE, FIX_{value}, 0, 0, 0, 0}}"
    return f"{{VALUE, {value}, 0, 0, 0, 0}}"


def _rows(signature: Signature) -> list[str]:
    key = signature.name + ("/" + signature.variant if signature.variant else "")
    rows = []
    for setup in SETUPS.get(key, [_setup()]):
        values = _fixed(signature, setup)
        cells = [_cell(signature, argument, values) for argument in signature.arguments[:6]]
        if not any("POINTER" in cell for cell in cells):
            continue
        label = key + (f" ({setup.label})" if setup.label else "")
        counts = signature.result in ("long",) and any(each.shape == "char" for each in signature.arguments)
        rows.append(
            f'{{"{label}", {NUMBERS[signature.name]}, {len(cells)}, {PREPARATIONS.get(setup.prepare, 0)}, '
            f"{int(setup.bad_only)}, {int(counts)}, {{{', '.join(cells)}}}}},"
        )
    return rows


def table(names: list[str]) -> str:
    """The C text of the table for these calls, in this order."""
    shapes = sorted({"text", "strs", *SHAPES})
    lines = [f"enum {{ {', '.join('SHAPE_' + name for name in shapes)} }};"]
    lines.append(f"enum {{ {', '.join('FIX_' + name for name in FIXTURES)}, FIXTURES }};")
    lines.append("static const struct row rows[] = {")
    for name in names:
        for signature in [SIGNATURES[name], *VARIANTS.get(name, {}).values()]:
            key = signature.name + ("/" + signature.variant if signature.variant else "")
            if name not in NOT_COMPARED and key not in NOT_COMPARED:
                lines += _rows(signature)
    return "\n".join([*lines, "};", ""])
