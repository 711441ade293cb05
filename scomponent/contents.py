"""File contents: reading, writing, sizes, allocation, holes, and making it all durable."""

from __future__ import annotations

import os
from stat import S_IMODE, S_ISGID, S_ISUID, S_IXGRP

from lego.fabric.wire import Buffer, Done
from lego.linux.errno import E, LinuxError
from lego.linux.stat import S_IFDIR, S_IFIFO
from scomponent import costs, host
from scomponent.files import OpenFile
from scomponent.messages import (
    Allocate,
    ReadAt,
    ReadAtReply,
    SeekHole,
    SeekReply,
    SetSize,
    SyncHandle,
    WriteAt,
    WriteAtReply,
)
from scomponent.storage import Result, Storage, Table

MAX_RW_COUNT = 0x7FFFF000  # include/linux/fs.h: the most that one read or write moves.
_OFFSET_MAX = 1 << 63
_UNSIZED_CHUNK = 1 << 20  # Files of size 0 may have contents all the same (some of the host's own file systems).
_PUNCH_HOLE = 2  # FALLOC_FL_PUNCH_HOLE, include/uapi/linux/falloc.h


class Contents:
    """The requests on what is in a regular file."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._files = storage.files
        self.table: Table = {
            ReadAt: self.read_at,
            WriteAt: self.write_at,
            SetSize: self.set_size,
            Allocate: self.allocate,
            SeekHole: self.seek_hole,
            SyncHandle: self.sync,
        }

    def read_at(self, request: ReadAt, _: Buffer) -> Result:
        """pread(2): all that was asked for, up to the end of the file."""
        with self._files.use(request.handle) as file:
            _check_range(request.offset, request.length)
            _check_transfer(file, file.readable)
            data = _read(file.fd, request.offset, min(request.length, MAX_RW_COUNT))
            reply = self._size_reply(file.fd)
        _charge(file, len(data))
        self._storage.tally.add(reads=1, bytes_read=len(data))
        return reply, data

    def write_at(self, request: WriteAt, payload: Buffer) -> Result:
        """pwrite(2). Less than all is written when the disk fills up or a limit is met on the way."""
        with self._files.use(request.handle) as file:
            _check_range(0 if request.append else request.offset, len(payload))
            _check_transfer(file, file.writable)
            with file.lock:
                payload = self._fitting(file, payload, None if request.append else request.offset)
                count = _write(file.fd, payload, 0 if request.append else request.offset, request.append)
                stat = os.fstat(file.fd)
                if count:
                    _strip(file.fd, stat, request.strip)
                    self._storage.stamps.note(stat, contents=True)
            offset = stat.st_size - count if request.append else request.offset
        _charge(file, count)
        self._storage.tally.add(writes=1, bytes_written=count)
        return WriteAtReply(count, offset, stat.st_size, *self._storage.stamps.changed(stat)), b""

    def _fitting(self, file: OpenFile, payload: Buffer, offset: int | None) -> Buffer:
        """As much of what is to be written at an offset (None: the end) as the file's mount has room for. ENOSPC."""
        memory = file.mount.memory
        if memory is None or not len(payload):
            return payload
        start = os.fstat(file.fd).st_size if offset is None else offset
        room = memory.reserve(file.fd, start, start + len(payload), self._files.descriptors(file.mount))
        return memoryview(payload)[:room]

    def set_size(self, request: SetSize, _: Buffer) -> Result:
        """ftruncate(2)."""
        costs.charge_metadata()
        with self._files.use(request.handle) as file:
            if file.path_only:
                raise LinuxError(E.EBADF)
            if not 0 <= request.size < _OFFSET_MAX or not file.writable:
                raise LinuxError(E.EINVAL)
            with file.lock:
                os.ftruncate(file.fd, request.size)
                _strip(file.fd, os.fstat(file.fd), request.strip)
                return self._size_reply(file.fd, changed=True), b""

    def allocate(self, request: Allocate, _: Buffer) -> Result:
        """fallocate(2)."""
        costs.charge_metadata()
        with self._files.use(request.handle) as file:
            if file.path_only:
                raise LinuxError(E.EBADF)
            if request.offset < 0 or request.length <= 0:
                raise LinuxError(E.EINVAL)
            if max(request.offset, request.length) >= _OFFSET_MAX:
                raise LinuxError(E.EFBIG)
            if not file.writable:
                raise LinuxError(E.EBADF)
            with file.lock:
                memory, end = file.mount.memory, request.offset + request.length
                if memory is not None and not request.mode & _PUNCH_HOLE:
                    opened = self._files.descriptors(file.mount)
                    if memory.reserve(file.fd, request.offset, end, opened) < request.length:
                        raise LinuxError(E.ENOSPC)
                host.allocate(file.fd, request.mode, request.offset, request.length)
                _strip(file.fd, os.fstat(file.fd), request.strip)
                return self._size_reply(file.fd, changed=True), b""

    def seek_hole(self, request: SeekHole, _: Buffer) -> Result:
        """lseek(2) with SEEK_DATA and SEEK_HOLE. The host's own position is moved, and nobody looks at it."""
        costs.charge_metadata()
        with self._files.use(request.handle) as file:
            if request.whence not in (os.SEEK_DATA, os.SEEK_HOLE) or file.fd < 0:
                raise LinuxError(E.EINVAL)
            if not 0 <= request.offset < _OFFSET_MAX:
                raise LinuxError(E.ENXIO)
            return SeekReply(os.lseek(file.fd, request.offset, request.whence)), b""

    def sync(self, request: SyncHandle, _: Buffer) -> Result:
        """fsync(2), fdatasync(2)."""
        costs.charge_sync()
        with self._files.use(request.handle) as file:
            if file.path_only:
                raise LinuxError(E.EBADF)
            if file.kind == S_IFIFO:
                raise LinuxError(E.EINVAL)
            if file.fd >= 0:
                (os.fdatasync if request.data_only else os.fsync)(file.fd)
        self._storage.tally.add(syncs=1)
        return Done(), b""

    def _size_reply(self, fd: int, changed: bool = False) -> ReadAtReply:
        stat = os.fstat(fd)
        if changed:
            self._storage.stamps.note(stat, contents=True)
        return ReadAtReply(stat.st_size, *self._storage.stamps.changed(stat))


