"""Placement, heap and stack by example; random calls against a model that keeps one entry a page."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lego.linux import mman
from lego.linux.errno import E, LinuxError
from lego.linux.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_GROWSDOWN, MAP_PRIVATE, MAP_SHARED
from lego.regions import PAGE, TASK_SIZE, ObjectId, Region
from mcomponent.address_space import MAX_MAP_COUNT, AddressSpace
from mcomponent.remapping import commit_remap, plan_remap

RW = mman.PROT_READ | mman.PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS
BASE = 0x7FFFF7FFF000
"""Where `setarch -R` puts the first mapping's end on the host."""


def new_space(**more: Any) -> AddressSpace:
    return AddressSpace(1 << 40, brk=0x600000, **more)


def add(space: AddressSpace, length: int, address: int = 0, flags: int = ANON, prot: int = RW) -> int:
    plan = space.plan_map(address, length, prot, flags)
    space.map(Region(plan.start, plan.start + plan.length, prot, plan.flags | MAP_ANONYMOUS))
    return plan.start


def refusal(action: Any, *arguments: Any, **more: Any) -> int:
    with pytest.raises(LinuxError) as refused:
        action(*arguments, **more)
    return refused.value.errno


# ---- placement --------------------------------------------------------------------------------------


def test_mappings_go_top_down_from_the_base() -> None:
    space = new_space()
    assert add(space, PAGE) == BASE - PAGE
    assert add(space, 3 * PAGE + 1) == BASE - 5 * PAGE
    assert len(space.regions) == 1, "alike neighbours are one"


def test_a_hole_is_filled_by_what_fits() -> None:
    space = new_space()
    starts = [add(space, 2 * PAGE) for _ in range(4)]
    space.unmap(starts[1], 2 * PAGE)
    assert add(space, 3 * PAGE) == starts[3] - 3 * PAGE
    assert add(space, PAGE) == starts[1] + PAGE
    assert add(space, PAGE) == starts[1]


def test_a_hint_is_taken_when_it_is_free() -> None:
    space = new_space()
    assert add(space, PAGE, address=0x12345678) == 0x12345000
    assert add(space, PAGE, address=0x12345000) == BASE - PAGE
    assert add(space, PAGE, address=1) == 0x10000, "round_hint_to_min"
    assert add(space, PAGE, address=TASK_SIZE) == BASE - 2 * PAGE


def test_fixed_addresses_are_checked() -> None:
    space = new_space()
    for address, errno in [
        (0x1001, E.EINVAL),
        (0, E.EPERM),
        (0xF000, E.EPERM),
        (TASK_SIZE, E.ENOMEM),
        ((1 << 64) - PAGE, E.ENOMEM),
    ]:
        assert refusal(add, space, PAGE, address, ANON | MAP_FIXED) == errno, hex(address)
    assert add(space, PAGE, TASK_SIZE - PAGE, ANON | MAP_FIXED) == TASK_SIZE - PAGE
    assert refusal(add, space, PAGE, TASK_SIZE - PAGE, ANON | mman.MAP_FIXED_NOREPLACE) == E.EEXIST


@pytest.mark.parametrize("length, errno", [(0, E.EINVAL), (1 << 47, E.ENOMEM), ((1 << 64) - 1, E.ENOMEM)])
def test_impossible_lengths(length: int, errno: int) -> None:
    assert refusal(add, new_space(), length) == errno


def test_flags_that_make_no_sense() -> None:
    space = new_space()
    for flags in (MAP_ANONYMOUS, MAP_ANONYMOUS | 3, ANON | MAP_SHARED | 4, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN):
        assert refusal(add, space, PAGE, 0, flags) == E.EINVAL
    assert refusal(space.plan_map, 0, PAGE, RW, MAP_PRIVATE, 100, True) == E.EINVAL
    assert refusal(space.plan_map, 0, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, 0, True) == E.EINVAL
    assert refusal(space.plan_map, 0, PAGE, RW, 3 | mman.MAP_SYNC, 0, True) == E.EOPNOTSUPP
    assert refusal(space.plan_map, 0, PAGE, RW, MAP_PRIVATE, (1 << 63) - PAGE, True) == E.EOVERFLOW
    assert refusal(space.plan_map, 0, PAGE, RW, ANON | mman.MAP_HUGETLB) == E.ENOMEM


