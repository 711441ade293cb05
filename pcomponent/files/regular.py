"""Regular files. Their contents are cached by a memory component, which is the only one to change them.

    guest buffer <-> (this file) <-> page cache at `cache_of(object)` <-> storage

Pages of a file may also be mapped, and then have lines in the ExCache: a call that reads or writes the
file first flushes the dirty ones (`flush_object`), and one that writes drops the stale ones afterwards
(`object_changed`). That keeps read(), write() and mmap() coherent, as Linux's one page cache does. Reading
ahead is the memory component's.

The size of a file is the storage component's: writing to a mapped page never changes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.fabric.wire import Request
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_APPEND, O_DSYNC, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET
from lego.linux.mman import MADV_DONTNEED, MAP_SHARED
from lego.linux.signal import Sig, SigInfo
from lego.regions import ObjectId, page_up
from mcomponent.messages import (
    Advise,
    CountReply,
    FileForget,
    FileRead,
    FileSync,
    FileTruncate,
    FileWrite,
    cache_of,
)
from pcomponent import signals
from pcomponent.credentials import FSETID
from pcomponent.files.base import Blocking
from pcomponent.files.storage import StorageFile, ask_storage
from pcomponent.rlimits import INFINITY, Resource
from scomponent.messages import Allocate, SeekHole

if TYPE_CHECKING:
    from pcomponent.process import Thread

CHUNK = 1 << 20
"""Bytes in one message."""
OFFSET_MAX = (1 << 63) - 1
FALLOC_FL_KEEP_SIZE = 1


class RegularFile(StorageFile):
    """A regular file of the storage component, read and written through its cache."""

    fills = True

    def __init__(self, flags: int, path: str, handle: int, thing: ObjectId) -> None:
        super().__init__(flags, path, handle)
        self.object: ObjectId = thing

    # ---- contents ----------------------------------------------------------------------------------

    def read(self, task: Thread, length: int) -> Blocking:
        """read(2)."""
        data = self._fetch(task, length, self.offset)
        self.offset += len(data)
        return data
        yield

    def unread(self, task: Thread, data: bytes) -> None:
        """The offset counts only what arrived."""
        self.offset -= len(data)

    def pread(self, task: Thread, length: int, offset: int) -> Blocking:
        """pread64(2)."""
        return self._fetch(task, length, offset)
        yield

    def write(self, task: Thread, data: bytes) -> Blocking:
        """write(2). EFBIG, with SIGXFSZ, when it starts at or beyond RLIMIT_FSIZE."""
        count, end = self._store(task, data, self.offset)
        if count:
            self.offset = end
        return count
        yield

    def pwrite(self, task: Thread, data: bytes, offset: int) -> Blocking:
        """pwrite64(2). With O_APPEND, Linux appends whatever the offset (pwrite(2), "Bugs")."""
        return self._store(task, data, offset)[0]
        yield

    def _fetch(self, task: Thread, length: int, offset: int) -> bytes:
        pieces = []
        length = min(length, OFFSET_MAX - offset)
        task.kernel.flush_object(self.object)
        while length > 0:
            asked = min(length, CHUNK)
            reply, payload = self._ask_cache(task, FileRead(self.object, self.handle, offset, asked))
            if not reply.count:
                break
            pieces.append(bytes(payload[: reply.count]))  # A copy: the payload may be the cache's own memory.
            offset += reply.count
            length -= reply.count
            if reply.count < asked:
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _store(self, task: Thread, data: bytes, offset: int) -> tuple[int, int]:
        """Returns how many bytes were written and where the last one ended."""
        append = bool(self.flags & O_APPEND)
        view = memoryview(data)[: self._room(task, len(data), offset, append)]
        task.kernel.flush_object(self.object)
        done, strip = 0, not task.credentials.capable(FSETID)
        while done < len(view):
            piece = view[done : done + CHUNK]
            try:
                request = FileWrite(self.object, self.handle, offset, append, strip)
                reply, _ = self._ask_cache(task, request, piece)
            except LinuxError:
                if done:
                    break
                raise
            offset = reply.size if append else offset + reply.count
            task.kernel.object_changed(self.object, offset - reply.count, reply.count)
            done += reply.count
            if reply.count < len(piece):
                break
        if done and self.flags & O_DSYNC:
            self.sync(task, data_only=True)
        return done, offset

    def _room(self, task: Thread, count: int, offset: int, append: bool) -> int:
        """How many of `count` bytes may be written (fs/read_write.c, generic_write_check_limits)."""
        if not count:
            return 0
        limit = task.process.limits.soft(Resource.FSIZE)
        if limit != INFINITY:
            start = self.stat(task).size if append else offset
            if start >= limit:
                _exceeded(task)
                raise LinuxError(E.EFBIG)
            count = min(count, limit - start)
        if offset >= OFFSET_MAX:
            raise LinuxError(E.EFBIG)
        return min(count, OFFSET_MAX - offset)

    def _ask_cache(self, task: Thread, request: Request, payload: bytes | memoryview = b"") -> tuple[CountReply, bytes]:
        cache = cache_of(self.object, task.process.memories)
        reply, answer = task.kernel.endpoint.call(cache, request, payload)
        return reply, answer  # type: ignore[return-value]

    # ---- position, size ------------------------------------------------------------------------------

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """lseek(2), with SEEK_DATA and SEEK_HOLE."""
        if whence in (SEEK_DATA, SEEK_HOLE):
            if offset < 0:
                raise LinuxError(E.ENXIO)
            task.kernel.flush_object(self.object)
            offset = ask_storage(task, SeekHole(self.handle, offset, whence)).offset
        elif whence == SEEK_CUR:
            offset += self.offset
        elif whence == SEEK_END:
            offset += self.stat(task).size
        elif whence != SEEK_SET:
            raise LinuxError(E.EINVAL)
        if not 0 <= offset <= OFFSET_MAX:
            raise LinuxError(E.EINVAL)
        self.offset = offset
        return offset

    def truncate(self, task: Thread, size: int) -> None:
        """ftruncate(2). EINVAL when it is not open for writing; EFBIG, with SIGXFSZ, beyond RLIMIT_FSIZE."""
        if not self.writable:
            raise LinuxError(E.EINVAL)
        self._check_growth(task, size)
        self.cut(task, size)

    def cut(self, task: Thread, size: int) -> None:
        """Sets the size, whatever the limits (O_TRUNC)."""
        strip = not task.credentials.capable(FSETID)
        task.kernel.flush_object(self.object)
        self._ask_cache(task, FileTruncate(self.object, self.handle, size, strip))
        task.kernel.object_changed(self.object, size, None)
        self._unmap_behind(task, page_up(size))

    def _unmap_behind(self, task: Thread, size: int) -> None:
        """Pages behind the new end leave private mappings too, written or not (unmap_mapping_range with even_cows)."""
        for space in list(task.kernel.spaces.values()):
            for region in space.regions_of(self.object):
                start = max(region.start, region.start + size - region.offset)
                if region.flags & MAP_SHARED or start >= region.end:
                    continue
                task.kernel.endpoint.call(space.home, Advise(space.pid, start, region.end - start, MADV_DONTNEED))
                space.forget(start, region.end)

    def allocate(self, task: Thread, mode: int, offset: int, length: int) -> None:
        """fallocate(2). The storage component does it, so what is cached is written before and read again after."""
        if not mode & FALLOC_FL_KEEP_SIZE:
            self._check_growth(task, offset + length)
        task.kernel.flush_object(self.object)
        self._ask_cache(task, FileForget(self.object, self.handle, 0, 0))
        try:
            strip = not task.credentials.capable(FSETID)
            ask_storage(task, Allocate(self.handle, mode, offset, length, strip))
        finally:
            self._ask_cache(task, FileForget(self.object, self.handle, 0, 0))
            task.kernel.object_changed(self.object, 0, None)

    def sync(self, task: Thread, data_only: bool) -> None:
        """fsync(2), fdatasync(2)."""
        task.kernel.flush_object(self.object)
        self._ask_cache(task, FileSync(self.object, self.handle))

    def _check_growth(self, task: Thread, size: int) -> None:
        """fs/attr.c, inode_newsize_ok."""
        limit = task.process.limits.soft(Resource.FSIZE)
        if size > limit and size > self.stat(task).size:
            _exceeded(task)
            raise LinuxError(E.EFBIG)


def _exceeded(task: Thread) -> None:
    """SIGXFSZ: the guest went beyond RLIMIT_FSIZE."""
    info = SigInfo.user(Sig.XFSZ, task.process.pid, task.credentials.uid)
    signals.send_to_thread(task, Sig.XFSZ, info)
