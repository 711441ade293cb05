"""What reads and writes files by call: requests to the memory component that caches the file.

These requests are part of the door (`mcomponent.messages`).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Request
from lego.regions import ObjectId


class CountReply(msgspec.Struct, array_like=True, frozen=True):
    """How many bytes a call moved (those of a read are the payload), and the file's size after it."""

    count: int
    size: int


class FileRead(Request, frozen=True):
    """pread(2) of a regular file through the page cache. `handle` is the caller's, open for reading."""

    Reply: ClassVar = CountReply
    object: ObjectId
    handle: int
    offset: int
    length: int


class FileWrite(Request, frozen=True):
    """pwrite(2) of a regular file: written through to storage at once, cached pages updated. With `append`,
    it goes to the end of the file, and `size` is where it ended. Errors: as write(2)."""

    Reply: ClassVar = CountReply
    object: ObjectId
    handle: int
    offset: int
    append: bool = False
    strip: bool = False
    """Whoever writes lacks CAP_FSETID: the file loses its set-ID bits."""


class FileTruncate(Request, frozen=True):
    """ftruncate(2). Cached pages beyond the new size are dropped, the rest of the last one is zeroed."""

    Reply: ClassVar = Done
    object: ObjectId
    handle: int
    size: int
    strip: bool = False


class FileSync(Request, frozen=True):
    """fsync(2): dirty pages of shared mappings, then the file at its storage."""

    Reply: ClassVar = Done
    object: ObjectId
    handle: int


class FileForget(Request, frozen=True):
    """Something else changed a range of the file (fallocate, copy_file_range at storage): writes what is dirty,
    then drops its cached pages. `length` 0 means to the end."""

    Reply: ClassVar = Done
    object: ObjectId
    handle: int
    offset: int
    length: int
