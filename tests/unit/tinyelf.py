"""Makes small ELF files."""

from __future__ import annotations

import struct
from typing import NamedTuple

PT_LOAD, PT_INTERP, PT_GNU_STACK = 1, 3, 0x6474E551
ET_EXEC, ET_DYN = 2, 3
R, W, X = 4, 2, 1


class Part(NamedTuple):
    """One program header; `filesz` None is the whole file."""

    type: int = PT_LOAD
    flags: int = R | X
    offset: int = 0
    vaddr: int = 0x400000
    filesz: int | None = None
    memsz: int | None = None
    align: int = 0x1000


def make(
    *parts: Part,
    kind: int = ET_EXEC,
    entry: int = 0x400078,
    size: int = 0x1000,
    machine: int = 62,
    at: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    """A file of `size` bytes with these program headers right after its header, and bytes `at` offsets."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, entry, 64, 0, 0, 64, 56, len(parts), 64, 0, 0)
    table = b""
    for part in parts:
        filesz = size if part.filesz is None else part.filesz
        memsz = filesz if part.memsz is None else part.memsz
        table += struct.pack(
            "<IIQQQQQQ", part.type, part.flags, part.offset, part.vaddr, part.vaddr, filesz, memsz, part.align
        )
    data = bytearray((header + table).ljust(size, b"\0")[:size])
    for offset, text in at:
        data[offset : offset + len(text)] = text
    return bytes(data)


def with_interpreter(*parts: Part, path: bytes = b"/ld\0", kind: int = ET_DYN, entry: int = 0x78) -> bytes:
    """A file that names an interpreter, stored at offset 0x800."""
    interp = Part(PT_INTERP, R, 0x800, 0x800, len(path))
    return make(interp, *parts, kind=kind, entry=entry, at=((0x800, path),))
