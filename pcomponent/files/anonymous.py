"""What pipes, sockets, eventfds and the like have in common: no name, attributes of their own, and how they block.

yield from wait_until(task, lambda: pipe.buffers or not pipe.writers, pipe)      # Interrupted when a signal came
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.signal import Sig, SigInfo
from lego.linux.stat import FsStat, Stat
from pcomponent import signals
from pcomponent.changes import Change
from pcomponent.files.base import OpenFile
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

ANON_INODE_FS_MAGIC, PIPEFS_MAGIC, SOCKFS_MAGIC = 0x09041934, 0x50495045, 0x534F434B
_DEVICES = {ANON_INODE_FS_MAGIC: 0xF, PIPEFS_MAGIC: 0xE, SOCKFS_MAGIC: 0x9}
"""st_dev of the file systems that have no place in the tree: device 0, any minor number."""

__all__ = ["AnonymousFile", "Change", "broken_pipe", "wait_until"]


def wait_until(
    task: Thread,
    ready: Callable[[], object],
    change: Change,
    until_ns: int | None = None,
    restart: bool = True,
    outside: Callable[[int], bool] | None = None,
    also: tuple[Change, ...] = (),
) -> Generator[Wait, Wake, bool]:
    """Parks a thread until `ready()`, which can become true only when `change` happens, or one of `also`; False when
    the deadline passed first. Raises `Interrupted`. `outside` asks the host, for at most so many milliseconds, whether
    it is ready."""
    wait = Wait(
        ready=outside or (lambda _wait_ms: bool(ready())),
        until_ns=until_ns,
        outside=outside is not None,
        changes=lambda: [change, *also],
    )
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
