"""What pipes, sockets, eventfds and the like have in common: no name, attributes of their own, and how they block.

    yield from wait_until(task, lambda: pipe.buffers or not pipe.writers, pipe)      # Interrupted when a signal came

A file that changes notes when, on the virtual clock, and who waited for the change goes on no earlier than that.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.signal import Sig, SigInfo
from lego.linux.stat import FsStat, Stat
from pcomponent import signals
from pcomponent.files.base import OpenFile
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

ANON_INODE_FS_MAGIC, PIPEFS_MAGIC, SOCKFS_MAGIC = 0x09041934, 0x50495045, 0x534F434B
_DEVICES = {ANON_INODE_FS_MAGIC: 0xF, PIPEFS_MAGIC: 0xE, SOCKFS_MAGIC: 0x9}
"""st_dev of the file systems that have no place in the tree: device 0, any minor number."""

_events = itertools.count(1)


class Change:
    """When something happened to an object that files show: for waking on time, and for edge-triggered epoll."""

    def __init__(self) -> None:
        self.at_ns = 0
        self.serial = 0
        """Larger for later events, whatever object they belong to."""

    def happened(self, task: Thread) -> None:
        """Something happened now, by this thread's doing."""
        self.happened_at(task.meter.now_ns)

    def happened_at(self, now_ns: int) -> None:
        """Something happened at a time of the monotonic clock."""
        self.at_ns = max(self.at_ns, now_ns)
        self.serial = next(_events)


def wait_until(
    task: Thread,
    ready: Callable[[], object],
    change: Change,
    until_ns: int | None = None,
    restart: bool = True,
    outside: Callable[[int], bool] | None = None,
) -> Generator[Wait, Wake, bool]:
    """Parks a thread until `ready()`; False when the deadline passed first. Raises `Interrupted`. `outside` asks the
    host, for at most so many milliseconds, whether it is ready."""
    wait = Wait(outside or (lambda _wait_ms: bool(ready())), until_ns, outside is not None)
    while not ready():
        wake = yield wait
        if ready():
            break
        if wake is Wake.SIGNAL:
            raise Interrupted(restart)
        if until_ns is not None and task.kernel.monotonic_ns(task) >= until_ns:
            return False
    task.meter.now_ns = max(task.meter.now_ns, change.at_ns)
    return True


def broken_pipe(task: Thread, silent: bool = False) -> LinuxError:
    """EPIPE, to be raised; the thread gets SIGPIPE unless `silent`."""
    if not silent:
        info = SigInfo.user(Sig.PIPE, task.process.pid, task.process.identity[0])
        signals.send_to_thread(task, Sig.PIPE, info)
    return LinuxError(E.EPIPE)


class AnonymousFile(OpenFile):
    """An open file with an inode of its own that is in no directory."""

    def __init__(
        self, task: Thread, flags: int, name: str, mode: int, filesystem: int = ANON_INODE_FS_MAGIC, ino: int = 0
    ) -> None:
        self.ino = ino or task.kernel.rendezvous.new_inode()
        super().__init__(flags, f"anon_inode:[{name}]" if filesystem == ANON_INODE_FS_MAGIC else f"{name}:[{self.ino}]")
        self.filesystem = filesystem
        _, uid, _, gid = task.process.identity
        self._stat = Stat(
            mode=mode, ino=self.ino, dev=_DEVICES[filesystem], uid=uid, gid=gid, blksize=4096,
            **dict.fromkeys(("atime_ns", "mtime_ns", "ctime_ns"), task.kernel.realtime_ns(task)),
        )  # fmt: skip

    def epolls(self, task: Thread) -> bool:
        """All of these can be watched."""
        return True

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """ESPIPE for pipes and sockets; the others have no position, and accept every one (noop_llseek)."""
        if self.filesystem != ANON_INODE_FS_MAGIC:
            raise LinuxError(E.ESPIPE)
        return 0

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        return self._stat

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2), as simple_statfs fills it."""
        return FsStat(
            type=self.filesystem, block_size=4096, blocks=0, blocks_free=0, blocks_available=0, files=0, files_free=0
        )
