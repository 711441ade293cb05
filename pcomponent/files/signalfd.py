"""signalfd(2): pending signals, read as structures from a descriptor. Source: fs/signalfd.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_NONBLOCK
from lego.linux.signal import SI_KERNEL, SI_TIMER, SI_USER, Sig, SigInfo
from pcomponent import signals
from pcomponent.changes import Change
from pcomponent.files.anonymous import AnonymousFile, wait_until
from pcomponent.files.base import POLLIN, Blocking

if TYPE_CHECKING:
    from pcomponent.process import Thread

RECORD_BYTES = 128
"""struct signalfd_siginfo (include/uapi/linux/signalfd.h), whose fields are at: pid 12, uid 16, status 40, int 44,
ptr 48, utime 56, stime 64, addr 72; tid 24 and overrun 32 for timers."""
_HEAD = struct.Struct("<Iii")


class SignalFile(AnonymousFile):
    """The signals of `mask` that are pending for whoever reads."""

    def __init__(self, task: Thread, flags: int, mask: int) -> None:
        super().__init__(task, flags, "signalfd", 0o600)
        self.mask = mask

    def details(self, task: Thread) -> str:
        """The mask."""
        return f"sigmask:\t{self.mask:016x}\n"

    def read(self, task: Thread, length: int) -> Blocking:
        """As many records as fit and are pending; waits for the first. EINVAL for less than one; EAGAIN."""
        if length < RECORD_BYTES:
            raise LinuxError(E.EINVAL)
        while not signals.pending_mask(task) & self.mask:
            if self.flags & O_NONBLOCK:
                raise LinuxError(E.EAGAIN)
            yield from wait_until(task, lambda: signals.pending_mask(task) & self.mask, task.process.signals.arrived)
        records: list[bytes] = []
        while len(records) < length // RECORD_BYTES and (info := signals.take(task, self.mask)) is not None:
            records.append(record(info))
        return b"".join(records)

    def changes(self, task: Thread) -> list[Change]:
        """Signals of whoever waits."""
        return [task.process.signals.arrived]

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now, for the thread that asks."""
        return POLLIN if signals.pending_mask(task) & self.mask else 0


def record(info: SigInfo) -> bytes:
    """A siginfo_t as a struct signalfd_siginfo (signalfd_copyinfo)."""
    out = bytearray(RECORD_BYTES)
    _HEAD.pack_into(out, 0, info.number, info.errno, info.code)
    body = info.body.ljust(32, b"\0")
    if info.number == Sig.CHLD and info.code > 0 and info.code != SI_KERNEL:
        pid, uid, status, user, system = struct.unpack_from("<iIi4xqq", body)
        struct.pack_into("<iI", out, 12, pid, uid)
        struct.pack_into("<i", out, 40, status)
        struct.pack_into("<qq", out, 56, user, system)
    elif info.code == SI_TIMER:
        timer, overrun, value = struct.unpack_from("<iiQ", body)
        struct.pack_into("<I", out, 24, timer & 0xFFFFFFFF)
        struct.pack_into("<I", out, 32, overrun & 0xFFFFFFFF)
        struct.pack_into("<iQ", out, 44, (value & 0xFFFFFFFF ^ 1 << 31) - (1 << 31), value)
    elif info.code <= SI_USER or info.code == SI_KERNEL:
        pid, uid, value = struct.unpack_from("<iIQ", body)
        struct.pack_into("<iI", out, 12, pid, uid)
        if info.code < SI_USER:
            struct.pack_into("<iQ", out, 44, value & 0x7FFFFFFF, value)
    else:
        struct.pack_into("<Q", out, 72, struct.unpack_from("<Q", body)[0])
    return bytes(out)
