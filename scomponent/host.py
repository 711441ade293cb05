"""The host's file calls that Python has no function for, and how a held file is named again.

Each function raises `OSError` with the host's errno, as the functions of `os` do. All of them are found by
name in the C library (glibc 2.28 or newer), so no system call number of one architecture is written here.
"""

from __future__ import annotations

import ctypes
import errno
import os

from lego.linux.stat import STATX_BTIME, FsStat

_AT_EMPTY_PATH = 0x1000
_MAX_HANDLE_SZ = 128  # include/linux/exportfs.h

_libc = ctypes.CDLL(None, use_errno=True)


class _Statfs(ctypes.Structure):
    """struct statfs of 64-bit Linux (include/uapi/asm-generic/statfs.h)."""

    _fields_ = [
        ("type", ctypes.c_long),
        ("block_size", ctypes.c_long),
        ("blocks", ctypes.c_uint64),
        ("blocks_free", ctypes.c_uint64),
        ("blocks_available", ctypes.c_uint64),
        ("files", ctypes.c_uint64),
        ("files_free", ctypes.c_uint64),
        ("fsid", ctypes.c_int * 2),
        ("name_max", ctypes.c_long),
        ("fragment_size", ctypes.c_long),
        ("flags", ctypes.c_long),
        ("spare", ctypes.c_long * 4),
    ]


class _Statx(ctypes.Structure):
    """struct statx (include/uapi/linux/stat.h), as far as the time of birth."""

    _fields_ = [
        ("mask", ctypes.c_uint32),
        ("before", ctypes.c_ubyte * 76),
        ("birth_s", ctypes.c_int64),
        ("birth_ns", ctypes.c_uint32),
        ("after", ctypes.c_ubyte * 164),
    ]


class _FileHandle(ctypes.Structure):
    """struct file_handle with room for the largest one (name_to_handle_at(2))."""

    _fields_ = [("length", ctypes.c_uint), ("type", ctypes.c_int), ("bytes", ctypes.c_ubyte * _MAX_HANDLE_SZ)]


_libc.renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
_libc.fstatfs.argtypes = [ctypes.c_int, ctypes.POINTER(_Statfs)]
_libc.statx.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Statx)]
_libc.name_to_handle_at.argtypes = [
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(_FileHandle),
    ctypes.POINTER(ctypes.c_int),
    ctypes.c_int,
]


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def pinned(fd: int) -> str:
    """A host path that leads to exactly the file that `fd` holds, whatever became of its name.

    proc(5): /proc/PID/fd. It is how a file that was found with O_PATH is opened, and how calls that have no
    AT_EMPTY_PATH in Python reach it: no second walk, so nothing can be swapped in between.
    """
    return f"/proc/self/fd/{fd}"


def path_is_too_long(fd: int) -> bool:
    """Whether an open file has a path that is longer than paths can be."""
    try:
        os.readlink(pinned(fd))
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False


def rename(old_directory: int, old: str, new_directory: int, new: str, flags: int) -> None:
    """renameat2(2)."""
    _check(_libc.renameat2(old_directory, os.fsencode(old), new_directory, os.fsencode(new), flags))


def allocate(fd: int, mode: int, offset: int, length: int) -> None:
    """fallocate(2)."""
    _check(_libc.fallocate(fd, mode, offset, length))


def statfs(fd: int) -> FsStat:
    """fstatfs(2), which alone tells the file system's type (statvfs(3) does not have it)."""
    raw = _Statfs()
    _check(_libc.fstatfs(fd, ctypes.byref(raw)))
    return FsStat(
        type=raw.type & 0xFFFFFFFF,
        block_size=raw.block_size,
        blocks=raw.blocks,
        blocks_free=raw.blocks_free,
        blocks_available=raw.blocks_available,
        files=raw.files,
        files_free=raw.files_free,
        fsid=(raw.fsid[0] & 0xFFFFFFFF) | (raw.fsid[1] & 0xFFFFFFFF) << 32,
        name_max=raw.name_max,
        flags=raw.flags,
    )


def birth_ns(fd: int) -> int | None:
    """When a file was made (statx(2)), in ns since the epoch; None when its file system does not know."""
    raw = _Statx()
    _check(_libc.statx(fd, b"", _AT_EMPTY_PATH, STATX_BTIME, ctypes.byref(raw)))
    return raw.birth_s * 10**9 + raw.birth_ns if raw.mask & STATX_BTIME else None


def generation(fd: int) -> tuple[int, bytes] | None:
    """What tells a file from a later one in the same inode: the host's own file handle (name_to_handle_at(2)), which
    holds the inode's generation. None when the file system has none."""
    handle, mount = _FileHandle(length=_MAX_HANDLE_SZ), ctypes.c_int()
    flags = _AT_EMPTY_PATH
    if _libc.name_to_handle_at(fd, b"", ctypes.byref(handle), ctypes.byref(mount), flags) < 0:
        return None
    return handle.type, bytes(handle.bytes[: handle.length])
