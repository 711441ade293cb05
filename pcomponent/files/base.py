"""The open file description (Linux's struct file), which descriptors refer to and `dup` shares.

A kind of file is a subclass that says what it can do; what it does not define fails as Linux would. Methods
take the calling thread, for its memory component, its clock and its signals. Those that may block
are generators, used with `yield from`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Protocol, Self

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_PATH, O_RDONLY, O_RDWR, O_WRONLY
from lego.linux.signal import POLL_IN
from lego.linux.stat import FsStat, Stat
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from lego.regions import ObjectId
    from pcomponent.changes import Change
    from pcomponent.files.locks import Key
    from pcomponent.files.owner import Owner
    from pcomponent.process import Thread

Blocking = Generator[Wait, Wake, Any]

POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
POLLRDNORM, POLLWRNORM = 0x40, 0x100

LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN = 1, 2, 4, 8


class Clocked(tuple[int | None, int | None]):
    """Times of access and of change of which at least one is what the clock shows, `clock_ns`."""

    clock_ns: int

    def __new__(cls, times: tuple[int | None, int | None], clock_ns: int) -> Self:
        """A pair of times that knows the clock's."""
        self = super().__new__(cls, times)
        self.clock_ns = clock_ns
        return self


class Now(Clocked):
    """Both are the current one, which whoever may write may set."""


def clock_of(times: tuple[int | None, int | None] | None) -> dict[str, Any]:
    """What storage components are told of times beside themselves."""
    return {"now": isinstance(times, Now), "clock_ns": times.clock_ns if isinstance(times, Clocked) else None}


class Watch(Protocol):
    """Something that is told when a file is closed."""

    def closed(self) -> None:
        """The last descriptor is going."""


class OpenFile:
    """The base of all kinds. `flags` are O_* as fcntl(F_GETFL) shows them; `references` counts descriptors."""

    object: ObjectId | None = None
    """What `mmap` maps, for files that have pages."""
    anonymous = False
    """Whether `mmap` of it gives anonymous memory (/dev/zero)."""
    handle = 0
    """The storage handle, 0 when it is not a storage component's file."""
    named = True
    """Whether it is, or was, in a directory: `path` leads to it then."""
    directory = False
    """Whether paths can start from it."""
    hurries = False
    """Whether one read or write of it can be asked not to wait (FMODE_NOWAIT)."""
    discards = False
    """Whether a write takes, or refuses, everything without looking at it, wherever the pointer leads."""
    fills = False
    """Whether a read gives all that was asked for unless the file ends, and a write takes all: then large
    transfers are made in pieces."""

    def __init__(self, flags: int, path: str = "") -> None:
        self.flags = flags
        self.path = path
        self.offset = 0
        self.references = 0
        self.locked: Key | None = None
        """The inode that a lock was made of through it (`pcomponent.files.locks`)."""
        self.watches: dict[Watch, None] | None = None
        """Items of epoll sets, which leave them with the last descriptor."""
        self.locks_ranges = False
        """Whether it owned locks of ranges."""
        self.receiver: Owner | None = None
        """Who gets its signals, once somebody asked (`pcomponent.files.owner`)."""

    @property
    def readable(self) -> bool:
        """Linux's FMODE_READ."""
        return not self.flags & O_PATH and self.flags & O_ACCMODE in (O_RDONLY, O_RDWR)

    @property
    def writable(self) -> bool:
        """Linux's FMODE_WRITE."""
        return not self.flags & O_PATH and self.flags & O_ACCMODE in (O_WRONLY, O_RDWR)

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2): returns bytes, at and past the file's own offset."""
        raise LinuxError(E.EINVAL)
        yield

    def unread(self, task: Thread, data: bytes) -> None:
        """Takes back the end of what `read` gave, for which the guest's buffer had no room: the next read gives it."""

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2): returns how many bytes were taken."""
        raise LinuxError(E.EINVAL)
        yield

    def pread(self, task: Thread, length: int, offset: int) -> Blocking:
        """pread64(2): returns bytes."""
        raise LinuxError(E.ESPIPE)
        yield

    def pwrite(self, task: Thread, data: bytes, offset: int) -> Blocking:
        """pwrite64(2): returns how many bytes were taken."""
        raise LinuxError(E.ESPIPE)
        yield

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """lseek(2): returns the new offset."""
        raise LinuxError(E.ESPIPE)

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        raise LinuxError(E.EBADF)

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2)."""
        raise LinuxError(E.ENOSYS)

    def truncate(self, task: Thread, size: int) -> None:
        """ftruncate(2)."""
        raise LinuxError(E.EINVAL)

    def sync(self, task: Thread, data_only: bool) -> None:
        """fsync(2), fdatasync(2)."""
        raise LinuxError(E.EINVAL)

    def allocate(self, task: Thread, mode: int, offset: int, length: int) -> None:
        """fallocate(2), its arguments checked."""
        raise LinuxError(E.ENODEV)

    def change(
        self,
        task: Thread,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        times: tuple[int | None, int | None] | None = None,
    ) -> None:
        """fchmod(2), fchown(2), futimens(3); as `scomponent.messages.SetAttributes` says."""
        raise LinuxError(E.EPERM)

    def ioctl(self, task: Thread, request: int, argument: int) -> int:
        """ioctl(2); `argument` is a guest pointer or a number."""
        raise LinuxError(E.ENOTTY)

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """POLL* bits that hold now; files that are always ready say so."""
        return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

    def serial(self, events: int) -> int | None:
        """The number of the last event that may have changed what `poll` says, for edge-triggered epoll; None for
        files that do not count events."""
        return None

    def changes(self, task: Thread) -> list[Change] | None:
        """What must happen before `poll` can say more for this thread, besides the time that `due_ns` gives; None when
        it can be anything."""
        return None

    def lasting_changes(self, task: Thread) -> list[Change] | None:
        """Those of `changes`, when they are the same for as long as the file is open, whoever asks; None when not."""
        return None

    def due_ns(self, task: Thread) -> int | None:
        """When, on the monotonic virtual clock, readiness will change with nobody doing anything (a timer)."""
        return None

    def epolls(self, task: Thread) -> bool:
        """Whether epoll takes it (file_can_poll)."""
        return False

    def told(self, task: Thread) -> list[Change] | None:
        """The changes that its owner gets a signal for while O_ASYNC is on; None when there are none (fasync)."""
        return None

    def band(self, change: Change) -> int:
        """What a change is told as: POLL_IN, POLL_OUT, POLL_HUP, or 0 for not at all."""
        return POLL_IN

    def adopt(self, task: Thread, owner: Owner) -> None:
        """O_ASYNC is turned on while nobody owns it: a chance to choose somebody (__tty_fasync)."""

    def details(self, task: Thread) -> str:
        """More lines for /proc/PID/fdinfo."""
        return ""

    polls_outside = False
    """Whether readiness can change without any guest thread running."""

    def drop(self, task: Thread) -> None:
        """A descriptor less, or a reference of a message on its way; the last one closes the file."""
        self.references -= 1
        if self.references == 0:
            for watch in list(self.watches or ()):
                watch.closed()
            if self.locked is not None:
                task.kernel.file_locks.dropped(task, self)
            if self.receiver is not None:
                self.receiver.watch([])
            self.close(task)

    def close(self, task: Thread) -> None:
        """The last descriptor is gone."""
