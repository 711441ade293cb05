from __future__ import annotations

import pytest

from lego.linux.errno import LinuxError
from lego.regions import PAGE
from mcomponent.frames import Frames
from mcomponent.page_table import PageTable


def page(letter: str) -> bytes:
    return letter.encode() * PAGE


def contents(frames: Frames, table: PageTable, number: int) -> bytes:
    return bytes(frames.view(table.entries[number]))[:1]


def test_storing_twice_uses_one_frame() -> None:
    frames = Frames(8 * PAGE)
    table = PageTable(frames)
    assert table.store(7, page("a")) is False
    assert table.store(7, page("b")) is False
    assert frames.used == 1 and contents(frames, table, 7) == b"b"


def test_a_copy_is_independent_whoever_writes_first() -> None:
    frames = Frames(8 * PAGE)
    parent = PageTable(frames)
    parent.store(1, page("a"))
    parent.store(2, page("b"))
    child = parent.copy()
    assert frames.used == 2
    assert child.store(1, page("c")) is True
    assert parent.store(2, page("d")) is True
    assert frames.used == 4
    assert parent.store(1, page("e")) is False, "the last holder writes in place"
    seen = [contents(frames, table, number) for table in (parent, child) for number in (1, 2)]
    assert seen == [b"e", b"d", b"c", b"b"]
    parent.clear()
    child.clear()
    assert frames.used == 0


def test_copy_on_write_without_a_frame_changes_nothing() -> None:
    frames = Frames(PAGE)
    parent = PageTable(frames)
    parent.store(1, page("a"))
    child = parent.copy()
    with pytest.raises(LinuxError):
        child.store(1, page("b"))
    assert contents(frames, child, 1) == b"a" == contents(frames, parent, 1)
    parent.clear()
    assert child.store(1, page("b")) is False


@pytest.mark.parametrize("start, end", [(0, 1 << 40), (3 * PAGE, 5 * PAGE), (0, 0), (4 * PAGE, 5 * PAGE)])
def test_ranges_sparse_and_dense(start: int, end: int) -> None:
    frames = Frames(32 * PAGE)
    table = PageTable(frames)
    for number in (9, 3, 4, 5, 200):
        table.store(number, page("x"))
    inside = [number for number in (3, 4, 5, 9, 200) if start <= number * PAGE < end]
    assert table.pages(start, end) == inside
    assert table.count(start, end) == len(inside)
    table.release(start, end)
    assert len(table) == frames.used == 5 - len(inside)
    assert table.pages(start, end) == []


def test_a_move_carries_contents_and_leaves_nothing() -> None:
    frames = Frames(8 * PAGE)
    table = PageTable(frames)
    table.store(10, page("a"))
    table.store(12, page("b"))
    table.store(13, page("c"))
    table.move(10 * PAGE, 100 * PAGE, 3 * PAGE)
    assert sorted(table.entries) == [13, 100, 102]
    assert contents(frames, table, 100) + contents(frames, table, 102) == b"ab"
    table.move(100 * PAGE, 50 * PAGE, 3 * PAGE)
    assert sorted(table.entries) == [13, 50, 52]
