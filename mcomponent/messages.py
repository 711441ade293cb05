"""The door of a memory component: what processors, the global manager and other memories may ask of it.

Words. A *space* is an address space, named by the pid of the process that made it. Its *home* is the
memory component that has the whole list of VMAs and the vRegion map, and that answers all calls which
change the layout. The *owner* of a vRegion (1 GiB) has the page tables and frames of the addresses in it,
and answers misses and flushes for them. Pages of an `ObjectId` (a file, or shared anonymous
memory) live in the page cache of one component, its *cache*: `cache_of` says which.

Private pages travel by address (`Miss`, `Flush`); shared pages by object (`ObjectMiss`, `ObjectFlush`).
Payloads are whole pages of 4,096 bytes, one after the other, or file contents.

Errors are Linux's: EFAULT for an address outside every VMA, EACCES for a forbidden access, ENOMEM for
want of frames, EIO when a file cannot be read (beyond its end, among others: SIGBUS), ESRCH for an unknown space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Door, Request
from lego.linux.caller import Caller
from lego.regions import TASK_SIZE, ObjectId, Region
from mcomponent.file_messages import (
    CountReply as CountReply,
    FileForget as FileForget,
    FileRead as FileRead,
    FileSync as FileSync,
    FileTruncate as FileTruncate,
    FileWrite as FileWrite,
)
from mcomponent.memory_messages import (
    Grow,
    ObjectSync,
    OwnerAssign,
    OwnerExit,
    OwnerForget,
    OwnerFork,
    OwnerMove,
    OwnerResident,
    OwnerTake,
)
from mcomponent.shared_messages import (
    MemoryAllocate as MemoryAllocate,
    MemoryCreate as MemoryCreate,
    MemoryMapped,
    MemoryRelease as MemoryRelease,
    MemorySeek as MemorySeek,
    MemoryStat as MemoryStat,
    OpenProgram as OpenProgram,
)

READ, WRITE, EXEC = 1, 2, 4
"""Kinds of access; the same bits as PROT_*."""


def cache_of(thing: ObjectId, memories: Sequence[str]) -> str:
    """The memory component that caches an object: one for each, the same whoever asks."""
    return thing.store if thing.store.startswith("M") else memories[thing.number % len(memories)]


# ---- programs ---------------------------------------------------------------------------------------


class ExecuteReply(msgspec.Struct, array_like=True, frozen=True):
    """A program, loaded and ready to run."""

    entry: int
    stack_pointer: int
    brk: int
    """The start of the heap, and its end for now."""
    regions: list[Region]
    resident: list[tuple[int, int]]
    """Ranges of private anonymous regions in which the memory already has contents (the stack's top, the
    pages between .data and .bss). Everywhere else a first touch of anonymous memory reads zeros."""
    owners: dict[int, str]
    """vRegion number (address >> 30) to the memory component that owns it."""
    path: str
    """The absolute path of the file that was loaded, for /proc/PID/exe (the interpreter of a script)."""
    command: str
    """The name of the program, at most 15 bytes, for /proc/PID/comm: of the file named, not its interpreter."""
    arguments: list[bytes]
    """argv as the program sees it, which a script's interpreter line makes longer."""
    strings: int = 0
    """The address of the first of these strings; those of the environment follow."""


class Execute(Request, frozen=True):
    """Loads a program into a space; asked of its home. A space that exists is replaced, but only once the
    new program is known to load: after an error it is as it was.

    Errors: those of opening the file; EACCES (not a regular file, not executable), ENOEXEC (no format that
    is supported: `detail` says which it is), ELIBBAD, ENOMEM, E2BIG, ELOOP (scripts nested too deep).
    """

    Reply: ClassVar = ExecuteReply
    space: int
    vnode: int
    directory: int
    """The storage handle that a relative path starts from; 0 for the root."""
    path: str
    arguments: list[bytes]
    environment: list[bytes]
    random: bytes
    """16 bytes for AT_RANDOM, from the machine's seed."""
    identity: tuple[int, int, int, int]
    """uid, euid, gid, egid for the auxiliary vector."""
    stack_limit: int
    """RLIMIT_STACK in bytes."""
    storage: str = "S0"
    """The storage component of the vNode, which `directory` and the program are of."""
    opened: OpenProgram | None = None
    """What to load instead of what `path` leads to."""
    called: str = ""
    """What the program is called, if not by `path`: /dev/fd/N for a descriptor, and the path from there."""
    closes: bool = False
    """That descriptor is closed by execve: a script's interpreter could not open the script (ENOENT)."""
    caller: Caller | None = None
    """Whose rights count when files are opened, None for the storage component's own."""


