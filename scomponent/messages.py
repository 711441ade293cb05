"""The door of a storage component: what processors and memories may ask of it.

Words. A *vNode* sees a tree of its own, made of mounts; every path is resolved inside that tree, by walking it a
component at a time, so that neither `..` nor a symlink leads out. A *place* is what a path is relative to: the handle
of an open directory, or 0 for the root. A *handle* is an open file of the host: it survives unlink and rename, and is
given back with `Close`. Handles are never used again.

Some directories are mount points of file systems that a processor makes up (/proc, /dev, /sys). A path that leads into
one is not this component's to answer: the reply is `Elsewhere`, with the absolute guest path, every symlink before it
resolved. Paths are bytes in Linux and here str with surrogateescape. `follow` is about a symlink in the last place.

Errors are Linux's: ENOENT, ENOTDIR, ELOOP (40 symlinks), ENAMETOOLONG (a name over 255 bytes, a path of 4,096 or
more), EACCES, EROFS, EXDEV (a rename or link across mounts), EBADF (an unknown handle), and what the host says.
"""

from __future__ import annotations

from typing import ClassVar, get_args, get_type_hints

import msgspec

from lego.fabric.wire import Done, Door, Request
from lego.linux.caller import Caller
from lego.linux.stat import FsStat, Stat
from lego.regions import ObjectId


