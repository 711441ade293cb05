"""mcomponent.elf: headers, good and bad, and what a person is told."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, strategies as st
from tinyelf import ET_DYN, Part, R, W, make

from lego.linux.errno import E, LinuxError
from mcomponent import elf
from mcomponent.elf import Segment, describe, parse_header, parse_segments


def reason(data: bytes, errno: int = E.ENOEXEC) -> str:
    with pytest.raises(LinuxError) as error:
        parse_segments(parse_header(data[:256], len(data), errno), b"", errno)
    assert error.value.errno == errno
    return error.value.detail


@pytest.mark.parametrize("path", [sys.executable, "/bin/true", "/bin/sh"])
def test_host_programs_read_as_pyelftools_reads_them(path: str) -> None:
    data = Path(path).read_bytes()
    theirs = ELFFile(io.BytesIO(data))
    header = parse_header(data[:256], len(data), E.ENOEXEC)
    assert header == (
        {"ET_EXEC": 2, "ET_DYN": 3}[theirs.header.e_type],
        theirs.header.e_entry,
        theirs.header.e_phoff,
        theirs.header.e_phnum,
    )
    segments = parse_segments(header, data[header.phoff : header.phoff + header.table_bytes], E.ENOEXEC)
    for ours, segment in zip(segments, theirs.iter_segments(), strict=True):
        raw = segment.header
        assert ours[1:] == (
            raw.p_flags, raw.p_offset, raw.p_vaddr, raw.p_paddr, raw.p_filesz, raw.p_memsz, raw.p_align,
        )  # fmt: skip
        assert (ours.type == elf.PT_LOAD) == (raw.p_type == "PT_LOAD")


@pytest.mark.parametrize(
    ("machine", "kind", "bits", "text"),
    [
        (3, 2, 1, "32-bit ELF (EM_386); Lego runs 64-bit x86-64 ELF"),
        (40, 2, 1, "32-bit ELF for ARM; Lego runs 64-bit x86-64 ELF"),
        (183, 3, 2, "64-bit ELF for AArch64 (64-bit ARM); Lego runs 64-bit x86-64 ELF"),
        (9999, 2, 7, "ELF of unknown class for machine 9999; Lego runs 64-bit x86-64 ELF"),
        (62, 1, 2, "ELF of type 1 (a relocatable object: link it first), not a program"),
        (62, 4, 2, "ELF of type 4 (a core dump), not a program"),
        (62, 77, 2, "ELF of type 77 (unknown), not a program"),
    ],
)
def test_other_elf_files_are_named(machine: int, kind: int, bits: int, text: str) -> None:
    data = bytearray(make(Part(), machine=machine, kind=kind))
    data[4] = bits
    assert reason(bytes(data)) == text


def test_big_endian_machines_are_named() -> None:
    data = bytearray(make(Part()))
    data[4:6] = b"\x02\x02"
    data[16:20] = bytes([0, 2, 0, 22])
    assert reason(bytes(data)) == "64-bit ELF for S/390; Lego runs 64-bit x86-64 ELF"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "an empty file"),
        (b"hello\n", "not an ELF file and no #! script"),
        (bytes(500), "not an ELF file and no #! script"),
        (b"MZ\x90", "a Windows or DOS program; Lego runs 64-bit x86-64 ELF"),
        (b"\0asm\1\0\0\0", "a WebAssembly module; Lego runs 64-bit x86-64 ELF"),
        (b"\x7fELF", "truncated ELF: the file ends within its header"),
        (make(Part())[:40], "truncated ELF: the file ends within its header"),
        (make(Part())[:64], "truncated ELF: program headers end beyond the file"),
        (make(Part())[:119], "truncated ELF: program headers end beyond the file"),
        (make(), "ELF without program headers: nothing to load"),
        (make(*[Part()] * 1171, size=70000), "ELF with invalid program headers (1171 of 56 bytes each)"),
    ],
)
def test_what_is_no_program(data: bytes, text: str) -> None:
    assert reason(data) == text


def test_x32_is_named() -> None:
    data = bytearray(make(Part()))
    data[4] = 1
    data[54] = 32  # e_phentsize of 32-bit ELF.
    assert "x32" in reason(bytes(data))


def test_linux_does_not_look_at_class_and_byte_order() -> None:
    data = bytearray(make(Part()))
    data[4:16] = bytes(12)
    assert parse_header(bytes(data), len(data), E.ENOEXEC).phnum == 1


def test_the_callers_errno_is_used() -> None:
    assert reason(b"nothing", E.ELIBBAD)
    assert reason(make(), E.ELIBBAD)


def test_the_largest_table_is_64_kib() -> None:
    data = make(*[Part()] * 1170, size=70000)
    assert parse_header(data[:64], len(data), E.ENOEXEC).table_bytes == 65520


@given(st.binary(max_size=300), st.integers(0, 1 << 63))
def test_random_bytes_are_refused_with_an_errno(data: bytes, size: int) -> None:
    for start in (data, elf.MAGIC + data, make(Part())[:16] + data):
        try:
            header = parse_header(start, size, E.ENOEXEC)
            parse_segments(header, data, E.ENOEXEC)
        except LinuxError as error:
            assert error.errno == E.ENOEXEC
            assert error.detail
        assert describe(start, size)


def test_sizes_over_segments() -> None:
    def load(vaddr: int, memsz: int, align: int, kind: int = elf.PT_LOAD) -> Segment:
        return Segment(kind, R | W, 0, vaddr, 0, memsz, memsz, align)

    segments = [load(0x5123, 0x10, 0x1000), load(0x1FFF, 2, 0x200000), load(0, 1 << 60, 1 << 60, elf.PT_INTERP)]
    assert elf.total_mapping_size(segments) == 0x5133 - 0x1000
    assert elf.maximum_alignment(segments) == 0x200000
    assert elf.total_mapping_size([]) == 0
    assert elf.maximum_alignment([load(0, 1, 0), load(0, 1, 3)]) == 0
    assert elf.maximum_alignment([load(0, 1, 1), load(0, 1, 3)]) == 0x1000


def test_position_independent_type() -> None:
    data = make(Part(), kind=ET_DYN)
    assert parse_header(data, len(data), E.ENOEXEC).type == elf.ET_DYN
