"""What is known of a file, and the structures in which Linux tells it.

Sources: arch/x86/include/uapi/asm/stat.h (struct stat), include/uapi/linux/stat.h (struct statx).
"""

from __future__ import annotations

import os
import struct

import msgspec

S_IFMT, S_IFSOCK, S_IFLNK, S_IFREG = 0o170000, 0o140000, 0o120000, 0o100000
S_IFBLK, S_IFDIR, S_IFCHR, S_IFIFO = 0o060000, 0o040000, 0o020000, 0o010000

STATX_BASIC_STATS = 0x7FF
STATX_BTIME = 0x800
STATX_MNT_ID = 0x1000

_STAT = struct.Struct("<QQQIIIIQqqqqqqqqq24x")
_STATX = struct.Struct("<IIQIIIH2xQQQQqI4xqI4xqI4xqI4xIIIIQ104x")


class Stat(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """The attributes of a file. Times are nanoseconds since the epoch, sizes bytes, `blocks` of 512 bytes."""

    mode: int
    ino: int = 0
    dev: int = 0
    nlink: int = 1
    uid: int = 0
    gid: int = 0
    rdev: int = 0
    size: int = 0
    blksize: int = 4096
    blocks: int = 0
    atime_ns: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    btime_ns: int | None = None
    """When it was made; None when nobody asked, or the file system does not know."""

    @property
    def kind(self) -> int:
        """The S_IF* bits."""
        return self.mode & S_IFMT

    @classmethod
    def of(cls, result: os.stat_result) -> Stat:
        """From the host's own stat."""
        return cls(
            mode=result.st_mode,
            ino=result.st_ino,
            dev=result.st_dev,
            nlink=result.st_nlink,
            uid=result.st_uid,
            gid=result.st_gid,
            rdev=result.st_rdev,
            size=result.st_size,
            blksize=result.st_blksize,
            blocks=result.st_blocks,
            atime_ns=result.st_atime_ns,
            mtime_ns=result.st_mtime_ns,
            ctime_ns=result.st_ctime_ns,
        )

    def pack(self) -> bytes:
        """As struct stat, 144 bytes."""
        times = [part for ns in (self.atime_ns, self.mtime_ns, self.ctime_ns) for part in divmod(ns, 10**9)]
        return _STAT.pack(
            self.dev, self.ino, self.nlink, self.mode, self.uid, self.gid, 0, self.rdev,
            self.size, self.blksize, self.blocks, *times,
        )  # fmt: skip

    def pack_statx(self) -> bytes:
        """As struct statx, 256 bytes, with the basic fields, and the time of birth when it is known."""
        mask = STATX_BASIC_STATS | (0 if self.btime_ns is None else STATX_BTIME)
        stamps = (self.atime_ns, self.btime_ns or 0, self.ctime_ns, self.mtime_ns)
        times = [part for ns in stamps for part in divmod(ns, 10**9)]
        return _STATX.pack(
            mask, self.blksize, 0, self.nlink, self.uid, self.gid, self.mode,
            self.ino, self.size, self.blocks, 0, *times,
            os.major(self.rdev), os.minor(self.rdev), os.major(self.dev), os.minor(self.dev), 0,
        )  # fmt: skip


class FsStat(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """statfs(2): sizes in blocks of `block_size` bytes."""

    type: int
    block_size: int
    blocks: int
    blocks_free: int
    blocks_available: int
    files: int
    files_free: int
    fsid: int = 0
    name_max: int = 255
    flags: int = 0

    def pack(self) -> bytes:
        """As struct statfs, 120 bytes (include/uapi/asm-generic/statfs.h)."""
        return struct.pack(
            "<qqQQQQQQqqq32x",
            self.type, self.block_size, self.blocks, self.blocks_free, self.blocks_available,
            self.files, self.files_free, self.fsid, self.name_max, self.block_size, self.flags,
        )  # fmt: skip
