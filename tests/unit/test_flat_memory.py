"""Invariant 1: with any cache and any number of memories, a program sees what it would see in flat memory."""

from __future__ import annotations

import pytest
from guest_rig import JUMP, LOAD1, LOAD8, STORE1, STORE8, AccessFault, GuestRig
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lego.linux.errno import E, LinuxError
from lego.linux.mman import (
    MADV_DONTNEED,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
)
from lego.regions import PAGE, VREGION_SHIFT
from pcomponent.syscalls.advising import madvise
from pcomponent.syscalls.memory import mmap, mprotect, mremap, munmap

BASES = [0x4000_0000 - 3 * PAGE, 3 << VREGION_SHIFT]
"""Two areas of 6 pages; the first lies across two vRegions, which different memories own."""
PAGES = 6

places = st.tuples(st.sampled_from(BASES), st.integers(0, PAGES - 1), st.integers(1, 4))
# Near the ends of pages as often as anywhere: that is where accesses cross.
offsets = st.tuples(
    st.sampled_from(BASES),
    st.builds(
        lambda page, offset: min(page * PAGE + offset, PAGES * PAGE - 8),
        st.integers(0, PAGES - 1),
        st.one_of(st.integers(0, 16), st.integers(PAGE - 9, PAGE - 1), st.integers(0, PAGE - 1)),
    ),
)
values = st.integers(0, (1 << 64) - 1)
prots = st.sampled_from([0, 1, 3, 3, 3, 3, 5, 7, 7, 7])


