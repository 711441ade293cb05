"""The auxiliary vector: what the kernel tells a program about itself on its first stack.

Sources: include/uapi/linux/auxvec.h, arch/x86/include/uapi/asm/auxvec.h; getauxval(3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

AT_NULL = 0
AT_IGNORE = 1
AT_EXECFD = 2
AT_PHDR = 3
AT_PHENT = 4
AT_PHNUM = 5
AT_PAGESZ = 6
AT_BASE = 7
AT_FLAGS = 8
AT_ENTRY = 9
AT_NOTELF = 10
AT_UID = 11
AT_EUID = 12
AT_GID = 13
AT_EGID = 14
AT_PLATFORM = 15
AT_HWCAP = 16
AT_CLKTCK = 17
AT_SECURE = 23
AT_BASE_PLATFORM = 24
AT_RANDOM = 25
AT_HWCAP2 = 26
AT_RSEQ_FEATURE_SIZE = 27
AT_RSEQ_ALIGN = 28
AT_EXECFN = 31
AT_SYSINFO_EHDR = 33
AT_MINSIGSTKSZ = 51

PLATFORM = b"x86_64"
CLOCK_TICKS_PER_SECOND = 100
RANDOM_BYTES = 16
"""How many bytes AT_RANDOM points at."""
MINSIGSTKSZ = 2048
"""Bytes: MINSIGSTKSZ of asm/signal.h, enough for a signal frame with FXSAVE state (no XSAVE is offered), and the
least that sigaltstack(2) takes."""

_ENTRY = struct.Struct("<QQ")
ENTRY_BYTES = _ENTRY.size

Entries = list[tuple[int, int]]
"""Pairs of AT_* and value, in order, without the final AT_NULL."""


def pack(entries: Iterable[tuple[int, int]]) -> bytes:
    """The vector as it lies in memory, with its AT_NULL."""
    return b"".join(_ENTRY.pack(kind, value) for kind, value in entries) + _ENTRY.pack(AT_NULL, 0)


def unpack(data: bytes) -> Entries:
    """The entries before AT_NULL; raises `ValueError` when there is none."""
    entries: Entries = []
    for kind, value in _ENTRY.iter_unpack(data[: len(data) // ENTRY_BYTES * ENTRY_BYTES]):
        if kind == AT_NULL:
            return entries
        entries.append((kind, value))
    raise ValueError("an auxiliary vector without AT_NULL")
