"""Serving one request with the rights of whoever asks for it.

    with acting_for(request.caller): ...     # this thread alone, and it is always put back
    with aside(): ...                        # within: for what this component does on its own account

The host's kernel decides by file-system user, file-system group, supplementary groups and capabilities
(credentials(7)). Each thread has its own, and the calls change one thread's: all but the C library's setgroups,
which is therefore called by its number. Only a component that runs as root can act for others; any other serves
all requests with the rights that it has.
"""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from lego.linux.caller import FILE_CAPABILITIES, Caller

_SETGROUPS = {"x86_64": 116, "aarch64": 159}.get(platform.machine())
_FACCESSAT2 = 439  # The same on all architectures (Linux 5.8).
_AT_EACCESS, _AT_EMPTY_PATH = 0x200, 0x1000
_VERSION_3 = 0x20080522  # include/uapi/linux/capability.h
_MAY_CHANGE = 1 << 6 | 1 << 7  # CAP_SETGID, CAP_SETUID
_NOBODY = 0xFFFFFFFF
"""setfsuid(2): an id that is never valid changes nothing, and the current one is returned."""

_libc = ctypes.CDLL(None, use_errno=True)
_here = threading.local()


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    """Two of them: the lower and the upper half of each set."""

    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


@dataclass(frozen=True)
class _Rights:
    """What a thread has."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    effective: int
    permitted: int
    inheritable: int


@cache
def _own() -> _Rights:
    """This component's rights, with which its threads begin."""
    sets = (_Sets * 2)()
    _check(_libc.capget(ctypes.byref(_Header(_VERSION_3, 0)), sets))
    low, high = sets
    return _Rights(
        _libc.setfsuid(_NOBODY) & _NOBODY, _libc.setfsgid(_NOBODY) & _NOBODY, tuple(os.getgroups()),
        low.effective | high.effective << 32, low.permitted | high.permitted << 32,
        low.inheritable | high.inheritable << 32,
    )  # fmt: skip


def can_act() -> bool:
    """Whether this component may act for others."""
    return _own().uid == 0 and _own().effective & _MAY_CHANGE == _MAY_CHANGE and _SETGROUPS is not None


@contextmanager
def acting_for(caller: Caller) -> Iterator[None]:
    """What is done within is done with the rights of `caller`. `OSError` when the host does not let that be."""
    if not can_act():
        yield
        return
    _here.caller = caller
    try:
        _assume(caller)
        yield
    finally:
        _here.caller = None
        _put_back()


@contextmanager
def aside() -> Iterator[None]:
    """What is done within is done with this component's own rights."""
    caller = acting()
    if caller is None:
        yield
        return
    _put_back()
    _here.caller = None
    try:
        yield
    finally:
        _here.caller = caller
        _assume(caller)


def acting() -> Caller | None:
    """For whom this thread is acting."""
    caller: Caller | None = getattr(_here, "caller", None)
    return caller


def may(fd: int, mode: int) -> bool:
    """Whether the file that `fd` holds may be accessed: R_OK | W_OK | X_OK, or 0. access(2) asks for the real user,
    this for the one whom the thread acts for."""
    if _libc.syscall(_FACCESSAT2, fd, b"", mode, _AT_EACCESS | _AT_EMPTY_PATH) == 0:
        return True
    number = ctypes.get_errno()
    if acting() is None and number not in (13, 30):  # An old kernel: EACCES and EROFS would be answers.
        return os.access(f"/proc/self/fd/{fd}", mode)
    return False


def _assume(caller: Caller) -> None:
    own = _own()
    held = own.effective & ~FILE_CAPABILITIES | own.permitted & FILE_CAPABILITIES & caller.capabilities
    _set(_Rights(caller.uid, caller.gid, tuple(caller.groups), held, own.permitted, own.inheritable))


def _put_back() -> None:
    """Nobody else's request may be served by a thread that has the wrong rights, so this failing is the end of it."""
    try:
        _set(_own())
    except OSError as error:
        raise RuntimeError("a storage component's thread cannot get its own rights back") from error


def _set(rights: _Rights) -> None:
    """Capabilities come last: setfsuid changes them as well."""
    _set_groups(rights.groups)
    for change, wanted in ((_libc.setfsgid, rights.gid), (_libc.setfsuid, rights.uid)):
        change(ctypes.c_uint32(wanted))
        if change(ctypes.c_uint32(_NOBODY)) & _NOBODY != wanted:
            raise OSError(1, os.strerror(1))
    values = rights.effective, rights.permitted, rights.inheritable
    sets = (_Sets * 2)(_Sets(*map(_low, values)), _Sets(*map(_high, values)))
    _check(_libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), sets))


def _set_groups(groups: Sequence[int]) -> None:
    _check(_libc.syscall(_SETGROUPS, len(groups), (ctypes.c_uint32 * len(groups))(*groups)))


def _low(value: int) -> int:
    return value & 0xFFFFFFFF


def _high(value: int) -> int:
    return value >> 32


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