class FlatMemory(RuleBasedStateMachine):
    """Drives mappings, rights, loads, stores, jumps and copies against a dictionary of pages."""

    rig_type = GuestRig

    @initialize(sets=st.sampled_from([1, 2, 4]), ways=st.sampled_from([1, 2, 3, 8]), memories=st.sampled_from([1, 3]))
    def start(self, sets: int, ways: int, memories: int) -> None:
        self.rig = self.rig_type(sets, ways, memories)
        self.pages: dict[int, tuple[int, bytearray]] = {}
        self.shared: set[int] = set()
        for base in BASES:
            self.map((base, 0, PAGES), 7, False)

    def range(self, place: tuple[int, int, int]) -> list[int]:
        base, first, count = place
        return [base + PAGE * page for page in range(first, min(first + count, PAGES))]

    def can(self, address: int, length: int, right: int) -> bool:
        first, last = address & -PAGE, (address + length - 1) & -PAGE
        for page in range(first, last + PAGE, PAGE):
            prot = self.pages.get(page, (0, None))[0]
            if not (prot | (1 if prot & 6 else 0)) & right:
                return False
        return True

    def flat(self, address: int, length: int) -> bytes:
        return bytes(self.pages[at & -PAGE][1][at % PAGE] for at in range(address, address + length))

    def put(self, address: int, data: bytes) -> None:
        for i, byte in enumerate(data):
            self.pages[(address + i) & -PAGE][1][(address + i) % PAGE] = byte

    @rule(place=places, prot=prots, shared=st.booleans())
    def map(self, place: tuple[int, int, int], prot: int, shared: bool) -> None:
        pages = self.range(place)
        flags = MAP_FIXED | MAP_ANONYMOUS | (MAP_SHARED if shared else MAP_PRIVATE)
        length = len(pages) * PAGE
        assert mmap(self.rig.task, pages[0], length, prot, flags, -1, 0) == pages[0]
        for page in pages:
            self.pages[page] = (prot, bytearray(PAGE))
            (self.shared.add if shared else self.shared.discard)(page)

    @rule(place=places)
    def unmap(self, place: tuple[int, int, int]) -> None:
        pages = self.range(place)
        assert munmap(self.rig.task, pages[0], len(pages) * PAGE) == 0
        for page in pages:
            self.pages.pop(page, None)
            self.shared.discard(page)

    @rule(place=places, prot=prots)
    def protect(self, place: tuple[int, int, int], prot: int) -> None:
        pages = self.range(place)
        if all(page in self.pages for page in pages):
            assert mprotect(self.rig.task, pages[0], len(pages) * PAGE, prot) == 0
            for page in pages:
                self.pages[page] = (prot, self.pages[page][1])

    @rule(place=places)
    def forget(self, place: tuple[int, int, int]) -> None:
        pages = self.range(place)
        if all(page in self.pages for page in pages):
            assert madvise(self.rig.task, pages[0], len(pages) * PAGE, MADV_DONTNEED) == 0
            for page in pages:
                if page not in self.shared:
                    self.pages[page] = (self.pages[page][0], bytearray(PAGE))

    @rule(place=places, to=places)
    def move(self, place: tuple[int, int, int], to: tuple[int, int, int]) -> None:
        pages, target = self.range(place), to[0] + PAGE * to[1]
        whole = all(page in self.pages for page in pages) and not any(page in self.shared for page in pages)
        same = len({self.pages[page][0] for page in pages}) == 1 if whole else False
        length = len(pages) * PAGE
        apart = target + length <= pages[0] or target >= pages[0] + length
        if not (whole and same and apart and to[1] + len(pages) <= PAGES):
            return
        flags = MREMAP_MAYMOVE | MREMAP_FIXED
        assert mremap(self.rig.task, pages[0], length, length, flags, target) == target
        moved = [self.pages.pop(page) for page in pages]
        for i, contents in enumerate(moved):
            self.pages[target + i * PAGE] = contents
            self.shared.discard(target + i * PAGE)

    @rule(accesses=st.lists(st.tuples(offsets, st.booleans(), st.none() | values), min_size=4, max_size=24))
    def access(self, accesses: list[tuple[tuple[int, int], bool, int | None]]) -> None:
        """Loads (no value) and stores, of one byte or of eight, which may lie across two pages."""
        for (base, offset), wide, value in accesses:
            if value is None:
                self.load(base + offset, wide)
            else:
                self.store(base + offset, wide, value)
            self.rig.end_instruction()

    def load(self, address: int, wide: bool) -> None:
        length = 8 if wide else 1
        if self.can(address, length, 1):
            value = self.rig.run(LOAD8 if wide else LOAD1, address) & (1 << 8 * length) - 1
            assert value.to_bytes(length, "little") == self.flat(address, length)
        else:
            with pytest.raises(AccessFault):
                self.rig.run(LOAD8 if wide else LOAD1, address)

    def store(self, address: int, wide: bool, value: int) -> None:
        length = 8 if wide else 1
        if self.can(address, length, 2):
            self.rig.run(STORE8 if wide else STORE1, address, value)
            self.put(address, (value & (1 << 8 * length) - 1).to_bytes(length, "little"))
        else:
            with pytest.raises(AccessFault):
                self.rig.run(STORE8 if wide else STORE1, address, value)

    @rule()
    def look_at_everything(self) -> None:
        for page in sorted(self.pages):
            prot, contents = self.pages[page]
            if prot:
                assert self.rig.space.read(page, PAGE) == bytes(contents)

    @rule(place=offsets, length=st.integers(0, 3 * PAGE))
    def copy_in(self, place: tuple[int, int], length: int) -> None:
        address = place[0] + place[1]
        if length == 0 or self.can(address, length, 1):
            assert self.rig.space.read(address, length) == (self.flat(address, length) if length else b"")
        else:
            with pytest.raises(LinuxError) as refused:
                self.rig.space.read(address, length)
            assert refused.value.errno == E.EFAULT

    @rule(place=offsets, length=st.integers(0, 3 * PAGE), byte=st.integers(0, 255))
    def copy_out(self, place: tuple[int, int], length: int, byte: int) -> None:
        address, data = place[0] + place[1], bytes([byte]) * length
        if length == 0 or self.can(address, length, 2):
            self.rig.space.write(address, data)
            self.put(address, data)
            return
        with pytest.raises(LinuxError):
            self.rig.space.write(address, data)
        done = 0  # Bytes before the first page that may not be written have been.
        while self.can(address + done, 1, 2):
            done = min(length, done + PAGE - (address + done) % PAGE)
        self.put(address, data[:done])

    @precondition(lambda self: any(prot == 7 for prot, _ in getattr(self, "pages", {}).values()))
    @rule(place=offsets, numbers=st.lists(st.integers(0, (1 << 31) - 1), min_size=1, max_size=3))
    def write_and_run_code(self, place: tuple[int, int], numbers: list[int]) -> None:
        """Code that is written, run, and written again runs as it was written last."""
        address = place[0] + place[1]
        for value in numbers:
            code = b"\xb8" + value.to_bytes(4, "little") + b"\x0f\x05"  # mov eax, value; syscall
            if not all(self.pages.get((address + i) & -PAGE, (0, None))[0] == 7 for i in (0, 6)):
                return
            for i, byte in enumerate(code):
                self.rig.run(STORE1, address + i, byte)
                self.rig.end_instruction()
            self.put(address, code)
            assert self.rig.run(JUMP, address) == value
            self.rig.end_instruction()

    def teardown(self) -> None:
        if not hasattr(self, "rig"):
            return
        self.look_at_everything()


FlatMemory.TestCase.settings = settings(
    max_examples=120, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
TestFlatMemory = FlatMemory.TestCase