class Fork(Request, frozen=True):
    """Makes `child` a copy of `space`, copy-on-write; asked of the home, which has the owners do their part.
    All dirty private lines of the parent have been flushed. The child has the same home and owners."""

    Reply: ClassVar = Done
    space: int
    child: int


class Exit(Request, frozen=True):
    """Ends a space and gives back all that it took, at its home and its owners."""

    Reply: ClassVar = Done
    space: int


# ---- pages ------------------------------------------------------------------------------------------


class MissReply(msgspec.Struct, array_like=True, frozen=True):
    """Pages from the one asked for upwards, their contents in the payload."""

    pages: int
    """How many pages follow each other in the payload; at least 1."""
    prot: int
    """PROT_* of the region that they lie in."""
    grown: Region | None = None
    """The stack's region when this access made it grow downwards: anonymous and zero but for `resident`."""


class Miss(Request, frozen=True):
    """Fetches private pages from the owner of their vRegion, after it has applied `flush`.

    When `flush` is an address the payload is that dirty line: it is applied first, so that a
    miss and a flush of one address are ordered. `pages` allows up to so many to be returned, if
    they lie in the same region and vRegion and come cheap (file pages, pages with contents).
    Untouched anonymous pages after the first are not returned.
    """

    Reply: ClassVar = MissReply
    space: int
    address: int
    access: int
    pages: int = 1
    flush: int | None = None


class Flush(Request, frozen=True):
    """Writes dirty private lines back to the owner of their vRegion; the payload has one page each.
    Breaks copy-on-write. Pages whose region is gone are dropped. ENOMEM when there is no frame."""

    Reply: ClassVar = Done
    space: int
    addresses: list[int]


class ObjectMiss(Request, frozen=True):
    """Fetches pages of an object from its cache; `handle` is the file's at its storage, of a region that maps it.
    EIO beyond the end of the file."""

    Reply: ClassVar = MissReply
    object: ObjectId
    handle: int
    page: int
    """Index of the page within the object."""
    pages: int = 1


class ObjectFlush(Request, frozen=True):
    """Writes dirty lines of an object back to its cache, where they wait for `Sync`, `Unmap`, `Exit` or an
    eviction to go to storage. The payload has one page for each entry of `pages`."""

    Reply: ClassVar = Done
    object: ObjectId
    handle: int
    pages: list[int]


class PeekReply(msgspec.Struct, array_like=True, frozen=True):
    """Whether the page is here; its contents are the payload."""

    found: bool


class Peek(Request, frozen=True):
    """Looks at a page without any effect, for --strace: asked of the owner of its vRegion, and of the cache of the
    object that is mapped there. Nothing is fetched for it, and nothing counted."""

    Reply: ClassVar = PeekReply
    space: int
    address: int
    object: ObjectId | None = None
    page: int = 0
    """Index of the page within the object."""


# ---- layout: asked of the home ------------------------------------------------------------------------


class LayoutReply(msgspec.Struct, array_like=True, frozen=True):
    """What changed, in the order in which a processor applies it to its own copy: `removed`, then `added`."""

    address: int
    removed: list[tuple[int, int]]
    """Ranges that no longer hold what they held: lines there are invalid (private ones are dropped)."""
    added: list[Region]
    owners: dict[int, str]
    """vRegions that got an owner."""
    errno: int = 0
    """When it is not 0 the call has failed with this, but only after it had done what is listed here (mprotect
    and madvise of a range with holes). Calls that changed nothing raise their error."""


