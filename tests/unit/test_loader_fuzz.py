"""mcomponent.loader with any file at all: it loads as on Linux, or is refused with an errno, and nothing stays open."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hostfiles import HostFiles, execute
from hypothesis import assume, given, settings, strategies as st
from loaderchecks import LD, check_invariants
from tinyelf import PT_GNU_STACK, PT_INTERP, PT_LOAD, Part, R, W, X, make, with_interpreter

from lego.linux.errno import E, LinuxError
from lego.linux.mman import PROT_READ, PROT_WRITE
from lego.regions import PAGE, TASK_SIZE
from mcomponent.layout import STACK_TOP
from mcomponent.loader import load
from mcomponent.program import Program

ERRNOS = {
    E.ENOEXEC,
    E.EINVAL,
    E.ELIBBAD,
    E.ENOMEM,
    E.EPERM,
    E.EEXIST,
    E.EIO,
    E.ENOENT,
    E.ELOOP,
    E.ENAMETOOLONG,
    E.EACCES,
}
WORDS = st.one_of(
    st.sampled_from([0, 1, 0x10, 0x40, 0x1000, 0x1FFF, 0x400000, TASK_SIZE - 0x1000, TASK_SIZE, 1 << 62, 1 << 63]),
    st.sampled_from([(1 << 64) - 1, (1 << 64) - 0x1000, STACK_TOP - 0x22000, 0x555555554000, 0x7FFFF7FFE000]),
    st.integers(0, 0x4000),
    st.integers(0, (1 << 64) - 1),
)
PARTS = st.builds(
    Part,
    type=st.sampled_from([PT_LOAD, PT_LOAD, PT_LOAD, PT_INTERP, PT_GNU_STACK, 2, 6]),
    flags=st.integers(0, 7),
    offset=WORDS,
    vaddr=WORDS,
    filesz=WORDS,
    memsz=WORDS,
    align=WORDS,
)


def load_anything(data: bytes, **others: bytes) -> None:
    """Either it loads and all is in order, or it is refused with an errno and nothing stays open."""
    files = HostFiles({"/p": data, **{f"/{name}": other for name, other in others.items()}}, host=False)
    try:
        program = load(files, execute("/p", "/p"))
    except LinuxError as error:
        assert error.errno in ERRNOS
        assert error.detail or error.errno == E.ENOENT
        assert not files.open_handles
    else:
        check_invariants(program, files)


SMALL = st.one_of(st.sampled_from([0, 1, 0xFFF, 0x1000, 0x1001, 0x2000]), st.integers(0, 0x2FFF))
PAGES = st.one_of(
    st.integers(0x400, 0x408),
    st.sampled_from([0, 15, 16, TASK_SIZE // PAGE - 0x30, TASK_SIZE // PAGE - 2, 0x555555554, 0x7FFFF7FFD]),
)


@st.composite
def sound_parts(draw: st.DrawFn, pages: st.SearchStrategy[int] = PAGES) -> Part:
    """A segment that can be mapped if its address allows it: congruent, within the file, no smaller in memory."""
    within = draw(SMALL) % PAGE
    offset = draw(st.integers(0, 2)) * PAGE + within
    filesz = min(draw(SMALL), 0x3000 - offset)
    return Part(PT_LOAD, draw(st.integers(0, 7)), offset, draw(pages) * PAGE + within, filesz, filesz + draw(SMALL))


@settings(max_examples=300, deadline=None)
@given(st.lists(sound_parts(), min_size=1, max_size=5), st.sampled_from([2, 3]), st.sampled_from([0, 1, PAGE, 1 << 21]))
def test_any_sound_segments(parts: list[Part], kind: int, align: int) -> None:
    aligned = [part._replace(align=align) for part in parts]
    made = make(*aligned, kind=kind, size=0x3000)
    load_anything(made)
    head = Part(PT_INTERP, R, 0x800, 0x800, 4)
    load_anything(make(head, *aligned, kind=kind, size=0x3000, at=((0x800, b"/ld\0"),)), ld=LD)
    load_anything(with_interpreter(Part(vaddr=0)), ld=made)


def as_linux_maps(parts: list[Part], data: bytes) -> dict[int, tuple[int, bytes]]:
    """Page number to (p_flags, contents) after elf_load of each segment in turn, a page at a time."""
    pages: dict[int, tuple[int, bytes]] = {}
    for part in parts:
        filesz, memsz = part.filesz or 0, part.memsz or 0
        file_end, end = part.vaddr + filesz, part.vaddr + memsz
        zeros = part.vaddr // PAGE
        if filesz:
            zeros = -(-file_end // PAGE)
            for page in range(part.vaddr // PAGE, zeros):
                at = part.offset + page * PAGE - part.vaddr
                pages[page] = part.flags, data[at : at + PAGE].ljust(PAGE, b"\0")
            if memsz > filesz and part.flags & W and file_end % PAGE:
                pages[zeros - 1] = part.flags, pages[zeros - 1][1][: file_end % PAGE].ljust(PAGE, b"\0")
        if memsz > filesz:
            pages.update((page, (R | W | part.flags & X, bytes(PAGE))) for page in range(zeros, -(-end // PAGE)))
    return pages


def flattened(program: Program, data: bytes) -> dict[int, tuple[int, bytes]]:
    """The same of a loaded program, without its stack."""
    pages: dict[int, tuple[int, bytes]] = {}
    for region in program.regions[:-1]:
        for page in range(region.start // PAGE, region.end // PAGE):
            at = region.offset + page * PAGE - region.start
            text = data[at : at + PAGE].ljust(PAGE, b"\0") if region.handle else bytes(PAGE)
            pages[page] = (region.prot & PROT_READ) << 2 | region.prot & PROT_WRITE | region.prot >> 2, text  # As PF_*.
    for address, stored in program.contents[:-1]:
        page, within = divmod(address, PAGE)
        flags, text = pages[page]
        assert within + len(stored) <= PAGE
        pages[page] = flags, text[:within] + stored + text[within + len(stored) :]
    return pages


@settings(max_examples=400, deadline=None)
@given(st.lists(sound_parts(st.integers(0x400, 0x406)), min_size=1, max_size=6))
def test_overlapping_segments_leave_the_memory_that_linux_leaves(parts: list[Part]) -> None:
    noise = bytes(number * 7 % 251 + 1 for number in range(0x3000 - 0x400))
    made = make(*parts, size=0x3000, at=((0x400, noise),))
    expected = as_linux_maps(parts, made)
    assume(any(part.memsz for part in parts))
    files = HostFiles({"/p": made}, host=False)
    program = load(files, execute("/p", "/p"))
    check_invariants(program, files)
    assert flattened(program, made) == expected
    assert program.brk == -(-max(part.vaddr + (part.memsz or 0) for part in parts) // PAGE) * PAGE


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=5), st.sampled_from([2, 3]), WORDS, st.booleans())
def test_any_program_headers(parts: list[Part], kind: int, entry: int, interpreter: bool) -> None:
    made = make(*parts, kind=kind, entry=entry, size=0x3000)
    load_anything(made)
    head = [Part(PT_INTERP, R, 0x800, 0x800, 4)] if interpreter else []
    load_anything(make(*head, *parts, kind=kind, entry=entry, size=0x3000, at=((0x800, b"/ld\0"),)), ld=LD)
    load_anything(with_interpreter(Part(vaddr=0)), ld=made)


@pytest.mark.parametrize("path", ["/bin/true", ""])
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_mutated_programs(path: str, data: st.DataObject) -> None:
    original = Path(path).read_bytes() if path else with_interpreter(Part(vaddr=0), Part(flags=R | W, vaddr=0x2000))
    mutated = bytearray(original)
    headers = 64 + 56 * original[56]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, headers - 1))
        change = data.draw(
            st.one_of(st.binary(min_size=1, max_size=8), WORDS.map(lambda word: struct.pack("<Q", word)))
        )
        mutated[at : at + len(change)] = change
    size = data.draw(st.one_of(st.just(len(mutated)), st.integers(0, len(mutated))))
    name = original[0x318:0x340].partition(b"\0")[0].decode(errors="replace").lstrip("/") or "ld"
    load_anything(bytes(mutated[:size]), **{"ld": LD, name: LD})


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600))
def test_random_files(data: bytes) -> None:
    for start in (b"", b"#!", b"#!/p ", b"\x7fELF", make(Part())[:20]):
        load_anything(start + data)
        load_anything(with_interpreter(Part(vaddr=0)), ld=start + data)


def test_every_truncation_of_a_program() -> None:
    whole = with_interpreter(Part(vaddr=0), Part(flags=R | W, offset=0x900, vaddr=0x1900, filesz=0x300, memsz=0x2000))
    for size in range(0, len(whole), 7):
        load_anything(whole[:size], ld=LD)
        load_anything(whole, ld=LD[:size])
