"""mcomponent.image: mappings and contents of a program that is being put together."""

from __future__ import annotations

import pytest
from hostfiles import HostFiles, MemoryFile

from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE
from lego.regions import TASK_SIZE, Region
from mcomponent.elf import PF_R, PF_W, PF_X, PT_LOAD, Segment
from mcomponent.image import Image, check_segment

STACK = Region(TASK_SIZE - 0x21000, TASK_SIZE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, name="[stack]")
BASE = 0x7FFFF7FFF000
ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS


def empty() -> Image:
    return Image(STACK, BASE)


def a_file() -> MemoryFile:
    return HostFiles({"/f": bytes(0x4000)}).open(0, 0, "/f")


def segment(flags: int, offset: int, vaddr: int, filesz: int, memsz: int) -> Segment:
    return Segment(PT_LOAD, flags, offset, vaddr, 0, filesz, memsz, 0x1000)


def mapped(image: Image) -> list[tuple[int, int, int, int, int]]:
    return [(r.start, r.end, r.prot, r.flags, r.offset) for r in image.regions][:-1]


def test_file_pages_then_zeros() -> None:
    image, file = empty(), a_file()
    image.load(file, segment(PF_R | PF_W, 0x1DD0, 0x3DD0, 0x268, 0x3000), 0x400000 + 0x3DD0)
    assert mapped(image) == [
        (0x403000, 0x405000, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0x1000),
        (0x405000, 0x407000, PROT_READ | PROT_WRITE, ANONYMOUS, 0),
    ]
    assert image.contents() == [(0x404038, bytes(0xFC8))]
    first = next(iter(image.regions))
    assert (first.object, first.handle, first.name) == (file.object, file.handle, "/f")


def test_zeros_within_the_last_page_need_no_region() -> None:
    image = empty()
    image.load(a_file(), segment(PF_R | PF_W, 0, 0, 0x100, 0x200), 0x400000)
    assert [region[:2] for region in mapped(image)] == [(0x400000, 0x401000)]
    assert image.contents() == [(0x400100, bytes(0xF00))]


def test_a_full_last_page_is_left_alone() -> None:
    image = empty()
    image.load(a_file(), segment(PF_R | PF_W, 0, 0, 0x1000, 0x1001), 0x400000)
    assert image.contents() == []
    assert [region[:2] for region in mapped(image)] == [(0x400000, 0x401000), (0x401000, 0x402000)]


def test_a_segment_that_is_not_writable_keeps_the_files_tail_but_gets_writable_zeros() -> None:
    image = empty()
    image.load(a_file(), segment(PF_R | PF_X, 0, 0, 0x100, 0x1800), 0x400000)
    assert image.contents() == []
    assert mapped(image) == [
        (0x400000, 0x401000, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0),
        (0x401000, 0x402000, PROT_READ | PROT_WRITE | PROT_EXEC, ANONYMOUS, 0),
    ]


def test_a_segment_of_zeros_only() -> None:
    image = empty()
    image.load(a_file(), segment(PF_R | PF_W, 0x123, 0x123, 0, 0x1000), 0x400123)
    assert mapped(image) == [(0x400000, 0x402000, PROT_READ | PROT_WRITE, ANONYMOUS, 0)]
    image.load(a_file(), segment(PF_R, 0, 0, 0, 0), 0x900000)
    assert len(mapped(image)) == 1


def test_a_later_segment_takes_the_place_of_an_earlier_one() -> None:
    image, file = empty(), a_file()
    image.load(file, segment(PF_R | PF_W, 0, 0, 0x1100, 0x3000), 0x400000)
    assert [at for at, _ in image.contents()] == [0x401100]
    image.load(file, segment(PF_R, 0x1000, 0x1000, 0x1000, 0x1000), 0x401000)
    assert image.contents() == []
    assert [(start, end, prot) for start, end, prot, *_ in mapped(image)] == [
        (0x400000, 0x401000, 3),
        (0x401000, 0x402000, 1),
        (0x402000, 0x403000, 3),
    ]


def test_places_are_top_down_below_the_base_unless_a_hint_is_free() -> None:
    image = empty()
    assert image.place(0x1234) == BASE - 0x2000
    assert image.place(0x1000, 0x500123) == 0x500000
    assert image.place(0x1000, 0x1000) == BASE - 0x1000  # Too low for a hint to count.
    image.load(a_file(), segment(PF_R, 0, 0, 0x1000, 0x1000), BASE - 0x1000)
    assert image.place(0x1000) == BASE - 0x2000
    assert image.place(0x1000, BASE - 0x1000) == BASE - 0x2000
    with pytest.raises(LinuxError) as error:
        image.place(TASK_SIZE)
    assert error.value.errno == E.ENOMEM


@pytest.mark.parametrize(
    ("start", "length", "errno"),
    [
        (TASK_SIZE - 0x1000, 0x1000, E.EEXIST),
        (TASK_SIZE, 1, E.ENOMEM),
        (0x400000, TASK_SIZE, E.ENOMEM),
        (-0x1000, 0x1000, E.ENOMEM),
        (0, 0x1000, E.EPERM),
        (0xFFFF, 1, E.EPERM),
    ],
)
def test_ranges_that_cannot_be_reserved(start: int, length: int, errno: int) -> None:
    with pytest.raises(LinuxError) as error:
        empty().reserve(start, length)
    assert error.value.errno == errno


def test_what_can_be_reserved_is_not_taken() -> None:
    image = empty()
    image.reserve(0x10000, 0x1000)
    assert mapped(image) == []


def test_the_stack_is_not_mapped_over() -> None:
    with pytest.raises(LinuxError, match="overlaps the stack") as error:
        empty().load(a_file(), segment(PF_R, 0, 0, 0x4000, 0x4000), STACK.start - 0x1000)
    assert error.value.errno == E.EINVAL


@pytest.mark.parametrize(
    ("changes", "errno"),
    [
        ({"vaddr": TASK_SIZE}, E.ENOMEM),
        ({"vaddr": (1 << 64) - 0x1000}, E.ENOMEM),
        ({"memsz": 0xFF}, E.ENOMEM),
        ({"memsz": (1 << 64) - 1}, E.ENOMEM),
        ({"vaddr": TASK_SIZE - 0x1000, "memsz": 0x1001}, E.ENOMEM),
        ({"offset": 1}, E.EINVAL),
        ({"offset": 0x4000}, E.ENOEXEC),
        ({"filesz": 0x4001, "memsz": 0x5000}, E.ENOEXEC),
        ({"offset": (1 << 64) - 0x1000}, E.ENOEXEC),
    ],
)
def test_segments_that_cannot_be(changes: dict[str, int], errno: int) -> None:
    good = segment(PF_R, 0, 0x400000, 0x100, 0x100)
    check_segment(good, 0, 0x4000, E.ENOMEM)
    with pytest.raises(LinuxError) as error:
        check_segment(good._replace(**changes), 3, 0x4000, E.ENOMEM)
    assert error.value.errno == errno
    assert "segment 3" in error.value.detail


def test_a_segment_may_end_within_the_files_last_page() -> None:
    check_segment(segment(PF_R, 0, 0x400000, 0x1000, 0x1000), 0, 0xF00, E.EINVAL)
    check_segment(segment(PF_R, 0x9001, 0x400000, 0, 0x1000), 0, 0xF00, E.EINVAL)