def test_the_low_gigabyte_on_request() -> None:
    space = new_space()
    assert add(space, PAGE, flags=ANON | mman.MAP_32BIT) == 0x40000000
    assert add(space, PAGE, flags=ANON | mman.MAP_32BIT) == 0x40001000
    assert refusal(add, space, 0x40000000, 0, ANON | mman.MAP_32BIT) == E.ENOMEM


def test_stacks_keep_a_gap_from_what_is_placed_below() -> None:
    space = new_space()
    stack = add(space, PAGE, flags=ANON | MAP_GROWSDOWN)
    assert add(space, PAGE) == stack - 257 * PAGE


def test_only_so_many_mappings() -> None:
    space = new_space()
    for index in range(MAX_MAP_COUNT + 1):
        space.regions.insert(Region(BASE - (2 * index + 1) * PAGE, BASE - 2 * index * PAGE, RW, ANON))
    assert refusal(add, space, PAGE) == E.ENOMEM
    assert space.set_brk(0x700000, 1 << 40).address == 0x600000
    big = new_space()
    big.regions = space.regions
    big.unmap(BASE - 3 * PAGE, PAGE)
    assert add(big, 3 * PAGE, 0x10000000, ANON | MAP_FIXED) == 0x10000000
    assert refusal(big.unmap, 0x10001000, PAGE) == E.ENOMEM, "a hole would make one more"
    assert big.protect(0x10000000, 3 * PAGE, 0, lambda region: True).errno == 0
    assert refusal(big.protect, 0x10001000, PAGE, RW, lambda region: True) == E.ENOMEM


class SlowSearch(AddressSpace):
    """Placement by looking at every mapping."""

    def search(self, length: int) -> int | None:
        self._packed, self._hole = self.mmap_base, 0
        return super().search(length)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(0, 40)), max_size=60))
def test_the_shortcut_finds_what_the_whole_search_finds(steps: list[tuple[int, int, int]]) -> None:
    quick, slow = new_space(), SlowSearch(1 << 40)
    for kind, pages, place in steps:
        at = BASE - place * PAGE
        for space in (quick, slow):
            if kind == 0:
                space.unmap(at, pages * PAGE)
            elif kind == 1:
                add(space, pages * PAGE, at, ANON | MAP_FIXED)
            elif kind == 2:
                add(space, pages * PAGE, flags=ANON | (MAP_GROWSDOWN if place == 7 else 0))
            else:
                space.search(pages * PAGE)  # Found, but not taken.
        assert list(quick.regions) == list(slow.regions)


# ---- heap and stack -----------------------------------------------------------------------------------


def test_the_stack_grows_within_its_limit() -> None:
    space = new_space(stack_limit=64 * PAGE)
    top = TASK_SIZE
    add(space, 4 * PAGE, top - 4 * PAGE, ANON | MAP_FIXED | MAP_GROWSDOWN)
    change = space.grow_stack(top - 9 * PAGE + 5)
    assert change is not None and change.added[0].start == top - 9 * PAGE
    assert space.grow_stack(top - 9 * PAGE) is None, "it is there"
    assert space.grow_stack(top - 65 * PAGE) is None
    assert space.grow_stack(top - 64 * PAGE) is not None
    assert [(region.start, region.end) for region in space.regions] == [(top - 64 * PAGE, top)]


