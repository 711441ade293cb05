"""Files of the made-up trees: generated text, and what one gets by opening it or a memory device.

Source: fs/seq_file.c, drivers/char/mem.c, drivers/char/random.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_RDONLY, O_TRUNC, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET
from lego.linux.stat import FsStat, Stat
from pcomponent.files.base import Blocking, OpenFile
from pcomponent.pseudo.node import SYS, FileSystem, Node, statfs

if TYPE_CHECKING:
    from pcomponent.process import Thread


class Text(Node):
    """A regular file whose contents are generated."""

    def __init__(
        self,
        system: FileSystem,
        path: str,
        generate: Callable[[Thread], str | bytes],
        permissions: int = 0o444,
        store: Callable[[Thread, bytes], None] | None = None,
        write_errno: int = E.EIO,
        sequential: bool = True,
    ) -> None:
        """`store` takes what is written; without it a write fails with `write_errno`, and 0 means that the file cannot
        even be opened for writing. `sequential` is a file that does not know its end (fs/seq_file.c)."""
        super().__init__(system, path, permissions)
        self._generate = generate
        self.store = store
        self.write_errno = write_errno
        self.sequential = sequential

    def size(self, task: Thread) -> int:
        """Nobody knows before it is generated; sysfs says a page."""
        return 4096 if self.system is SYS else 0

    def content(self, task: Thread) -> bytes:
        """What it says now."""
        text = self._generate(task)
        return text.encode(errors="surrogateescape") if isinstance(text, str) else text

    def open(self, task: Thread, flags: int) -> OpenFile:
        """EACCES for writing what can never be written, whoever asks."""
        writes = flags & O_ACCMODE != O_RDONLY or flags & O_TRUNC
        if writes and self.store is None and not self.write_errno:
            raise LinuxError(E.EACCES)
        return TextFile(flags, self)


class Measured(Text):
    """A file of proc whose length is known, since its contents never change (pde->size in fs/proc/cmdline.c)."""

    def size(self, task: Thread) -> int:
        """st_size."""
        return len(self.content(task))


class MadeUpFile(OpenFile):
    """What all of them have in common: attributes are the node's."""

    def __init__(self, flags: int, node: Node) -> None:
        super().__init__(flags, node.path)
        self.node = node

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        return self.node.stat(task)

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2)."""
        return statfs(self.node.system)


class TextFile(MadeUpFile):
    """A snapshot of a `Text`, taken anew when it is read from its beginning, as programs that watch a file expect."""

    def __init__(self, flags: int, node: Text) -> None:
        super().__init__(flags, node)
        self._text = node
        self._content: bytes | None = None

    def _part(self, task: Thread, length: int, offset: int) -> bytes:
        if self._content is None or offset == 0:
            self._content = self._text.content(task)
        return self._content[offset : offset + length]

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2)."""
        data = self._part(task, length, self.offset)
        self.offset += len(data)
        return data
        yield

    def unread(self, task: Thread, data: bytes) -> None:
        """Steps back over what the guest had no room for."""
        self.offset -= len(data)

    def pread(self, task: Thread, length: int, offset: int) -> Blocking:
        """pread64(2)."""
        return self._part(task, length, offset)
        yield

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2): each is a whole new value."""
        self._store(task, data)
        self.offset += len(data)
        return len(data)
        yield

    def pwrite(self, task: Thread, data: bytes, offset: int) -> Blocking:
        """pwrite64(2), likewise."""
        self._store(task, data)
        return len(data)
        yield

    def _store(self, task: Thread, data: bytes) -> None:
        if self._text.store is None:
            raise LinuxError(self._text.write_errno)
        self._text.store(task, data)
        self._content = None

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """lseek(2): what is generated on the way has no end to count from."""
        size = self._text.size(task)
        if whence == SEEK_CUR:
            offset += self.offset
        elif whence != SEEK_SET:
            if self._text.sequential and self._text.system is not SYS:
                raise LinuxError(E.EINVAL)
            if whence == SEEK_END:
                offset += size
            elif whence in (SEEK_DATA, SEEK_HOLE):
                if not 0 <= offset < size:
                    raise LinuxError(E.ENXIO)
                offset = offset if whence == SEEK_DATA else size
            else:
                raise LinuxError(E.EINVAL)
        if offset < 0:
            raise LinuxError(E.EINVAL)
        self.offset = offset
        return offset

    def truncate(self, task: Thread, size: int) -> None:
        """ftruncate(2): allowed where writing is, and without effect."""
        if not self.writable:
            raise LinuxError(E.EINVAL)

    def sync(self, task: Thread, data_only: bool) -> None:
        """fsync(2): nothing to do in sysfs, not known in proc."""
        if self._text.system is not SYS:
            raise LinuxError(E.EINVAL)


class Device(MadeUpFile):
    """A character device without a position."""

    fills = True

    def pread(self, task: Thread, length: int, offset: int) -> Blocking:
        """pread64(2): the same wherever one looks."""
        return self.read(task, length)

    def pwrite(self, task: Thread, data: bytes, offset: int) -> Blocking:
        """pwrite64(2), likewise."""
        return self.write(task, data)

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2): everything is taken and forgotten."""
        return len(data)
        yield

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """lseek(2): null_lseek and noop_llseek leave the position at 0."""
        return 0


class NullFile(Device):
    """/dev/null."""

    discards = True

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2): its end."""
        return b""
        yield


class ZeroFile(Device):
    """/dev/zero; mapped, it is anonymous memory."""

    anonymous = discards = True

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2): zeros."""
        return bytes(length)
        yield


class FullFile(Device):
    """/dev/full."""

    discards = True

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2): zeros."""
        return bytes(length)
        yield

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2): it is full."""
        raise LinuxError(E.ENOSPC)
        yield


class RandomFile(Device):
    """/dev/random and /dev/urandom, from the machine's seed; what is written to them changes nothing."""

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2): random bytes."""
        return task.kernel.random.bytes(length)
        yield
