from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from lego.regions import PAGE
from pcomponent.excache import layout as at
from pcomponent.excache.cache import ExCache, geometry

SPACE = 1 << at.KEY_SPACE_SHIFT


class Recorder:
    """Stands in for the CPU: remembers what it was told to forget."""

    def __init__(self) -> None:
        self.flushes = 0
        self.changed: list[int | None] = []

    def flush_tlb(self) -> None:
        self.flushes += 1

    def flush_blocks(self) -> None:
        self.flushes += 1

    def code_changed(self, space: int | None) -> None:
        self.changed.append(space)


def make(sets: int, ways: int) -> ExCache:
    cache = ExCache(sets, ways)
    cache.translations = Recorder()
    return cache


def put(cache: ExCache, key: int, rights: int = 3, spare: bool = False) -> int:
    line = cache.choose(key, spare)
    cache.evict(line)
    cache.install(line, key, rights)
    return line


@pytest.mark.parametrize(
    "size, ways, expected",
    [
        (64 << 20, 64, (256, 64)),
        (64 * 4096, 64, (1, 64)),
        (64 * 4096, 4, (16, 4)),
        (100 * 4096, 8, (8, 8)),
        (3 * 4096, 64, (1, 3)),
        (1, 64, (1, 1)),
    ],
)
def test_geometry(size: int, ways: int, expected: tuple[int, int]) -> None:
    assert geometry(size, ways) == expected


def test_victims_leave_in_the_order_in_which_they_came() -> None:
    cache = make(1, 3)
    lines = [put(cache, SPACE | page) for page in range(3)]
    cache.find(SPACE | 0)  # Looking does not keep a line: it is FIFO, not LRU.
    assert [put(cache, SPACE | page) for page in range(3, 9)] == lines * 2
    assert cache.counters.evictions == 6


def test_a_key_goes_to_its_own_set() -> None:
    cache = make(4, 2)
    for page in range(16):
        assert put(cache, SPACE | page) // 2 == page % 4


def test_a_hole_is_filled_before_anything_is_evicted() -> None:
    cache = make(1, 4)
    lines = [put(cache, SPACE | page) for page in range(4)]
    cache.drop(lines[2])
    assert put(cache, SPACE | 9) == lines[2]
    assert cache.counters.evictions == 0
    assert len(cache) == 4


def test_the_tlb_is_flushed_once_and_only_when_something_is_stale() -> None:
    cache = make(1, 4)
    recorder = cache.translations
    assert isinstance(recorder, Recorder)
    lines = [put(cache, SPACE | page) for page in range(4)]
    cache.settle()
    before = recorder.flushes
    cache.settle()
    assert recorder.flushes == before
    cache.drop(lines[0])
    cache.set_rights(lines[1], 1)
    cache.clean(lines[2])
    cache.settle()
    assert recorder.flushes == before + 1


def recorder(cache: ExCache) -> Recorder:
    assert isinstance(cache.translations, Recorder)
    return cache.translations


def test_code_of_a_line_is_forgotten_when_the_line_changes_hands() -> None:
    cache = make(1, 1)
    cache.enter_code(put(cache, SPACE | 1))
    assert recorder(cache).changed == []
    line = put(cache, 2 * SPACE | 2)
    assert recorder(cache).changed == [1]
    cache.mark_dirty(line)
    assert recorder(cache).changed == [1]  # It was never executed.


def copy_of(cache: ExCache, line: int) -> int:
    assert cache.words[at.HEADER_WORDS + cache.lines + at.SPARES + line] & at.CODE
    return int(cache.words[at.HEADER_WORDS + 2 * (cache.lines + at.SPARES) + line])


def test_lines_with_the_same_contents_run_in_one_copy_and_written_ones_in_another() -> None:
    cache = make(1, 4)
    lines = [put(cache, (space + 1) * SPACE | 7) for space in range(3)]
    cache.line(lines[2])[:1] = b"x"
    for line in lines:
        cache.enter_code(line)
    copies = [copy_of(cache, line) for line in lines]
    assert copies[0] == copies[1] != copies[2]
    cache.mark_dirty(lines[0])
    cache.line(lines[0])[:1] = b"x"
    cache.enter_code(lines[0])
    assert copy_of(cache, lines[0]) == copies[2]
    assert bytes(cache.code.arena[copies[1] * PAGE : copies[1] * PAGE + PAGE]) == bytes(cache.line(lines[1]))
    cache.forget_code(lines[0])
    cache.enter_code(lines[0], alone=True)
    assert copy_of(cache, lines[0]) not in copies


def test_when_there_is_no_room_for_copies_all_code_is_forgotten() -> None:
    cache = make(1, 2)
    first, second = put(cache, SPACE | 1), put(cache, 2 * SPACE | 1)
    cache.enter_code(first)
    for value in range(1, at.COPIES + 1):
        cache.line(second)[:4] = value.to_bytes(4, "little")
        cache.forget_code(second)
        cache.enter_code(second)
    assert recorder(cache).changed[-1] is None
    assert not cache.words[at.HEADER_WORDS + cache.lines + at.SPARES + first] & at.CODE
    cache.enter_code(first)
    assert copy_of(cache, first) == 1


def test_spare_lines_serve_an_instruction_that_needs_more_than_a_set_has() -> None:
    cache = make(1, 1)
    home = put(cache, SPACE | 1)
    spares = [put(cache, SPACE | page, spare=True) for page in range(2, 10)]
    assert home not in spares and len(set(spares)) == 8
    assert sorted(cache.spares_in_use()) == sorted(spares)
    for line in spares:
        cache.evict(line)
    assert cache.spares_in_use() == []
    assert cache.words[at.SPARES_USED] == 0


@given(
    sets=st.sampled_from([1, 2, 4, 8]),
    ways=st.integers(1, 5),
    pages=st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=80),
)
def test_tables_agree_with_each_other(sets: int, ways: int, pages: list[tuple[int, bool]]) -> None:
    cache = make(sets, ways)
    model: dict[int, int] = {}
    for page, drop in pages:
        key = SPACE | page
        line = cache.find(key)
        assert (line >= 0) == (key in model)
        if drop:
            if line >= 0:
                cache.drop(line)
                del model[key]
        elif line < 0:
            line = cache.choose(key)
            old = cache.key(line)
            model.pop(old, None)
            cache.evict(line)
            cache.install(line, key, 3)
            model[key] = line
    assert len(cache) == len(model) <= sets * ways
    assert sorted(cache.lines_between(SPACE, SPACE + 100)) == sorted(model.values())
    assert sorted(cache.lines_between(SPACE | 3, SPACE | 9)) == sorted(
        line for key, line in model.items() if 3 <= key & at.PAGE_MASK < 9
    )
