"""Requests about memory objects: memory with a size that is held by number, without being mapped anywhere.

They are what memfd_create(2) and System V segments are made of. A memory object is an `ObjectId` whose store is the
memory component that made it; mappings, misses and flushes treat it as they treat shared anonymous memory, and
`FileRead`, `FileWrite` and `FileTruncate` work on it with the handle 0. Its pages go when nobody holds it
(`MemoryRelease`) and nobody maps it (`MemoryMapped`).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Request
from lego.regions import ObjectId


class MemoryObjectReply(msgspec.Struct, array_like=True, frozen=True):
    """A memory object, held once."""

    object: ObjectId


class MemoryCreate(Request, frozen=True):
    """Makes a memory object of `size` bytes of zeros. It takes frames only for pages that are written."""

    Reply: ClassVar = MemoryObjectReply
    size: int


class MemoryRelease(Request, frozen=True):
    """The one who made the object needs it no longer."""

    Reply: ClassVar = Done
    object: ObjectId


class MemoryMapped(Request, frozen=True):
    """Between memories: spaces of another home map `length` more bytes of an object, or fewer when it is negative."""

    Reply: ClassVar = Done
    object: ObjectId
    length: int


class MemoryStatReply(msgspec.Struct, array_like=True, frozen=True):
    """What an object is now: bytes, and pages that have a frame."""

    size: int
    pages: int


class MemoryStat(Request, frozen=True):
    """Size and use. EBADF for an object that is gone."""

    Reply: ClassVar = MemoryStatReply
    object: ObjectId


class MemoryAllocate(Request, frozen=True):
    """fallocate(2): gives the pages of a range frames, or with `punch` takes their contents away; sets the size to the
    end of the range when that is larger, unless `keep_size`. ENOSPC when there are not enough frames."""

    Reply: ClassVar = Done
    object: ObjectId
    offset: int
    length: int
    punch: bool = False
    keep_size: bool = False


class MemorySeekReply(msgspec.Struct, array_like=True, frozen=True):
    """A position in bytes."""

    offset: int


class MemorySeek(Request, frozen=True):
    """lseek(2) with SEEK_DATA, or with `hole` SEEK_HOLE. ENXIO at and beyond the end, or when no data follows."""

    Reply: ClassVar = MemorySeekReply
    object: ObjectId
    offset: int
    hole: bool = False


class OpenProgram(msgspec.Struct, array_like=True, frozen=True):
    """An open file that is to be executed, whatever became of its name (execveat(2) with AT_EMPTY_PATH)."""

    handle: int = 0
    """Of a storage component, open for reading, ..."""
    memory: ObjectId | None = None
    """... or a memory object (memfd_create), with the permissions ..."""
    mode: int = 0
    path: str = ""
    """... and the path that it shows."""
