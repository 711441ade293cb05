"""ELF headers, read as Linux reads them: what it does not look at may hold anything.

    header = parse_header(start, size, ENOEXEC)      # the first 64 bytes, zeros beyond the end
    segments = parse_segments(header, file.read(header.phoff, header.table_bytes), ENOEXEC)

Linux looks at the magic, e_type, e_machine, e_phentsize and e_phnum, and at no other byte before it loads (not
at EI_CLASS or EI_DATA, for example). Whatever is wrong with these is one errno, ENOEXEC for a program and
ELIBBAD for an interpreter; `detail` tells a person what the file is instead.

Sources: fs/binfmt_elf.c (load_elf_binary, load_elf_phdrs, total_mapping_size, maximum_alignment); elf(5).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from lego.linux.errno import LinuxError
from lego.regions import page_down, page_up

MAGIC = b"\x7fELF"
HEADER_BYTES = 64
SEGMENT_BYTES = 56
TABLE_BYTES_MAX = 65536  # load_elf_phdrs: more is no program.

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
EM_X86_64 = 62
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_PHDR = 1, 2, 3, 6
PT_GNU_STACK = 0x6474E551
PF_X, PF_W, PF_R = 1, 2, 4

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SUPPORTED = "Lego runs 64-bit x86-64 ELF"
_MACHINES = {
    2: "SPARC", 3: "EM_386", 4: "Motorola 68000", 8: "MIPS", 15: "PA-RISC", 18: "SPARC", 20: "PowerPC",
    21: "64-bit PowerPC", 22: "S/390", 40: "ARM", 42: "SuperH", 43: "SPARC V9", 50: "Itanium", 62: "x86-64",
    83: "AVR", 94: "Xtensa", 164: "Hexagon", 183: "AArch64 (64-bit ARM)", 243: "RISC-V", 247: "BPF",
    252: "C-SKY", 258: "LoongArch",
}  # fmt: skip
_TYPES = {0: "no type", ET_REL: "a relocatable object: link it first", ET_CORE: "a core dump"}
_FORMATS = (
    (b"MZ", "a Windows or DOS program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\xce\xfa\xed\xfe", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "a macOS program or a Java class"),
    (b"\0asm", "a WebAssembly module"),
    (b"!<arch>\n", "an archive of object files"),
)


class Header(NamedTuple):
    """The part of Elf64_Ehdr that loading needs."""

    type: int
    entry: int
    phoff: int
    phnum: int

    @property
    def table_bytes(self) -> int:
        """The size of the program headers."""
        return self.phnum * SEGMENT_BYTES


class Segment(NamedTuple):
    """Elf64_Phdr. Addresses, offsets and sizes in bytes, all unsigned and unchecked."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int


def parse_header(start: bytes, size: int, errno: int) -> Header:
    """Reads the header from the first bytes of a file of `size` bytes. Raises `LinuxError(errno)`."""
    fields = _HEADER.unpack(start[:HEADER_BYTES].ljust(HEADER_BYTES, b"\0"))
    ident, kind, machine, _, entry, phoff, _, _, _, phentsize, phnum, *_ = fields
    if ident[:4] != MAGIC or kind not in (ET_EXEC, ET_DYN) or machine != EM_X86_64:
        raise LinuxError(errno, describe(start, size))
    if phentsize != SEGMENT_BYTES or not 0 < phnum * SEGMENT_BYTES <= TABLE_BYTES_MAX:
        raise LinuxError(errno, _describe_table(start, size, phentsize, phnum))
    if phoff + phnum * SEGMENT_BYTES > size:
        raise LinuxError(errno, "truncated ELF: program headers end beyond the file")
    return Header(kind, entry, phoff, phnum)


def parse_segments(header: Header, table: bytes, errno: int) -> list[Segment]:
    """Reads the program headers. Raises `LinuxError(errno)` when the table is not whole."""
    if len(table) != header.table_bytes:
        raise LinuxError(errno, "truncated ELF: program headers end beyond the file")
    return [Segment(*fields) for fields in _SEGMENT.iter_unpack(table)]


def loads(segments: Sequence[Segment]) -> list[Segment]:
    """The segments to load, in the file's order."""
    return [segment for segment in segments if segment.type == PT_LOAD]


def total_mapping_size(segments: Sequence[Segment]) -> int:
    """Bytes from the lowest page of PT_LOAD segments to the highest byte; 0 when there are none."""
    load = loads(segments)
    if not load:
        return 0
    return max(s.vaddr + s.memsz for s in load) - min(page_down(s.vaddr) for s in load)


def maximum_alignment(segments: Sequence[Segment]) -> int:
    """The largest p_align of a PT_LOAD segment that is a power of two; at least a page, or 0 when none is one."""
    aligns = [s.align for s in loads(segments) if s.align and s.align & (s.align - 1) == 0]
    return page_up(max(aligns, default=0))


def describe(start: bytes, size: int) -> str:
    """What a file is that is no program for this machine, and what would be one."""
    if size == 0:
        return "an empty file"
    if start[:4] != MAGIC:
        for magic, name in _FORMATS:
            if start.startswith(magic):
                return f"{name}; {_SUPPORTED}"
        return "not an ELF file and no #! script"
    if len(start) < 20:
        return "truncated ELF: the file ends within its header"
    order = ">" if start[5] == 2 else "<"
    kind, machine = struct.unpack_from(order + "HH", start, 16)
    bits = {1: "32-bit ELF", 2: "64-bit ELF"}.get(start[4], "ELF of unknown class")
    if machine == 3:
        return f"{bits} (EM_386); {_SUPPORTED}"
    if machine != EM_X86_64 or order == ">":
        return f"{bits} for {_MACHINES.get(machine, f'machine {machine}')}; {_SUPPORTED}"
    if kind not in (ET_EXEC, ET_DYN):
        return f"ELF of type {kind} ({_TYPES.get(kind, 'unknown')}), not a program"
    return "ELF with an invalid header"


def _describe_table(start: bytes, size: int, phentsize: int, phnum: int) -> str:
    if size < HEADER_BYTES:
        return "truncated ELF: the file ends within its header"
    if start[4] == 1:
        return f"32-bit ELF for x86-64 (the x32 ABI); {_SUPPORTED}"
    if phnum == 0:
        return "ELF without program headers: nothing to load"
    return f"ELF with invalid program headers ({phnum} of {phentsize} bytes each)"