class Elsewhere(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """The path leads into a file system that the processor makes up: ask there, with this absolute path."""

    path: str


class OpenReply(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """An open file."""

    handle: int
    stat: Stat
    object: ObjectId | None
    """For a regular file: its identity, the same however it is reached, as long as somebody has it open."""
    path: str
    """The absolute guest path it was opened by, symlinks resolved."""
    created: bool = False


class Open(Request, frozen=True):
    """openat2(2). `flags` are O_*, `resolve` RESOLVE_*. The umask has been applied to `mode`. O_PATH gives a handle
    for `place` and `HandleStat` only. Directories, FIFOs and sockets open too; what a device is read and
    written through is the processor's business, so devices of the host are refused with EACCES."""

    Reply: ClassVar = OpenReply | Elsewhere
    vnode: int
    place: int
    path: str
    flags: int
    mode: int = 0
    resolve: int = 0
    execute: bool = False
    """To be executed: who asks must be allowed that, and not to read it (MAY_EXEC)."""


class Duplicate(Request, frozen=True):
    """A second handle for the same open file, which a memory takes for a mapping. With `writable` it must have
    been opened for writing (EACCES)."""

    Reply: ClassVar = OpenReply
    handle: int
    writable: bool = False


class Close(Request, frozen=True):
    """Gives handles back; unknown ones are ignored, since a component that failed may have given them back."""

    Reply: ClassVar = Done
    handles: list[int]


class ReadAtReply(msgspec.Struct, array_like=True, frozen=True):
    """The payload has the bytes, fewer than asked only at the end of the file."""

    size: int
    mtime_ns: int
    ctime_ns: int


class ReadAt(Request, frozen=True):
    """pread(2) of a regular file."""

    Reply: ClassVar = ReadAtReply
    handle: int
    offset: int
    length: int


class WriteAtReply(msgspec.Struct, array_like=True, frozen=True):
    """How many bytes were written and what the file is now. `offset` is where they went."""

    count: int
    offset: int
    size: int
    mtime_ns: int
    ctime_ns: int


class WriteAt(Request, frozen=True):
    """pwrite(2) of the payload; with `append`, to the end of the file. Errors: ENOSPC, EFBIG, EIO, EBADF."""

    Reply: ClassVar = WriteAtReply
    handle: int
    offset: int
    append: bool = False
    strip: bool = False
    """Whoever writes lacks CAP_FSETID: the file loses its set-ID bits (file_remove_privs)."""


class StatReply(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """Attributes."""

    stat: Stat
    path: str = ""
    """The absolute guest path, as far as it is known."""


class PathStat(Request, frozen=True):
    """newfstatat(2) without AT_EMPTY_PATH; with `birth` also when it was made, if that is known."""

    Reply: ClassVar = StatReply | Elsewhere
    vnode: int
    place: int
    path: str
    follow: bool = True
    birth: bool = False


class HandleStat(Request, frozen=True):
    """fstat(2)."""

    Reply: ClassVar = StatReply
    handle: int
    birth: bool = False


class PathOf(Request, frozen=True):
    """Where an open file or directory is now, as a guest path (getcwd, /proc/PID/fd). ENOENT when it was removed,
    ENAMETOOLONG when it is deeper than a path can say; `detail` then has the last known path."""

    Reply: ClassVar = StatReply
    handle: int


class OkReply(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """Done, and it was this component's to do."""


class Access(Request, frozen=True):
    """faccessat2(2): `mode` is R_OK | W_OK | X_OK, or 0 for existence; an empty `path`, the open file
    `place`. EROFS for writing below a read-only mount."""

    Reply: ClassVar = OkReply | Elsewhere
    vnode: int
    place: int
    path: str
    mode: int
    follow: bool = True


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """One name in a directory."""

    name: str
    ino: int
    kind: int
    """DT_*."""


class EntriesReply(msgspec.Struct, array_like=True, frozen=True):
    """All names of a directory, "." and ".." first, mount points in it included, in a stable order (by name)."""

    entries: list[Entry]


class Entries(Request, frozen=True):
    """Reads an open directory, whole."""

    Reply: ClassVar = EntriesReply
    handle: int


class TextReply(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """A symlink's target."""

    text: str


class ReadLink(Request, frozen=True):
    """readlinkat(2). EINVAL when it is no symlink."""

    Reply: ClassVar = TextReply | Elsewhere
    vnode: int
    place: int
    path: str


class MakeDirectory(Request, frozen=True):
    """mkdirat(2); the umask has been applied."""

    Reply: ClassVar = OkReply | Elsewhere
    vnode: int
    place: int
    path: str
    mode: int


class MakeNode(Request, frozen=True):
    """mknodat(2) of a regular file, FIFO or socket; devices are EPERM, but the character device 0, a whiteout."""

    Reply: ClassVar = OkReply | Elsewhere
    vnode: int
    place: int
    path: str
    mode: int
    device: int = 0


class Remove(Request, frozen=True):
    """unlinkat(2); with `directory`, rmdir(2). EBUSY for a mount point."""

    Reply: ClassVar = OkReply | Elsewhere
    vnode: int
    place: int
    path: str
    directory: bool = False


class Rename(Request, frozen=True):
    """renameat2(2): `flags` are RENAME_*. EXDEV between mounts or if one alone leads elsewhere; EBUSY for a mount."""

    Reply: ClassVar = OkReply | Elsewhere
    vnode: int
    place: int
    path: str
    new_place: int
    new_path: str
    flags: int = 0


class Link(Request, frozen=True):
    """linkat(2)."""

    Reply: ClassVar = OkReply | Elsewhere
    vnode: int
    place: int
    path: str
    new_place: int
    new_path: str
    follow: bool = False


class LinkHandle(Request, frozen=True):
    """linkat(2) with AT_EMPTY_PATH: gives an open file a name (O_TMPFILE)."""

    Reply: ClassVar = OkReply | Elsewhere
    vnode: int
    handle: int
    new_place: int
    new_path: str


class SymLink(Request, frozen=True):
    """symlinkat(2): the target is kept as it is."""

    Reply: ClassVar = OkReply | Elsewhere
    vnode: int
    target: str
    place: int
    path: str


class SetAttributes(Request, frozen=True):
    """chmod, chown, utimensat, truncate by path; None leaves an attribute alone, also of times, (atime_ns, mtime_ns).
    Empty `path`: of the open file `place` (fchmod and so on)."""

    Reply: ClassVar = OkReply | Elsewhere
    vnode: int
    place: int
    path: str
    follow: bool = True
    mode: int | None = None
    owner: tuple[int, int] | None = None
    """(uid, gid), -1 for no change."""
    times: tuple[int | None, int | None] | None = None
    size: int | None = None
    now: bool = False
    """The times are both the current one, which not only the owner may set but whoever may write."""
    clock_ns: int | None = None
    """What the guest's clock showed, if that is one of the times: the file changes at this very moment."""


class XattrRequest(Request, frozen=True):
    """What requests on extended attributes begin with. Empty `path`: of the open file `place`. Only names that begin
    with "user." are kept: EOPNOTSUPP for others, and for files that cannot have any."""

    vnode: int
    place: int
    path: str
    follow: bool


class DataReply(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """A value, or terminated names one after another."""

    data: bytes


class GetXattr(XattrRequest, frozen=True):
    """getxattr(2). ENODATA."""

    Reply: ClassVar = DataReply | Elsewhere
    name: str


class SetXattr(XattrRequest, frozen=True):
    """setxattr(2): `flags` are XATTR_*. ENODATA, EEXIST, ENOSPC, EROFS; EPERM for what is no file or directory."""

    Reply: ClassVar = OkReply | Elsewhere
    name: str
    value: bytes
    flags: int


class ListXattrs(XattrRequest, frozen=True):
    """listxattr(2)."""

    Reply: ClassVar = DataReply | Elsewhere


class RemoveXattr(XattrRequest, frozen=True):
    """removexattr(2). ENODATA, EROFS."""

    Reply: ClassVar = OkReply | Elsewhere
    name: str


class SetSize(Request, frozen=True):
    """ftruncate(2)."""

    Reply: ClassVar = ReadAtReply
    handle: int
    size: int
    strip: bool = False


class Allocate(Request, frozen=True):
    """fallocate(2): `mode` is FALLOC_FL_*."""

    Reply: ClassVar = ReadAtReply
    handle: int
    mode: int
    offset: int
    length: int
    strip: bool = False


class SeekReply(msgspec.Struct, array_like=True, frozen=True):
    """A position in the file, in bytes."""

    offset: int


class SeekHole(Request, frozen=True):
    """lseek(2) with SEEK_DATA or SEEK_HOLE. ENXIO beyond the end."""

    Reply: ClassVar = SeekReply
    handle: int
    offset: int
    whence: int


class SyncHandle(Request, frozen=True):
    """fsync(2), or fdatasync(2) with `data_only`."""

    Reply: ClassVar = Done
    handle: int
    data_only: bool = False


class FsStatReply(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """statfs(2), and the device number of the file system."""

    stat: FsStat


class PathFsStat(Request, frozen=True):
    """statfs(2)."""

    Reply: ClassVar = FsStatReply | Elsewhere
    vnode: int
    place: int
    path: str


class HandleFsStat(Request, frozen=True):
    """fstatfs(2)."""

    Reply: ClassVar = FsStatReply
    handle: int


class OnBehalf(Request, frozen=True):
    """A request that is served with the rights of `caller`. All others are served with the component's own, which
    are those of a vNode's root. Where the component does not run as root it has only its own, and uses these."""

    Reply: ClassVar = OpenReply | Elsewhere | StatReply | OkReply | TextReply | DataReply | FsStatReply
    caller: Caller
    request: (
        Open | PathStat | Access | ReadLink | MakeDirectory | MakeNode | Remove | Rename | Link | LinkHandle
        | SymLink | SetAttributes | PathFsStat | GetXattr | SetXattr | ListXattrs | RemoveXattr
    )  # fmt: skip


RIGHTS_MATTER: frozenset[type[Request]] = frozenset(get_args(get_type_hints(OnBehalf)["request"]))


class EndRun(Request, frozen=True):
    """The last program of a vNode has ended: what it left in file systems of memory (/dev/shm) is removed."""

    Reply: ClassVar = Done
    vnode: int


class StatisticsReply(msgspec.Struct, array_like=True, frozen=True):
    """The component's counters as JSON text (see docs/stats.md)."""

    json: bytes


class Statistics(Request, frozen=True):
    """All counters."""

    Reply: ClassVar = StatisticsReply


DOOR = Door(
    "storage",
    [
        Open, Duplicate, Close, ReadAt, WriteAt, PathStat, HandleStat, PathOf, Access, Entries, ReadLink, MakeDirectory,
        MakeNode, Remove, Rename, Link, LinkHandle, SymLink, SetAttributes, SetSize, Allocate, SeekHole, SyncHandle,
        PathFsStat, HandleFsStat, GetXattr, SetXattr, ListXattrs, RemoveXattr, OnBehalf, EndRun, Statistics,
    ],
)  # fmt: skip