def test_a_mapping_that_may_not_be_accessed_is_guard_enough() -> None:
    space = new_space()
    stack = 0x7000_0000_0000
    add(space, PAGE, stack, ANON | MAP_FIXED | MAP_GROWSDOWN)
    below = add(space, PAGE, stack - 100 * PAGE, ANON | MAP_FIXED, prot=0)
    assert space.grow_stack(stack - 50 * PAGE) is not None
    space.protect(below, PAGE, mman.PROT_READ, lambda region: True)
    assert space.grow_stack(stack - 60 * PAGE) is None
    assert space.grow_stack(below - PAGE) is None


def test_brk_accepts_any_byte_and_maps_whole_pages() -> None:
    space = new_space()
    assert space.set_brk(0x600001, 1 << 40).added[0].end == 0x601000
    assert space.set_brk(0x600FFF, 1 << 40).added == []
    assert space.set_brk(0x600000, 1 << 40).removed == [(0x600000, 0x601000)]
    assert space.set_brk(0x600000 + (1 << 41), 1 << 62).address == 0x600000, "more than all memory"
    assert space.set_brk(TASK_SIZE + PAGE, 1 << 62).address == 0x600000
    assert space.set_brk(0x600FFF, 1 << 40, PAGE - 1).address == 0x600000, "no room for a page"
    assert space.set_brk(0x600FFF, 1 << 40, PAGE).address == 0x600FFF
    assert space.set_brk(0x600100, 1 << 40, 0).address == 0x600100


# ---- a model with an entry for every page ----------------------------------------------------------------

LOW, PAGES = 0x10000000, 14
places = st.integers(0, PAGES - 1).map(lambda page: LOW + page * PAGE)
sizes = st.integers(1, 6).map(lambda count: count * PAGE)
prots = st.sampled_from([0, 1, 3, 5])