class Map(Request, frozen=True):
    """mmap(2). `address` is a hint, or exact with MAP_FIXED or MAP_FIXED_NOREPLACE. For a file, `object` and
    `handle` (of the caller) say which: the memory takes a handle of its own. With neither, the
    memory is anonymous. `offset` is in bytes. Errors: as mmap(2)."""

    Reply: ClassVar = LayoutReply
    space: int
    address: int
    length: int
    prot: int
    flags: int
    object: ObjectId | None = None
    handle: int = 0
    offset: int = 0
    name: str = ""
    """The file's path for /proc/PID/maps."""
    may_write: bool = True
    """Whether a shared mapping of a memory object may be given PROT_WRITE, now or later."""


class Unmap(Request, frozen=True):
    """munmap(2). Dirty shared lines in the range have been flushed."""

    Reply: ClassVar = LayoutReply
    space: int
    address: int
    length: int


class Protect(Request, frozen=True):
    """mprotect(2). `added` has the regions with their new rights, `removed` is empty: contents stay."""

    Reply: ClassVar = LayoutReply
    space: int
    address: int
    length: int
    prot: int


class RemapReply(msgspec.Struct, array_like=True, frozen=True):
    """What mremap did. Pages that moved keep their contents at the memory."""

    address: int
    removed: list[tuple[int, int]]
    added: list[Region]
    owners: dict[int, str]
    moved: tuple[int, int, int] | None
    """(from, to, length) of a move; None when it grew or shrank in place."""
    errno: int = 0
    """As in `LayoutReply`: with MREMAP_FIXED, ENOMEM may come after the new place was unmapped."""


class Remap(Request, frozen=True):
    """mremap(2). Dirty private lines of the old range have been flushed."""

    Reply: ClassVar = RemapReply
    space: int
    address: int
    old_length: int
    new_length: int
    flags: int
    new_address: int = 0


class Brk(Request, frozen=True):
    """brk(2): `address` of the reply is the break, the old one when it could not be moved."""

    Reply: ClassVar = LayoutReply
    space: int
    address: int
    data_limit: int
    """RLIMIT_DATA in bytes."""
    room: int = TASK_SIZE
    """How many bytes RLIMIT_AS lets the space grow by."""


class Advise(Request, frozen=True):
    """madvise(2). For MADV_DONTNEED, `removed` has the ranges whose private pages are forgotten: they read
    zeros, or the file, again; `added` has the regions there, which stay."""

    Reply: ClassVar = LayoutReply
    space: int
    address: int
    length: int
    advice: int


class Sync(Request, frozen=True):
    """msync(2): writes what is dirty in shared file mappings of the range to storage; their dirty lines have been
    flushed. ENOMEM when part of the range is not mapped."""

    Reply: ClassVar = Done
    space: int
    address: int
    length: int
    flags: int


class RegionsReply(msgspec.Struct, array_like=True, frozen=True):
    """All regions of a space, in order."""

    regions: list[Region]
    resident_pages: list[int]
    """Frames in use, for each region."""


class Regions(Request, frozen=True):
    """The layout of a space, for /proc/PID/maps and the like; asked of its home."""

    Reply: ClassVar = RegionsReply
    space: int


# ---- the machine -------------------------------------------------------------------------------------------


class StatusReply(msgspec.Struct, array_like=True, frozen=True):
    """A memory component's load."""

    capacity_bytes: int
    free_bytes: int
    """Frames that are free, or that hold clean cached file pages."""
    spaces: int


class Status(Request, frozen=True):
    """For the global memory manager's placement."""

    Reply: ClassVar = StatusReply


class StatisticsReply(msgspec.Struct, array_like=True, frozen=True):
    """The component's counters as JSON text (see docs/stats.md)."""

    json: bytes


class Statistics(Request, frozen=True):
    """All counters, and those of the links to other components."""

    Reply: ClassVar = StatisticsReply


DOOR = Door(
    "memory",
    [
        Execute, Fork, Exit,
        Miss, Flush, ObjectMiss, ObjectFlush, Peek,
        Map, Unmap, Protect, Remap, Brk, Advise, Sync, Regions,
        FileRead, FileWrite, FileTruncate, FileSync, FileForget,
        OwnerAssign, OwnerForget, OwnerTake, OwnerMove, OwnerFork, OwnerExit, OwnerResident,
        Grow, ObjectSync,
        MemoryCreate, MemoryRelease, MemoryMapped, MemoryStat, MemoryAllocate, MemorySeek,
        Status, Statistics,
    ],
)  # fmt: skip
