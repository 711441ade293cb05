"""prctl(2): one function for each option. Source: kernel/sys.c, security/commoncap.c, include/uapi/linux/prctl.h."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.signal import NSIG
from pcomponent import credentials
from pcomponent.syscalls.table import syscall
from pcomponent.tasks import COMM_BYTES, name_of, set_name

if TYPE_CHECKING:
    from pcomponent.process import Thread

_INT = struct.Struct("<i")
_POINTER = struct.Struct("<Q")
_Option = Callable[["Thread", int, int, int, int], int]
_OPTIONS: dict[int, _Option] = {}


def _option(number: int) -> Callable[[_Option], _Option]:
    def register(handler: _Option) -> _Option:
        _OPTIONS[number] = handler
        return handler

    return register


def _no_more(*arguments: int) -> None:
    if any(arguments):
        raise LinuxError(E.EINVAL)


@syscall(
    157, "prctl", "int", "ulong", "ulong", "ulong", "ulong",
    support="partial", note="no seccomp, secure bits, speculation, PR_SET_MM, call dispatch, IO flushers (EINVAL)",
)  # fmt: skip
def prctl(task: Thread, option: int, a: int, b: int, c: int, d: int) -> int:
    """EINVAL for an option that Lego does not have."""
    handler = _OPTIONS.get(option)
    if handler is None:
        raise LinuxError(E.EINVAL)
    return handler(task, a, b, c, d)


@_option(15)
def _set_name(task: Thread, a: int, b: int, c: int, d: int) -> int:
    try:
        raw = task.memory.read(a, COMM_BYTES - 1)
    except LinuxError:
        raw = task.memory.read_string(a, COMM_BYTES)
    set_name(task, bytes(raw))
    return 0


@_option(16)
def _get_name(task: Thread, a: int, b: int, c: int, d: int) -> int:
    task.memory.write(a, name_of(task).encode(errors="surrogateescape").ljust(COMM_BYTES, b"\0"))
    return 0


@_option(1)
def _set_death_signal(task: Thread, a: int, b: int, c: int, d: int) -> int:
    if a > NSIG:
        raise LinuxError(E.EINVAL)
    task.attributes.death_signal = a
    return 0


@_option(2)
def _get_death_signal(task: Thread, a: int, b: int, c: int, d: int) -> int:
    task.memory.write_struct(_INT, a, task.attributes.death_signal)
    return 0


@_option(3)
def _get_dumpable(task: Thread, a: int, b: int, c: int, d: int) -> int:
    return task.process.attributes.dumpable


@_option(4)
def _set_dumpable(task: Thread, a: int, b: int, c: int, d: int) -> int:
    if a > 1:
        raise LinuxError(E.EINVAL)
    task.process.attributes.dumpable = a
    return 0


@_option(7)
def _get_keep_capabilities(task: Thread, a: int, b: int, c: int, d: int) -> int:
    return int(bool(task.credentials.securebits & credentials.SECBIT_KEEP_CAPS))


@_option(8)
def _set_keep_capabilities(task: Thread, a: int, b: int, c: int, d: int) -> int:
    if a > 1:
        raise LinuxError(E.EINVAL)
    who = task.credentials
    who.securebits &= ~credentials.SECBIT_KEEP_CAPS
    who.securebits |= credentials.SECBIT_KEEP_CAPS if a else 0
    return 0


@_option(13)
def _get_timing(task: Thread, a: int, b: int, c: int, d: int) -> int:
    return 0  # PR_TIMING_STATISTICAL.


@_option(14)
def _set_timing(task: Thread, a: int, b: int, c: int, d: int) -> int:
    _no_more(a)
    return 0


@_option(21)
def _get_seccomp(task: Thread, a: int, b: int, c: int, d: int) -> int:
    return 0  # SECCOMP_MODE_DISABLED.


@_option(23)
def _read_bounding(task: Thread, a: int, b: int, c: int, d: int) -> int:
    if a > credentials.LAST_CAP:
        raise LinuxError(E.EINVAL)
    return task.credentials.bounding >> a & 1


@_option(24)
def _drop_bounding(task: Thread, a: int, b: int, c: int, d: int) -> int:
    who = task.credentials
    if not who.capable(credentials.SETPCAP):
        raise LinuxError(E.EPERM)
    if a > credentials.LAST_CAP:
        raise LinuxError(E.EINVAL)
    who.bounding &= ~(1 << a)
    return 0


@_option(25)
def _get_tsc(task: Thread, a: int, b: int, c: int, d: int) -> int:
    task.memory.write_struct(_INT, a, task.attributes.get_tsc)
    return 0


@_option(27)
def _get_securebits(task: Thread, a: int, b: int, c: int, d: int) -> int:
    return task.credentials.securebits


@_option(29)
def _set_timer_slack(task: Thread, a: int, b: int, c: int, d: int) -> int:
    task.attributes.timer_slack_ns = a if 0 < a < 1 << 63 else 50_000
    return 0


@_option(30)
def _get_timer_slack(task: Thread, a: int, b: int, c: int, d: int) -> int:
    return task.attributes.timer_slack_ns


@_option(36)
def _set_subreaper(task: Thread, a: int, b: int, c: int, d: int) -> int:
    task.process.attributes.child_subreaper = bool(a)
    return 0


@_option(37)
def _get_subreaper(task: Thread, a: int, b: int, c: int, d: int) -> int:
    task.memory.write_struct(_INT, a, int(task.process.attributes.child_subreaper))
    return 0


@_option(38)
def _set_no_new_privileges(task: Thread, a: int, b: int, c: int, d: int) -> int:
    _no_more(a != 1, b, c, d)
    task.credentials.no_new_privileges = True
    return 0


@_option(39)
def _get_no_new_privileges(task: Thread, a: int, b: int, c: int, d: int) -> int:
    _no_more(a, b, c, d)
    return int(task.credentials.no_new_privileges)


@_option(40)
def _get_tid_address(task: Thread, a: int, b: int, c: int, d: int) -> int:
    task.memory.write_struct(_POINTER, a, task.clear_child_tid)
    return 0


@_option(41)
def _set_thp_disable(task: Thread, a: int, b: int, c: int, d: int) -> int:
    _no_more(b, c, d)
    task.process.attributes.thp_disabled = bool(a)
    return 0


@_option(42)
def _get_thp_disable(task: Thread, a: int, b: int, c: int, d: int) -> int:
    _no_more(a, b, c, d)
    return int(task.process.attributes.thp_disabled)


_AMBIENT_IS_SET, _AMBIENT_RAISE, _AMBIENT_LOWER, _AMBIENT_CLEAR_ALL = 1, 2, 3, 4


@_option(47)
def _ambient(task: Thread, a: int, b: int, c: int, d: int) -> int:
    who = task.credentials
    if a == _AMBIENT_CLEAR_ALL:
        _no_more(b, c, d)
        who.ambient = 0
        return 0
    if c or d or b > credentials.LAST_CAP or a not in (_AMBIENT_IS_SET, _AMBIENT_RAISE, _AMBIENT_LOWER):
        raise LinuxError(E.EINVAL)
    if a == _AMBIENT_IS_SET:
        return who.ambient >> b & 1
    if a == _AMBIENT_RAISE and not who.permitted & who.inheritable & 1 << b:
        raise LinuxError(E.EPERM)
    who.ambient = who.ambient | 1 << b if a == _AMBIENT_RAISE else who.ambient & ~(1 << b)
    return 0
