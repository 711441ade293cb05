"""A descriptor of a POSIX message queue: poll, and a line of text for read(2). Source: ipc/mqueue.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.stat import S_IFREG, FsStat, Stat
from pcomponent.changes import Change
from pcomponent.files.base import POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, Blocking, OpenFile

if TYPE_CHECKING:
    from pcomponent.ipc.posix_queues import PosixQueues, Queue
    from pcomponent.process import Thread

MQUEUE_MAGIC = 0x19800202
_DEVICE = 0x13
"""st_dev of a file system that has no place in the tree: device 0, any minor number."""
_TEXT_BYTES = 80
"""FILENT_SIZE, which fstat(2) gives as the size."""


class MessageQueueFile(OpenFile):
    """An open queue."""

    named = False

    def __init__(self, flags: int, name: str, queue: Queue, queues: PosixQueues) -> None:
        super().__init__(flags, f"/{name}")
        self.queue = queue
        self._queues = queues
        queue.files += 1

    def epolls(self, task: Thread) -> bool:
        """It can be watched."""
        return True

    def poll(self, task: Thread, events: int, wait_ms: int = 0) -> int:
        """mqueue_poll_file()."""
        found = POLLIN | POLLRDNORM if self.queue.messages else 0
        return found | (0 if self.queue.full else POLLOUT | POLLWRNORM)

    def serial(self, events: int) -> int:
        """The last message that came, or went for those who wait for room."""
        queue = self.queue
        return max(queue.sent.serial if events & POLLIN else 0, queue.taken.serial if events & POLLOUT else 0)

    def changes(self, task: Thread) -> list[Change]:
        """Messages that come and go."""
        return [self.queue.sent, self.queue.taken]

    def _text(self) -> bytes:
        wanted = self.queue.notification
        kind, number, owner = (0, 0, 0) if wanted is None else (wanted.kind, wanted.number, wanted.owner.pid)
        return (
            f"QSIZE:{self.queue.text_bytes:<10d} NOTIFY:{kind:<5d} SIGNO:{number:<5d} NOTIFY_PID:{owner:<6d}\n".encode()
        )

    def read(self, task: Thread, length: int) -> Blocking:
        """mqueue_read_file()."""
        data = self._text()[self.offset : self.offset + length]
        self.offset += len(data)
        return data
        yield

    def pread(self, task: Thread, length: int, offset: int) -> Blocking:
        """The same at an offset."""
        return self._text()[offset : offset + length]
        yield

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """default_llseek(), of a file of 80 bytes."""
        if whence not in (0, 1, 2):
            raise LinuxError(E.EINVAL)
        target = offset + (0, self.offset, _TEXT_BYTES)[whence]
        if target < 0:
            raise LinuxError(E.EINVAL)
        self.offset = target
        return target

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        queue = self.queue
        return Stat(
            mode=S_IFREG | queue.mode, ino=queue.ino, dev=_DEVICE, uid=queue.uid, gid=queue.gid, size=_TEXT_BYTES,
            nlink=int(queue.named), blksize=4096, atime_ns=queue.accessed_ns, mtime_ns=queue.changed_ns,
            ctime_ns=queue.changed_ns,
        )  # fmt: skip

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2), as simple_statfs fills it."""
        return FsStat(
            type=MQUEUE_MAGIC, block_size=4096, blocks=0, blocks_free=0, blocks_available=0, files=0, files_free=0
        )

    def drop(self, task: Thread) -> None:
        """A process that closes any descriptor of a queue gets no notification of it (mqueue_flush_file)."""
        self.queue.forget_notification(task)
        super().drop(task)

    def close(self, task: Thread) -> None:
        """The last descriptor."""
        self.queue.files -= 1
        self._queues.closed(self.queue)
