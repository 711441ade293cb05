"""What pipes, sockets, eventfds and the like have in common: no name, attributes of their own, and how they block.

yield from wait_until(task, lambda: pipe.buffers or not pipe.writers, pipe)      # Interrupted when a signal came
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import msgspec

from lego.linux.errno import E, LinuxError
from lego.linux.signal import Sig, SigInfo
from lego.linux.stat import S_IFMT, FsStat, Stat
from pcomponent import signals
from pcomponent.changes import Change
from pcomponent.credentials import CHOWN, FOWNER
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
        info = SigInfo.user(Sig.PIPE, task.process.pid, task.credentials.uid)
        signals.send_to_thread(task, Sig.PIPE, info)
    return LinuxError(E.EPIPE)


class AnonymousInode:
    """The attributes of what is in no directory. All ends of a pipe have the same."""

    def __init__(self, task: Thread, mode: int, filesystem: int) -> None:
        uid, gid = task.credentials.euid, task.credentials.egid
        self.stat = Stat(
            mode=mode, ino=task.kernel.rendezvous.new_inode(), dev=_DEVICES[filesystem], uid=uid, gid=gid, blksize=4096,
            **dict.fromkeys(("atime_ns", "mtime_ns", "ctime_ns"), task.kernel.realtime_ns(task)),
        )  # fmt: skip

    def change(
        self,
        task: Thread,
        mode: int | None,
        owner: tuple[int, int] | None,
        times: tuple[int | None, int | None] | None,
    ) -> None:
        """setattr_prepare and setattr_copy: EPERM for whom it does not belong to."""
        who, old = task.credentials, self.stat
        owns = who.fsuid == old.uid or who.capable(FOWNER)
        if (mode is not None or times is not None) and not owns:
            raise LinuxError(E.EPERM)
        new: dict[str, int] = {"ctime_ns": task.kernel.realtime_ns(task)}
        if owner is not None:
            uid, gid = (old.uid if owner[0] < 0 else owner[0]), (old.gid if owner[1] < 0 else owner[1])
            may_give = uid == old.uid == who.fsuid and (gid == old.gid or who.member(gid))
            if not may_give and not who.capable(CHOWN):
                raise LinuxError(E.EPERM)
            new |= {"uid": uid, "gid": gid}
        if mode is not None:
            new["mode"] = S_IFMT & old.mode | mode & 0o7777
        for name, value in zip(("atime_ns", "mtime_ns"), times or (None, None), strict=True):
            if value is not None:
                new[name] = value
        self.stat = msgspec.structs.replace(old, **new)


class AnonymousFile(OpenFile):
    """An open file with an inode of its own that is in no directory."""

    def __init__(
        self,
        task: Thread,
        flags: int,
        name: str,
        mode: int,
        filesystem: int = ANON_INODE_FS_MAGIC,
        inode: AnonymousInode | None = None,
    ) -> None:
        """`inode` is that of another open file, whose attributes this one shares."""
        self.inode = inode or AnonymousInode(task, mode, filesystem)
        self.ino = self.inode.stat.ino
        super().__init__(flags, f"anon_inode:[{name}]" if filesystem == ANON_INODE_FS_MAGIC else f"{name}:[{self.ino}]")
        self.filesystem = filesystem

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
        return self.inode.stat

    def change(
        self,
        task: Thread,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        times: tuple[int | None, int | None] | None = None,
    ) -> None:
        """Pipes and sockets have attributes of their own; the others share one inode, which refuses (EOPNOTSUPP)."""
        if self.filesystem == ANON_INODE_FS_MAGIC:
            raise LinuxError(E.EOPNOTSUPP)
        self.inode.change(task, mode, owner, times)

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2), as simple_statfs fills it."""
        return FsStat(
            type=self.filesystem, block_size=4096, blocks=0, blocks_free=0, blocks_available=0, files=0, files_free=0
        )