def _strip(fd: int, stat: os.stat_result, wanted: bool) -> None:
    """setattr_should_drop_suidgid: what set-ID bits a file loses with new contents."""
    lost = stat.st_mode & (S_ISUID | (S_ISGID if stat.st_mode & S_IXGRP else 0))
    if wanted and lost:
        os.fchmod(fd, S_IMODE(stat.st_mode & ~lost))


def _charge(file: OpenFile, count: int) -> None:
    """A transfer costs what the storage takes, or next to nothing when the file is one of memory."""
    if file.mount.memory is None:
        costs.charge_transfer(count)
    else:
        costs.charge_metadata()


def _check_range(offset: int, length: int) -> None:
    if offset < 0 or length < 0 or offset + length >= _OFFSET_MAX:
        raise LinuxError(E.EINVAL)


def _check_transfer(file: OpenFile, allowed: bool) -> None:
    """The order of ksys_pread64 and vfs_read (fs/read_write.c)."""
    if file.path_only:
        raise LinuxError(E.EBADF)
    if file.kind == S_IFIFO:
        raise LinuxError(E.ESPIPE)
    if not allowed:
        raise LinuxError(E.EBADF)
    if file.kind == S_IFDIR:
        raise LinuxError(E.EISDIR)


def _read(fd: int, offset: int, length: int) -> bytes:
    size = os.fstat(fd).st_size
    wanted = min(length, size - offset) if size else min(length, _UNSIZED_CHUNK)
    if wanted <= 0:
        return b""
    data = os.pread(fd, wanted, offset)
    if len(data) == wanted or not data:
        return data
    parts = [data]
    while wanted > (done := sum(map(len, parts))):  # Rare: a file that shrinks, a signal, a network file system.
        data = os.pread(fd, wanted - done, offset + done)
        if not data:
            break
        parts.append(data)
    return b"".join(parts)


def _write(fd: int, payload: Buffer, offset: int, append: bool) -> int:
    flags = os.RWF_APPEND if append else 0
    view = memoryview(payload)[:MAX_RW_COUNT]
    done = 0
    while done < len(view):
        try:
            count = os.pwritev(fd, [view[done:]], offset + done, flags)
        except OSError:
            if done:
                break
            raise
        if not count:
            break
        done += count
    return done
