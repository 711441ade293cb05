"""memfd_create(2): files whose contents are a memory object, with neither a name nor a storage component.

    file = create(task, "name", flags, seals)

The contents are read, written and mapped as those of any regular file (`RegularFile`), at the memory component that
made the object. What the inode knows beside them (mode, owner, times, seals) is kept here, shared by all that have
it open; the memory goes when the last of them closes it and nobody maps it. Source: mm/shmem.c, mm/memfd.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_ACCMODE, O_APPEND, O_RDWR, SEEK_DATA, SEEK_HOLE
from lego.linux.mman import MAP_SHARED, PROT_WRITE
from lego.linux.stat import S_IFREG, FsStat, Stat
from lego.regions import NEVER_WRITABLE, PAGE, ObjectId, page_down
from mcomponent.messages import MemoryAllocate, MemoryCreate, MemoryRelease, MemorySeek, MemoryStat, cache_of
from pcomponent.files.regular import FALLOC_FL_KEEP_SIZE, RegularFile

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.process import Thread

TMPFS_MAGIC = 0x01021994
DEVICE = 1
"""st_dev of the kernel's own tmpfs: 0:1."""
SEAL_SEAL, SEAL_SHRINK, SEAL_GROW, SEAL_WRITE, SEAL_FUTURE_WRITE, SEAL_EXEC = 1, 2, 4, 8, 16, 32
ALL_SEALS = 63
_NO_WRITE = SEAL_WRITE | SEAL_FUTURE_WRITE
FALLOC_FL_PUNCH_HOLE = 2
_SECTORS = PAGE // 512


def new_object(task: Thread, size: int) -> ObjectId:
    """A memory object of a size, held for this processor; the memory components take turns."""
    kernel, memories = task.kernel, task.process.memories
    memory = memories[kernel.objects_made % len(memories)]
    kernel.objects_made += 1
    reply, _ = kernel.endpoint.call(memory, MemoryCreate(size))
    thing: ObjectId = reply.object
    return thing


def release_object(kernel: Kernel, thing: ObjectId) -> None:
    """Gives an object back; what maps it keeps it."""
    kernel.endpoint.call(thing.store, MemoryRelease(thing))


def inode_number(thing: ObjectId) -> int:
    """The inode number of a memory object: no two of a machine have the same."""
    return thing.number | int(thing.store[1:]) << 40


class MemoryInode:
    """What all open files of one memory object share."""

    def __init__(self, task: Thread, thing: ObjectId, mode: int, seals: int) -> None:
        self.object = thing
        self.mode = S_IFREG | mode
        self.seals = seals
        who = task.credentials
        self.owner = who.fsuid, who.fsgid
        self.opens = 0
        self.atime_ns = self.mtime_ns = self.ctime_ns = task.kernel.realtime_ns(task)

    def touch(self, task: Thread) -> None:
        """The contents change."""
        self.mtime_ns = self.ctime_ns = task.kernel.realtime_ns(task)