class Model(RuleBasedStateMachine):
    """`pages` is page number to (rights, what is mapped): a file page is named by its index, anonymous memory
    and the heap by a word. What Linux does to ranges is said page by page."""

    def __init__(self) -> None:
        super().__init__()
        self.space = AddressSpace(1 << 40, brk=LOW + 2 * PAGE + 100)
        self.pages: dict[int, tuple[int, Any]] = {}
        self.brk = self.space.brk
        self.files = 0

    def _range(self, start: int, length: int) -> range:
        return range(start // PAGE, (start + length) // PAGE)

    @rule(start=places, length=sizes, prot=prots)
    def map_anonymous(self, start: int, length: int, prot: int) -> None:
        assert add(self.space, length, start, ANON | MAP_FIXED, prot) == start
        self.pages.update(dict.fromkeys(self._range(start, length), (prot, "memory")))

    @rule(start=places, length=sizes, prot=prots, offset=st.integers(0, 3))
    def map_file(self, start: int, length: int, prot: int, offset: int) -> None:
        self.files += 1
        plan = self.space.plan_map(start, length, prot, MAP_SHARED | MAP_FIXED, offset * PAGE, file=True)
        thing = ObjectId("S0", self.files)
        self.space.map(Region(start, start + length, prot, plan.flags, thing, offset * PAGE, 1))
        for index, page in enumerate(self._range(start, length)):
            self.pages[page] = (prot, (self.files, offset + index))

    @rule(start=places, length=sizes)
    def map_where_nothing_is(self, start: int, length: int) -> None:
        taken = any(page in self.pages for page in self._range(start, length))
        if taken:
            assert refusal(add, self.space, length, start, ANON | mman.MAP_FIXED_NOREPLACE) == E.EEXIST
        else:
            add(self.space, length, start, ANON | mman.MAP_FIXED_NOREPLACE)
            self.pages.update(dict.fromkeys(self._range(start, length), (RW, "memory")))

    @rule(start=places, length=sizes)
    def unmap(self, start: int, length: int) -> None:
        change = self.space.unmap(start, length)
        gone = [page for page in self._range(start, length) if self.pages.pop(page, None)]
        assert sum(piece.length for piece in change.taken) == len(gone) * PAGE
        assert bool(change.removed) == bool(gone)

    @rule(start=places, length=sizes, prot=prots, writable=st.booleans())
    def protect(self, start: int, length: int, prot: int, writable: bool) -> None:
        wanted = 0
        before = dict(self.pages)
        for page in self._range(start, length):
            if page not in self.pages:
                wanted = E.ENOMEM
                break
            rights, what = self.pages[page]
            if prot & 2 and isinstance(what, tuple) and not writable and rights != prot:
                wanted = E.EACCES
                break
            self.pages[page] = (prot, what)
        try:
            errno = self.space.protect(start, length, prot, lambda region: writable).errno
        except LinuxError as error:
            errno = error.errno
            assert self.pages == before, "only a call that changed nothing raises"
        assert errno == wanted

    @rule(start=places, old=sizes, new=sizes)
    def remap_in_place(self, start: int, old: int, new: int) -> None:
        region = self.space.regions.find(start)
        inside = region is not None and start + old <= region.end
        free = all(page not in self.pages for page in self._range(start + old, new - old))
        try:
            commit_remap(self.space, plan_remap(self.space, start, old, new, 0, 0))
            errno = 0
        except LinuxError as error:
            errno = error.errno
        if region is None:
            assert errno == E.EFAULT
        elif new <= old:
            assert errno == 0
            for page in self._range(start + new, old - new):
                self.pages.pop(page, None)
        elif not inside:
            assert errno == E.EFAULT
        elif start + old != region.end or not free:
            assert errno == E.ENOMEM
        else:
            assert errno == 0
            self._extend(start // PAGE, (start + old) // PAGE, (start + new) // PAGE)

    def _extend(self, first: int, end: int, new_end: int) -> None:
        prot, what = self.pages[end - 1]
        for page in range(end, new_end):
            self.pages[page] = (prot, (what[0], what[1] + page - end + 1) if isinstance(what, tuple) else what)

    @rule(start=places, to=places, length=sizes)
    def move(self, start: int, to: int, length: int) -> None:
        region = self.space.regions.find(start)
        flags = mman.MREMAP_MAYMOVE | mman.MREMAP_FIXED
        try:
            change = commit_remap(self.space, plan_remap(self.space, start, length, length, flags, to))
        except LinuxError as error:
            overlap = start < to + length and to < start + length
            wanted = E.EFAULT if region is None else E.EINVAL if overlap else E.EFAULT
            assert error.errno == wanted
            assert region is None or overlap or start + length > region.end
            return
        assert change.moved == (start, to, length)
        moving = [self.pages.pop(page) for page in self._range(start, length)]
        for page, what in zip(self._range(to, length), moving, strict=True):
            self.pages[page] = (what[0], "memory") if what[1] == "heap" else what

    @rule(pages=st.integers(-1, 12), more=st.sampled_from([0, 1, 200, PAGE - 1]), limit=st.sampled_from([6, 1 << 30]))
    def move_the_break(self, pages: int, more: int, limit: int) -> None:
        wanted = LOW + (2 + pages) * PAGE + more
        old, new = -(-self.brk // PAGE), -(-wanted // PAGE)
        start = LOW + 2 * PAGE + 100
        crowded = any(page in self.pages for page in range(old, new + 1)) if new > old else False
        if wanted < start or wanted - start > limit * PAGE or crowded:
            wanted = self.brk
        elif new > old:
            self.pages.update(dict.fromkeys(range(old, new), (RW, "heap")))
        else:
            for page in range(new, old):
                self.pages.pop(page, None)
        assert self.space.set_brk(LOW + (2 + pages) * PAGE + more, limit * PAGE).address == wanted
        self.brk = wanted

    @invariant()
    def same_pages(self) -> None:
        seen: dict[int, tuple[int, Any]] = {}
        end = 0
        for region in self.space.regions:
            assert region.start >= end and region.start < region.end
            end = region.end
            for index in range(region.length // PAGE):
                what: Any = "heap" if region.name else "memory"
                if region.object is not None:
                    what = (region.object.number, region.offset // PAGE + index)
                seen[region.start // PAGE + index] = (region.prot, what)
        assert seen == self.pages


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
