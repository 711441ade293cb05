"""splice, tee and vmsplice: from or to a pipe without a buffer of the guest's. Source: fs/splice.c."""

from __future__ import annotations

import struct
from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_APPEND, O_NONBLOCK, SEEK_CUR
from pcomponent.files.anonymous import broken_pipe, wait_until
from pcomponent.files.base import OpenFile
from pcomponent.files.pipe import PAGE_BYTES, PipeFile
from pcomponent.syscalls.table import syscall
from pcomponent.syscalls.transfer import put_all, read_offset
from pcomponent.vectors import MAX_RW_COUNT, Moving, Vector, read_into, read_vectors, write_from
from pcomponent.waiting import Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

_NONBLOCK, _ALL = 0x2, 0xF
_OFFSET = struct.Struct("<q")


def _room(task: Thread, target: PipeFile, hurried: bool) -> Generator[Wait, Wake, int]:
    """Waits until a pipe has a free page; returns how many bytes its free pages take. EPIPE; EAGAIN."""
    pipe = target.pipe
    while True:
        if not pipe.readers:
            raise broken_pipe(task)
        if not pipe.full:
            return (pipe.slots - len(pipe.pages)) * PAGE_BYTES
        if hurried:
            raise LinuxError(E.EAGAIN)
        yield from wait_until(task, lambda: not pipe.full or not pipe.readers, pipe.emptied)


def _filled(task: Thread, source: PipeFile, hurried: bool) -> Generator[Wait, Wake, bool]:
    """Waits until there is something in a pipe; False at its end. EAGAIN."""
    pipe = source.pipe
    while not pipe.pages:
        if not pipe.writers:
            return False
        if hurried:
            raise LinuxError(E.EAGAIN)
        yield from wait_until(task, lambda: pipe.pages or not pipe.writers, pipe.filled)
    return True


@syscall(275, "splice", "fd", "pointer", "fd", "pointer", "size", "flags")
def splice(task: Thread, in_fd: int, in_pointer: int, out_fd: int, out_pointer: int, count: int, flags: int) -> Moving:
    """splice(2), in the order of __do_splice and do_splice."""
    if not count:
        return 0
    if flags & ~_ALL:
        raise LinuxError(E.EINVAL)
    source, target = task.process.files.get(in_fd), task.process.files.get(out_fd)
    for file, pointer in ((source, in_pointer), (target, out_pointer)):
        if isinstance(file, PipeFile) and pointer:
            raise LinuxError(E.ESPIPE)
    at, to = read_offset(task, in_pointer), read_offset(task, out_pointer)
    if not source.readable or not target.writable:
        raise LinuxError(E.EBADF)
    into, out_of = isinstance(target, PipeFile), isinstance(source, PipeFile)
    same = isinstance(source, PipeFile) and isinstance(target, PipeFile) and source.pipe is target.pipe
    if not (into or out_of) or same or source.directory or (not into and target.flags & O_APPEND):
        raise LinuxError(E.EINVAL)
    if count >> 63 and not (into and out_of):
        raise LinuxError(E.EINVAL)
    for file, offset in ((source, at), (target, to)):
        if offset is not None:
            file.seek(task, 0, SEEK_CUR)
            if offset < 0:
                raise LinuxError(E.EINVAL)
    moved = yield from _splice(task, source, target, min(count, MAX_RW_COUNT), at, to, bool(flags & _NONBLOCK))
    for pointer, offset in ((in_pointer, at), (out_pointer, to)):
        if offset is not None:
            task.memory.write_struct(_OFFSET, pointer, offset + moved)
    return moved


def _splice(
    task: Thread, source: OpenFile, target: OpenFile, count: int, at: int | None, to: int | None, hurried: bool
) -> Moving:
    """Moves what is there, once."""
    if isinstance(source, PipeFile):
        hurried = hurried or bool(source.flags & O_NONBLOCK)
        if not (yield from _filled(task, source, hurried)):
            return 0
        count = min(count, source.pipe.bytes_held())
    if isinstance(target, PipeFile):
        count = min(count, (yield from _room(task, target, hurried or bool(target.flags & O_NONBLOCK))))
    if isinstance(source, PipeFile) and isinstance(target, PipeFile):
        return _hand_over(task, source, target, count, keep=False)
    data = yield from (source.read(task, count) if at is None else source.pread(task, count, at))
    if not data:
        return 0
    return (yield from put_all(task, source, target, data, at is None, to))


def _hand_over(task: Thread, source: PipeFile, target: PipeFile, count: int, keep: bool) -> int:
    """From pipe to pipe, with those told who wait for it."""
    moved = source.pipe.hand_over(target.pipe, count, keep)
    target.pipe.filled.happened(task)
    if not keep:
        source.pipe.emptied.happened(task)
    return moved


@syscall(276, "tee", "fd", "fd", "size", "flags")
def tee(task: Thread, in_fd: int, out_fd: int, count: int, flags: int) -> Moving:
    """tee(2): what is in one pipe is put into another as well."""
    if flags & ~_ALL:
        raise LinuxError(E.EINVAL)
    if not count:
        return 0
    source, target = task.process.files.get(in_fd), task.process.files.get(out_fd)
    if not source.readable or not target.writable:
        raise LinuxError(E.EBADF)
    if not isinstance(source, PipeFile) or not isinstance(target, PipeFile) or source.pipe is target.pipe:
        raise LinuxError(E.EINVAL)
    hurried = bool(flags & _NONBLOCK or (source.flags | target.flags) & O_NONBLOCK)
    if not (yield from _filled(task, source, hurried)):
        return 0
    yield from _room(task, target, hurried)
    return _hand_over(task, source, target, count, keep=True)


@syscall(278, "vmsplice", "fd", "pointer", "ulong", "flags", support="partial", note="copies: pages are not given away")
def vmsplice(task: Thread, fd: int, vectors: int, count: int, flags: int) -> Moving:
    """vmsplice(2). A descriptor that is no pipe is EBADF here."""
    if flags & ~_ALL:
        raise LinuxError(E.EINVAL)
    file = task.process.files.get(fd)
    buffer = read_vectors(task, vectors, count)
    if not sum(length for _, length in buffer):
        return 0
    if not isinstance(file, PipeFile):
        raise LinuxError(E.EBADF)
    hurried = bool(flags & _NONBLOCK)  # O_NONBLOCK is not asked: iter_to_pipe and __splice_from_pipe.
    if not file.writable:
        if not (yield from _filled(task, file, hurried)):
            return 0
        return (yield from read_into(task, file, buffer))
    room = yield from _room(task, file, hurried)
    return (yield from write_from(task, file, _first(buffer, room)))


def _first(buffer: list[Vector], room: int) -> list[Vector]:
    """What of a buffer lies in its first `room` bytes."""
    kept = []
    for address, length in buffer:
        kept.append((address, min(length, room)))
        room -= kept[-1][1]
    return kept