class MemoryFile(RegularFile):
    """An open file of a memory object."""

    named = False

    def __init__(self, flags: int, path: str, inode: MemoryInode) -> None:
        super().__init__(flags, path, 0, inode.object)
        self.inode = inode
        inode.opens += 1

    def close(self, task: Thread) -> None:
        """The last one gives the memory back."""
        self.inode.opens -= 1
        if not self.inode.opens:
            release_object(task.kernel, self.inode.object)

    def reopened(self, task: Thread, flags: int) -> MemoryFile:
        """open(2) of /proc/PID/fd/N: another open file of the same memory. EACCES."""
        wanted = (4, 2, 6, 6)[flags & O_ACCMODE]
        if not task.credentials.permits(self.inode.mode, *self.inode.owner, wanted):
            raise LinuxError(E.EACCES)
        return MemoryFile(flags, self.path, self.inode)

    # ---- contents ----------------------------------------------------------------------------------

    def _store(self, task: Thread, data: bytes, offset: int) -> tuple[int, int]:
        """Writes what the seals allow: EPERM when that is nothing."""
        if self.inode.seals & _NO_WRITE and data:
            raise LinuxError(E.EPERM)
        if self.inode.seals & SEAL_GROW and data:
            size = self.stat(task).size
            start = size if self.flags & O_APPEND else offset
            if start + len(data) > size:  # A page is written whole or not at all (shmem_write_begin).
                data = data[: max(0, page_down(size) - start)]
                if not data:
                    raise LinuxError(E.EPERM)
        self.inode.touch(task)
        return super()._store(task, data, offset)

    def cut(self, task: Thread, size: int) -> None:
        """Sets the size, if the seals allow that."""
        if self.inode.seals & (SEAL_SHRINK | SEAL_GROW):
            now = self.stat(task).size
            if (size < now and self.inode.seals & SEAL_SHRINK) or (size > now and self.inode.seals & SEAL_GROW):
                raise LinuxError(E.EPERM)
        self.inode.touch(task)
        super().cut(task, size)

    def allocate(self, task: Thread, mode: int, offset: int, length: int) -> None:
        """fallocate(2): with nothing, FALLOC_FL_KEEP_SIZE, or both it and FALLOC_FL_PUNCH_HOLE. EOPNOTSUPP, EPERM,
        ENOSPC."""
        if mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE):
            raise LinuxError(E.EOPNOTSUPP)
        punch, keep = bool(mode & FALLOC_FL_PUNCH_HOLE), bool(mode & FALLOC_FL_KEEP_SIZE)
        seals = self.inode.seals
        if punch and seals & _NO_WRITE:
            raise LinuxError(E.EPERM)
        if not punch:
            self._check_growth(task, offset + length)
            if seals & SEAL_GROW and offset + length > self.stat(task).size:
                raise LinuxError(E.EPERM)
        task.kernel.flush_object(self.object)
        task.kernel.endpoint.call(self._cache(task), MemoryAllocate(self.object, offset, length, punch, keep))
        if punch:
            task.kernel.object_changed(self.object, offset, length)
        self.inode.touch(task)

    def seek(self, task: Thread, offset: int, whence: int) -> int:
        """lseek(2), with SEEK_DATA and SEEK_HOLE."""
        if whence not in (SEEK_DATA, SEEK_HOLE):
            return super().seek(task, offset, whence)
        if offset < 0:
            raise LinuxError(E.ENXIO)
        task.kernel.flush_object(self.object)
        request = MemorySeek(self.object, offset, whence == SEEK_HOLE)
        self.offset = int(task.kernel.endpoint.call(self._cache(task), request)[0].offset)
        return self.offset

    def sync(self, task: Thread, data_only: bool) -> None:
        """fsync(2): there is nowhere to write it to."""

    def _cache(self, task: Thread) -> str:
        return cache_of(self.object, task.process.memories)

    # ---- attributes --------------------------------------------------------------------------------

    def stat(self, task: Thread) -> Stat:
        """fstat(2)."""
        reply, _ = task.kernel.endpoint.call(self._cache(task), MemoryStat(self.object))
        inode = self.inode
        return Stat(
            mode=inode.mode, ino=inode_number(self.object), dev=DEVICE, nlink=0, uid=inode.owner[0], gid=inode.owner[1],
            size=reply.size, blocks=reply.pages * _SECTORS,
            atime_ns=inode.atime_ns, mtime_ns=inode.mtime_ns, ctime_ns=inode.ctime_ns,
        )  # fmt: skip

    def statfs(self, task: Thread) -> FsStat:
        """fstatfs(2): the kernel's own tmpfs has no limit, and says so with zeros."""
        return FsStat(
            type=TMPFS_MAGIC, block_size=PAGE, blocks=0, blocks_free=0, blocks_available=0, files=0, files_free=0
        )

    def change(
        self,
        task: Thread,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        times: tuple[int | None, int | None] | None = None,
    ) -> None:
        """fchmod(2), fchown(2), futimens(3)."""
        inode, who = self.inode, task.credentials
        if who.fsuid != inode.owner[0] and who.fsuid:
            raise LinuxError(E.EPERM)
        if mode is not None:
            if inode.seals & SEAL_EXEC and (mode ^ inode.mode) & 0o111:
                raise LinuxError(E.EPERM)
            inode.mode = S_IFREG | mode & 0o7777
        if owner is not None:
            new = tuple(old if wanted == -1 else wanted for old, wanted in zip(inode.owner, owner, strict=True))
            inode.owner = new[0], new[1]
        if times is not None:
            inode.atime_ns = inode.atime_ns if times[0] is None else times[0]
            inode.mtime_ns = inode.mtime_ns if times[1] is None else times[1]
        inode.ctime_ns = task.kernel.realtime_ns(task)

    # ---- mappings and seals ------------------------------------------------------------------------

    def check_mapping(self, prot: int, shared: bool) -> bool:
        """Whether a mapping may be written, now or later. EACCES, EPERM (shmem_mmap, memfd_check_seals_mmap)."""
        if not shared:
            return True
        if prot & PROT_WRITE and not self.writable:
            raise LinuxError(E.EACCES)
        if self.inode.seals & _NO_WRITE:
            if prot & PROT_WRITE:
                raise LinuxError(E.EPERM)
            return False
        return self.writable

    def add_seals(self, task: Thread, seals: int) -> None:
        """fcntl(F_ADD_SEALS). EPERM, EINVAL; EBUSY while a shared mapping may be written."""
        inode = self.inode
        if inode.seals & SEAL_SEAL:
            raise LinuxError(E.EPERM)
        if seals & SEAL_WRITE and not inode.seals & SEAL_WRITE and self._written_through_maps(task):
            raise LinuxError(E.EBUSY)
        if seals & SEAL_EXEC and inode.mode & 0o111:
            seals |= SEAL_SHRINK | SEAL_GROW | SEAL_WRITE | SEAL_FUTURE_WRITE
        inode.seals |= seals

    def _written_through_maps(self, task: Thread) -> bool:
        regions = (region for space in task.kernel.spaces.values() for region in space.regions_of(self.object))
        return any(region.flags & MAP_SHARED and not region.flags & NEVER_WRITABLE for region in regions)


def seal_call(task: Thread, file: object, wanted: int | None) -> int:
    """fcntl(F_ADD_SEALS) with seals to add, F_GET_SEALS with None. In memfd_fcntl's order: EPERM, EINVAL."""
    if wanted is not None:
        if not getattr(file, "writable", False):
            raise LinuxError(E.EPERM)
        if wanted & ~ALL_SEALS:
            raise LinuxError(E.EINVAL)
    if not isinstance(file, MemoryFile):
        raise LinuxError(E.EINVAL)
    if wanted is None:
        return file.inode.seals
    file.add_seals(task, wanted)
    return 0


def create(task: Thread, name: str, mode: int, seals: int) -> MemoryFile:
    """A new empty file of memory, open for reading and writing."""
    inode = MemoryInode(task, new_object(task, 0), mode, seals)
    return MemoryFile(O_RDWR | 0o100000, f"/memfd:{name} (deleted)", inode)
