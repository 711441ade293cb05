"""Flat memory: whatever spaces do, on one memory component or three, each sees what one large array would show.

Spaces act as a processor would have them act: dirty pages are flushed before layout calls and fork.
"""

from __future__ import annotations

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from memory_rig import ANON, RW, Rig, page_of

from lego.linux import mman
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_FIXED, MAP_PRIVATE, MAP_SHARED
from lego.regions import PAGE, VREGION_SHIFT
from mcomponent import messages as m

EDGE = 0x7000 << VREGION_SHIFT
"""The window lies across the border of two vRegions, which may have different owners."""
PAGES = 12
LOW = EDGE - PAGES // 2 * PAGE
FILE_PAGES = 5

pages = st.integers(0, PAGES - 1)
counts = st.integers(1, 5)


class Flat(RuleBasedStateMachine):
    memories = 1
    placement = "home"
    memory_pages = 256

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig(self.memories, self.memory_pages * PAGE, self.placement)
        self.file = self.rig.storage.add("/f", b"".join(page_of(f"file {index}") for index in range(FILE_PAGES)))
        self.handle = self.rig.storage.open("/f", writable=True)
        self.flat: dict[int, dict[int, bytes | int]] = {}
        """Space to address to what is there: bytes, or the page of the file that a private mapping still shows."""
        self.shared: dict[int, dict[int, int]] = {}
        """Space to address to the page of the file that a shared mapping shows."""
        self.written = 0
        self.last_space = 1

    @initialize()
    def start(self) -> None:
        self.rig.execute(1)
        self.flat[1], self.shared[1] = {}, {}

    def _space(self, number: int) -> int:
        return sorted(self.flat)[number % len(self.flat)]

    def _clear(self, space: int, start: int, count: int) -> None:
        for address in range(start, start + count * PAGE, PAGE):
            self.flat[space].pop(address, None)
            self.shared[space].pop(address, None)

    def _cache(self) -> str:
        return m.cache_of(self.file.thing, [each.name for each in self.rig.monitors])

    @rule(number=st.integers(0, 3), page=pages, count=counts)
    def map(self, number: int, page: int, count: int) -> None:
        space, start = self._space(number), LOW + page * PAGE
        self.rig.map(space, count * PAGE, RW, ANON | MAP_FIXED, start)
        self._clear(space, start, count)
        self.flat[space].update((start + index * PAGE, bytes(PAGE)) for index in range(count))

    @rule(number=st.integers(0, 3), page=pages, count=counts, first=st.integers(0, 3), private=st.booleans())
    def map_file(self, number: int, page: int, count: int, first: int, private: bool) -> None:
        space, start = self._space(number), LOW + page * PAGE
        flags = (MAP_PRIVATE if private else MAP_SHARED) | MAP_FIXED
        more = {"object": self.file.thing, "handle": self.handle, "offset": first * PAGE, "name": "/f"}
        self.rig.map(space, count * PAGE, RW, flags, start, **more)
        self._clear(space, start, count)
        table = self.flat if private else self.shared
        table[space].update((start + index * PAGE, first + index) for index in range(count))  # type: ignore[union-attr]

    @rule(number=st.integers(0, 3), page=pages, count=counts)
    def unmap(self, number: int, page: int, count: int) -> None:
        space, start = self._space(number), LOW + page * PAGE
        self.rig.layout(m.Unmap(space, start, count * PAGE))
        self._clear(space, start, count)

    @rule(number=st.integers(0, 3), page=pages, count=counts)
    def write(self, number: int, page: int, count: int) -> None:
        space = self._space(number)
        for address in range(LOW + page * PAGE, LOW + (page + count) * PAGE, PAGE):
            self.written += 1
            data = page_of(f"{space} wrote {self.written}")
            if address in self.shared[space]:
                index = self.shared[space][address]
                request = m.ObjectFlush(self.file.thing, self._handle(space, address), [index])
                self.rig.ask(request, data, to=self._cache())
                if index < FILE_PAGES:
                    self._file_contents[index] = data
                continue
            try:
                self.rig.flush(space, address, data)
            except LinuxError as error:
                assert error.errno == E.ENOMEM and self.memory_pages < 64
                continue
            if address in self.flat[space]:
                self.flat[space][address] = data

    def _handle(self, space: int, address: int) -> int:
        """The handle of the region at an address, as the processor knows it."""
        regions = self.rig.ask(m.Regions(space)).regions
        return next(region.handle for region in regions if region.start <= address < region.end)

    @property
    def _file_contents(self) -> dict[int, bytes]:
        if not hasattr(self, "_contents"):
            self._contents = {index: page_of(f"file {index}") for index in range(FILE_PAGES)}
        return self._contents

    @rule(number=st.integers(0, 3), page=pages, count=counts)
    def forget(self, number: int, page: int, count: int) -> None:
        space, start = self._space(number), LOW + page * PAGE
        regions = [region for region in self.rig.ask(m.Regions(space)).regions if not region.flags & MAP_SHARED]
        try:
            self.rig.ask(m.Advise(space, start, count * PAGE, mman.MADV_DONTNEED))
        except LinuxError as error:
            assert error.errno == E.ENOMEM
        for address in range(start, start + count * PAGE, PAGE):
            region = next((each for each in regions if each.start <= address < each.end), None)
            if address in self.flat[space] and region is not None:
                index = (address - region.start + region.offset) // PAGE
                self.flat[space][address] = bytes(PAGE) if region.object is None else index

    @rule(number=st.integers(0, 3), page=pages, to=pages, count=counts)
    def move(self, number: int, page: int, to: int, count: int) -> None:
        space, start, target = self._space(number), LOW + page * PAGE, LOW + to * PAGE
        flags = mman.MREMAP_MAYMOVE | mman.MREMAP_FIXED
        try:
            reply = self.rig.layout(m.Remap(space, start, count * PAGE, count * PAGE, flags, target))
        except LinuxError as error:
            assert error.errno in (E.EINVAL, E.EFAULT) or self.memory_pages < 64
            return
        if reply.errno:
            assert reply.errno == E.ENOMEM and self.memory_pages < 64
            self._clear(space, target, count)
            return
        for table in (self.flat[space], self.shared[space]):
            moving = {
                address: table.pop(address) for address in range(start, start + count * PAGE, PAGE) if address in table
            }
            for address in range(target, target + count * PAGE, PAGE):
                table.pop(address, None)
            table.update((address - start + target, what) for address, what in moving.items())  # type: ignore[arg-type]

    @precondition(lambda self: len(self.flat) < 4)
    @rule(number=st.integers(0, 3))
    def fork(self, number: int) -> None:
        parent = self._space(number)
        self.last_space += 1
        child = self.last_space
        self.rig.ask(m.Fork(parent, child))
        self.rig.owners[child] = dict(self.rig.owners[parent])
        self.flat[child], self.shared[child] = dict(self.flat[parent]), dict(self.shared[parent])

    @precondition(lambda self: len(self.flat) > 1)
    @rule(number=st.integers(0, 3))
    def exit(self, number: int) -> None:
        space = self._space(number)
        self.rig.ask(m.Exit(space))
        del self.flat[space], self.shared[space]

    @rule(index=st.integers(0, FILE_PAGES - 1))
    def write_file(self, index: int) -> None:
        self.written += 1
        data = page_of(f"call {self.written}")
        self.rig.ask(m.FileWrite(self.file.thing, self.handle, index * PAGE), data, to=self._cache())
        self._file_contents[index] = data

    @invariant()
    def all_see_what_they_should(self) -> None:
        for space, flat in self.flat.items():
            for address in range(LOW - PAGE, LOW + (PAGES + 6) * PAGE, PAGE):
                if address in self.shared[space]:
                    continue
                wanted = flat.get(address, E.EFAULT)
                if isinstance(wanted, int) and address in flat:
                    wanted = self._file_contents.get(wanted, E.EIO)
                try:
                    found: bytes | int = self.rig.read(space, address)
                except LinuxError as error:
                    found = error.errno
                assert found == wanted, (space, hex(address))

    def teardown(self) -> None:
        for space in self.flat:
            self.rig.ask(m.Exit(space))
        for index, wanted in self._file_contents.items():
            assert self.file.data[index * PAGE : (index + 1) * PAGE] == wanted, "all was written back"
        assert len(self.file.data) == FILE_PAGES * PAGE
        assert list(self.rig.storage.handles) == [self.handle]
        for figures in self.rig.figures():
            assert figures["frames_used"] == figures["page_cache_pages"] <= FILE_PAGES
            assert figures["spaces"] == figures["owned_spaces"] == figures["handles"] == 0
        assert set(self.rig.monitors[0].core.rooms.promised.values()) == {0}


class FlatThree(Flat):
    memories = 3


class FlatSpread(Flat):
    memories = 3
    placement = "spread"


class FlatTight(Flat):
    """So little memory that it runs out again and again."""

    memory_pages = 20


class FlatTightSpread(Flat):
    memories = 3
    placement = "spread"
    memory_pages = 20


def case(machine: type[Flat]) -> type:
    machine.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
    return machine.TestCase


TestFlat, TestFlatThree, TestFlatSpread = case(Flat), case(FlatThree), case(FlatSpread)
TestFlatTight, TestFlatTightSpread = case(FlatTight), case(FlatTightSpread)
