"""Each decoder of --strace on bytes of its own, and whole lines."""

from __future__ import annotations

import struct

import pytest

from lego.linux.errno import E
from lego.linux.numbers import NUMBERS
from lego.linux.signal import SigInfo
from lego.linux.signatures import SIGNATURES, VARIANTS
from lego.linux.stat import Stat
from pcomponent.tracing import sockets
from pcomponent.tracing.calls import Line
from pcomponent.tracing.signals import sigaction, siginfo, wait_status
from pcomponent.tracing.structures import View, path, pointer, strings
from pcomponent.tracing.values import cut, file_mode, futex_operation, hexadecimal, number, octal, quote, signal_set
from pcomponent.waiting import Interrupted

BASE = 0x10000


class Bytes:
    """Memory from BASE on."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)

    def put(self, data: bytes) -> int:
        self.data += bytes(-len(self.data) % 8)
        at = BASE + len(self.data)
        self.data += data
        return at

    def read(self, address: int, length: int) -> bytes | None:
        found = self.read_some(address, length)
        return found if len(found) == length else None

    def read_some(self, address: int, length: int) -> bytes:
        at = address - BASE
        return bytes(self.data[at : at + length]) if 0 <= at <= len(self.data) else b""


def line(memory: Bytes, name: str, *values: int) -> Line:
    registers = tuple(value & (1 << 64) - 1 for value in values) + (0,) * (6 - len(values))
    return Line(memory, NUMBERS[name], registers)


def shown(memory: Bytes, name: str, *values: int, result: int = 0) -> str:
    text = line(memory, name, *values).ended(result)
    call, _, end = text.rpartition(" = ")
    return f"{call.rstrip()} = {end}"


# ---- values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"plain", '"plain"'), (b'a"b\\c', '"a\\"b\\\\c"'), (b"\t\n\v\f\r", '"\\t\\n\\v\\f\\r"'), (b"\x00", '"\\0"'),
     (b"\x001", '"\\0001"'), (b"\x018", '"\\18"'), (b"\xff\x7f", '"\\377\\177"'), (b"", '""')],
)  # fmt: skip
def test_quote(data: bytes, text: str) -> None:
    assert quote(data) == text


def test_long_strings_are_cut() -> None:
    assert cut(b"x" * 32) == '"' + "x" * 32 + '"'
    assert cut(b"x" * 33) == '"' + "x" * 32 + '"...'
    assert cut(b"abc", 3) == '"abc"' and hexadecimal(b"\x01\xff", 2) == '"\\x01\\xff"'


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [("addr", 0, "NULL"), ("addr", 0x7F00, "0x7f00"), ("atfd", (1 << 64) - 100, "AT_FDCWD"), ("fd", 0xFFFFFFFF, "-1"),
     ("mode", 0o644, "0644"), ("mode", 0, "000"), ("id", 0xFFFFFFFF, "-1"), ("sig", 2, "SIGINT"), ("sig", 0, "0"),
     ("sig", 32, "SIGRTMIN"), ("sig", 35, "SIGRT_3"), ("sig", 99, "99"), ("hex", 0, "0"),
     ("dev", 0x103, "makedev(0x1, 0x3)"),
     ("rlim", (1 << 64) - 1, "RLIM_INFINITY"), ("rlim", 8 << 20, "8192*1024"), ("rlim", 1024, "1024"),
     ("rlim64", (1 << 64) - 1, "RLIM64_INFINITY"), ("#whence", 1, "SEEK_CUR"), ("|prot", 3, "PROT_READ|PROT_WRITE"),
     ("#futex", 0x189, "FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME"), ("off", (1 << 64) - 1, "-1")],
)  # fmt: skip
def test_numbers(kind: str, value: int, text: str) -> None:
    assert number(kind, value) == text


def test_modes_and_sets() -> None:
    assert file_mode(0o100644) == "S_IFREG|0644" and file_mode(0o41777) == "S_IFDIR|S_ISVTX|0777"
    assert file_mode(0o755) == "0755" and octal(7) == "007"
    assert signal_set(0) == "[]" and signal_set(1 << 1 | 1 << 31) == "[INT RTMIN]"
    assert signal_set((1 << 64) - 1) == "~[]" and signal_set((1 << 64) - 1 & ~(1 << 8)) == "~[KILL]"
    assert futex_operation(1) == "FUTEX_WAKE"


# ---- signals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("info", "text"),
    [(SigInfo.user(10, 7, 0), "{si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=0}"),
     (SigInfo.user(10, 7, 0, -6), "{si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=7, si_uid=0}"),
     (SigInfo.kernel(14), "{si_signo=SIGALRM, si_code=SI_KERNEL}"),
     (SigInfo.fault(11, 1, 0), "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL}"),
     (SigInfo.fault(8, 1, 0x400), "{si_signo=SIGFPE, si_code=FPE_INTDIV, si_addr=0x400}"),
     (SigInfo.child(7, 0, 1, 3, 0, 0),
      "{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, si_uid=0, si_status=3, si_utime=0, si_stime=0}"),
     (SigInfo.child(7, 0, 2, 9, 1, 2),
      "{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=7, si_uid=0, si_status=SIGKILL, si_utime=1, si_stime=2}"),
     (SigInfo(34, -1, 0, struct.pack("<iIQ", 7, 0, 42)),
      "{si_signo=SIGRT_2, si_code=SI_QUEUE, si_pid=7, si_uid=0, si_int=42, si_ptr=0x2a}"),
     (SigInfo(0, 0), "{}")],
)  # fmt: skip
def test_siginfo(info: SigInfo, text: str) -> None:
    assert siginfo(info) == text


def test_sigaction() -> None:
    assert sigaction(struct.pack("<QQQQ", 0, 0, 0, 0)) == "{sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}"
    raw = struct.pack("<QQQQ", 0x400, 0x14000004, 0x500, 1 << 9)
    assert sigaction(raw) == (
        "{sa_handler=0x400, sa_mask=[USR1], sa_flags=SA_RESTORER|SA_RESTART|SA_SIGINFO, sa_restorer=0x500}"
    )


@pytest.mark.parametrize(
    ("status", "text"),
    [(0, "{WIFEXITED(s) && WEXITSTATUS(s) == 0}"), (9, "{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}"),
     (0x8B, "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}"), (0xFFFF, "{WIFCONTINUED(s)}"),
     (0x137F, "{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}")],
)  # fmt: skip
def test_wait_status(status: int, text: str) -> None:
    assert wait_status(status) == text


# ---- sockets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"\x01\0", "{sa_family=AF_UNIX}"), (b"\x01\0/tmp/x\0", '{sa_family=AF_UNIX, sun_path="/tmp/x"}'),
     (b"\x01\0\0name", '{sa_family=AF_UNIX, sun_path=@"name"}'),
     (b"\x02\0\0\x50\x7f\0\0\x01" + bytes(8),
      '{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}'),
     (b"\x0a\0\0\x50" + bytes(4) + bytes(15) + b"\x01" + bytes(4),
      '{sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), '
      "sin6_scope_id=0}"),
     (b"\0\0abc", '{sa_family=AF_UNSPEC, sa_data="abc"}'), (b"\x01", '"\\1"')],
)  # fmt: skip
def test_sockaddr(raw: bytes, text: str) -> None:
    assert sockets.sockaddr(raw) == text


def test_messages() -> None:
    memory = Bytes()
    text = memory.put(b"hello")
    vectors = memory.put(struct.pack("<QQ", text, 5))
    control = memory.put(struct.pack("<Qiiii", 24, 1, 1, 3, 4))
    header = memory.put(struct.pack("<QI4xQQQQi4x", 0, 0, vectors, 1, control, 24, 0x40))
    assert shown(memory, "sendmsg", 3, header, 0, result=5) == (
        'sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="hello", iov_len=5}], msg_iovlen=1, '
        "msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3, 4]}], "
        "msg_controllen=24, msg_flags=MSG_DONTWAIT}, 0) = 5"
    )
    assert 'iov_base="he"' in shown(memory, "recvmsg", 3, header, 0, result=2), "as much as was received"


@pytest.mark.parametrize(
    ("level", "name", "raw", "text"),
    [(1, 2, struct.pack("<i", 1), "[1]"), (1, 13, struct.pack("<ii", 1, 5), "{l_onoff=1, l_linger=5}"),
     (1, 20, struct.pack("<qq", 1, 2), "{tv_sec=1, tv_usec=2}"),
     (1, 17, struct.pack("<iII", 7, 8, 9), "{pid=7, uid=8, gid=9}"),
     (6, 13, b"cubic", '"cubic"')],
)  # fmt: skip
def test_socket_options(level: int, name: int, raw: bytes, text: str) -> None:
    assert sockets.option(level, name, raw) == text


# ---- lines ----------------------------------------------------------------------------------------------------


def test_paths_and_strings() -> None:
    memory = Bytes(b"/etc/passwd\0")
    assert path(memory, BASE) == '"/etc/passwd"' and path(memory, 0) == "NULL" and path(memory, 8) is None
    words = [memory.put(word + b"\0") for word in (b"sh", b"-c")]
    array = memory.put(struct.pack("<QQQ", *words, 0))
    assert strings(memory, array) == '["sh", "-c"]'
    assert shown(memory, "execve", BASE, array, array) == (
        f'execve("/etc/passwd", ["sh", "-c"], {array:#x} /* 2 vars */) = 0'
    )


def test_opening() -> None:
    memory = Bytes(b"file\0")
    at_cwd = -100
    assert shown(memory, "openat", at_cwd, BASE, 0o2000000, 0o777, result=3) == (
        'openat(AT_FDCWD, "file", O_RDONLY|O_CLOEXEC) = 3'
    )
    assert shown(memory, "openat", at_cwd, BASE, 0o101, 0o644, result=3).endswith("O_WRONLY|O_CREAT, 0644) = 3")
    assert shown(memory, "openat", at_cwd, 8, 0, 0, result=-E.EFAULT) == (
        "openat(AT_FDCWD, 0x8, O_RDONLY) = -1 EFAULT (Bad address)"
    )


def test_what_was_read_is_as_long_as_the_result() -> None:
    memory = Bytes(b"contents and more")
    assert shown(memory, "read", 3, BASE, 100, result=8) == 'read(3, "contents", 100) = 8'
    assert shown(memory, "read", 3, BASE, 100, result=-E.EAGAIN) == (
        f"read(3, {BASE:#x}, 100) = -1 EAGAIN (Resource temporarily unavailable)"
    )
    assert shown(memory, "write", 3, BASE, 8, result=4) == 'write(3, "contents", 8) = 4'


def test_structures_are_decoded_after_the_call() -> None:
    memory = Bytes(bytes(160))
    begun = line(memory, "fstat", 3, BASE)
    memory.data[:144] = Stat(mode=0o100644, size=5).pack()
    assert begun.ended(0).endswith("{st_mode=S_IFREG|0644, st_size=5, ...}) = 0")
    memory.data[:144] = Stat(mode=0o20620, rdev=0x8801).pack()
    assert begun.ended(0).endswith("{st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0x1), ...}) = 0")
    assert f"{BASE:#x}" in begun.ended(-E.EBADF)


def test_what_was_not_to_be_had_is_decoded_later() -> None:
    memory = Bytes()
    begun = line(memory, "chdir", BASE)
    memory.put(b"there\0")
    assert begun.ended(0).startswith('chdir("there")')
    begun.look_again()
    memory.data[:5] = b"other"
    assert begun.ended(0).startswith('chdir("there")')


def test_waiting_for_descriptors() -> None:
    memory = Bytes()
    asked = memory.put(struct.pack("<iHHiHH", 3, 1, 0, 4, 4, 0))
    begun = line(memory, "poll", asked, 2, -1)
    memory.data[:16] = struct.pack("<iHHiHH", 3, 1, 1, 4, 4, 0)
    assert (
        begun.ended(1) == "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, -1) = 1 ([{fd=3, revents=POLLIN}])"
    )
    sets = memory.put(struct.pack("<Q", 0b11000))
    begun = line(memory, "select", 5, sets, 0, 0, 0)
    memory.data[-8:] = struct.pack("<Q", 0b01000)
    assert begun.ended(1) == "select(5, [3 4], NULL, NULL, NULL)      = 1 (in [3])"
    assert begun.ended(0).endswith("= 0 (Timeout)")
    events = memory.put(struct.pack("<IQ", 1, 7))
    assert shown(memory, "epoll_wait", 3, events, 8, -1, result=1) == (
        "epoll_wait(3, [{events=EPOLLIN, data={u32=7, u64=7}}], 8, -1) = 1"
    )


def test_children() -> None:
    memory = Bytes()
    status = memory.put(struct.pack("<i", 0x300))
    assert shown(memory, "wait4", -1, status, 0, 0, result=7) == (
        "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 7"
    )
    assert f"{status:#x}" in shown(memory, "wait4", -1, status, 1, 0, result=0), "nothing was written"
    assert shown(memory, "clone", 0x1200011, 0, 0, 0, 0x700, 0, result=7) == (
        "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=NULL) = 7"
    )
    made = memory.put(struct.pack("<11Q", 0x100100, 0, 0, status, 17, 0x5000, 0x100, 0, 0, 0, 0))
    assert shown(memory, "clone3", made, 88, result=7) == (
        f"clone3({{flags=CLONE_VM|CLONE_PARENT_SETTID, parent_tid={status:#x}, exit_signal=SIGCHLD, stack=0x5000, "
        "stack_size=0x100} => {parent_tid=[768]}, 88) = 7"
    )


def test_variants() -> None:
    memory = Bytes(struct.pack("<HHHH", 24, 80, 0, 0))
    assert shown(memory, "ioctl", 0, 0x5413, BASE) == (
        "ioctl(0, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0"
    )
    assert shown(memory, "fcntl", 3, 1, result=1) == "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)"
    assert shown(memory, "fcntl", 3, 1, result=0) == "fcntl(3, F_GETFD) = 0"
    assert shown(memory, "fcntl", 3, 3, result=2) == "fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)"
    assert shown(memory, "fcntl", 3, 0, 10, result=10) == "fcntl(3, F_DUPFD, 10) = 10"
    assert shown(memory, "futex", BASE, 0x81, 1, result=0) == f"futex({BASE:#x}, FUTEX_WAKE_PRIVATE, 1) = 0"
    assert shown(memory, "prctl", 1, 9) == "prctl(PR_SET_PDEATHSIG, SIGKILL) = 0"
    assert shown(memory, "mremap", BASE, 1, 2, 1, result=BASE).count(",") == 3
    assert shown(memory, "umask", 0o22, result=0o77) == "umask(022) = 077"
    assert shown(memory, "brk", 0, result=BASE) == f"brk(NULL) = {BASE:#x}"


def test_terminals() -> None:
    raw = struct.pack("<4IB19s", 0x500, 5, 0xBF, 0x8A3B, 0, b"") + bytes(8)
    memory = Bytes(raw)
    assert shown(memory, "ioctl", 0, 0x5401, BASE) == "ioctl(0, TCGETS, {B38400 opost isig icanon echo ...}) = 0"


def test_ends_without_a_result() -> None:
    memory = Bytes()
    assert line(memory, "exit_group", 3).unfinished() == "exit_group(3)                           = ?"
    begun = line(memory, "pause")
    assert "? ERESTARTNOHAND" in begun.interrupted(Interrupted(restart=False, restart_unhandled=True))
    assert "? ERESTART_RESTARTBLOCK" in begun.interrupted(Interrupted(restart=False, go_on=lambda: 0))
    assert "? ERESTARTSYS" in begun.interrupted(Interrupted(restart=True))
    assert "-1 EINTR" in begun.interrupted(Interrupted(restart=False))
    assert line(memory, "rt_sigreturn").restored(1, -E.EINTR & (1 << 64) - 1).startswith("rt_sigreturn({mask=[HUP]})")


def test_errors_have_linux_s_names() -> None:
    assert " -1 EOPNOTSUPP (" in line(Bytes(), "close", 3).ended(-E.EOPNOTSUPP)
    assert " -1 EDEADLK (" in line(Bytes(), "close", 3).ended(-E.EDEADLK)
    assert " -1 ERRNO_4000 (" in line(Bytes(), "close", 3).ended(-4000)


def test_numbers_that_linux_does_not_have() -> None:
    assert Line(Bytes(), 5000, (1, 2, 3, 4, 5, 6)).ended(-E.ENOSYS) == (
        "syscall_5000(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)"
    )


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_every_call_can_be_shown(name: str) -> None:
    """With memory and without, before and after, as a success and as an error: always a line."""
    from lego.linux import symbols

    memory = Bytes(bytes(range(256)) * 16)
    for values in ((0,) * 6, (BASE,) * 6, (8,) * 6, ((1 << 64) - 1,) * 6, (3, BASE, BASE, 8, BASE, 8)):
        for result in (0, 5, -E.EINVAL, 1 << 40):
            begun = line(memory, name, *values)
            assert begun.ended(result).startswith(name + "(")
    for variant, described in VARIANTS.get(name, {}).items():
        place = next(index for index, each in enumerate(described.arguments) if each.kind == "enum")
        registers = [BASE] * 6
        registers[place] = symbols.SETS[described.arguments[place].shape][variant]
        assert variant in line(memory, name, *registers).ended(0)


def test_a_pointer_of_every_shape_is_shown() -> None:
    from lego.linux.shapes import SHAPES

    memory = Bytes(bytes(8192))
    for name in SHAPES:
        view = View(memory, BASE, 2, True, 2, (0,) * 6, True, 2)
        assert pointer(name, view), name
        assert pointer(name, view._replace(at=0)) == "NULL", name


def test_system_v_keys_and_modes_and_other_names() -> None:
    memory = Bytes()
    assert shown(memory, "semget", 0, 2, 0o600, result=7) == "semget(IPC_PRIVATE, 2, 0600) = 7"
    assert shown(memory, "shmget", 0x1234, 4096, 0o1000, result=7) == "shmget(0x1234, 4096, IPC_CREAT|000) = 7"
    assert shown(memory, "msgget", 5, 0o3644) == "msgget(0x5, IPC_CREAT|IPC_EXCL|0644) = 0"
    assert shown(memory, "sched_getscheduler", 0, result=3) == "sched_getscheduler(0) = 3 (SCHED_BATCH)"
    at = memory.put(struct.pack("<qqqq32x", 0o4000, 2, 10, 1))
    text = "{mq_flags=O_NONBLOCK, mq_maxmsg=2, mq_msgsize=10, mq_curmsgs=1}"
    assert shown(memory, "mq_getsetattr", 3, 0, at) == f"mq_getsetattr(3, NULL, {text}) = 0"
    at = memory.put(struct.pack("<IIQiIQQQII", 56, 0, 1, 0, 0, 0, 0, 0, 0, 0))
    assert "sched_flags=SCHED_FLAG_RESET_ON_FORK, sched_nice=0" in shown(memory, "sched_setattr", 0, at, 0)
    queued = struct.pack("<iIQ", 5, 0, 42)
    told = "{si_signo=SIGUSR1, si_code=SI_MESGQ, si_pid=5, si_uid=0, si_int=42, si_ptr=0x2a}"
    assert siginfo(SigInfo(10, -3, 0, queued)) == told
