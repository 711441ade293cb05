"""memfd_create. Source: mm/memfd.c (sanitize_flags, alloc_name)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.files.memory_file import SEAL_EXEC, SEAL_SEAL, create
from pcomponent.syscalls.table import syscall

if TYPE_CHECKING:
    from pcomponent.process import Thread

MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB, MFD_NOEXEC_SEAL, MFD_EXEC = 1, 2, 4, 8, 16
_ALL = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC
_HUGE_SIZES = 0x3F << 26
_NAME_BYTES_MAX = 249
"""NAME_MAX without "memfd:"."""


@syscall(319, "memfd_create", "path", "flags", support="partial", note="no huge pages: MFD_HUGETLB is ENOSYS")
def memfd_create(task: Thread, pointer: int, flags: int) -> int:
    """memfd_create(2). There are no huge pages: MFD_HUGETLB is ENOSYS, as of a kernel that was built without."""
    known = _ALL | (_HUGE_SIZES if flags & MFD_HUGETLB else 0)
    if flags & ~known or (flags & MFD_EXEC and flags & MFD_NOEXEC_SEAL):
        raise LinuxError(E.EINVAL)
    try:
        name = task.memory.read_string(pointer, _NAME_BYTES_MAX + 1)
    except LinuxError as error:
        raise LinuxError(E.EINVAL if error.errno == E.ENAMETOOLONG else error.errno) from error
    files = task.process.files
    files.free(task)
    if flags & MFD_HUGETLB:
        raise LinuxError(E.ENOSYS)
    seals, mode = SEAL_SEAL, 0o777
    if flags & MFD_NOEXEC_SEAL:
        seals, mode = SEAL_EXEC, 0o666
    elif flags & MFD_ALLOW_SEALING:
        seals = 0
    file = create(task, name.decode(errors="surrogateescape"), mode, seals)
    return files.install(task, file, bool(flags & MFD_CLOEXEC))
