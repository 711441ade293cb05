from __future__ import annotations

import pytest

from lego.linux.errno import E, LinuxError
from lego.regions import PAGE
from mcomponent.frames import Frames


def test_a_new_frame_never_shows_what_it_held_before() -> None:
    frames = Frames(2 * PAGE)
    first = frames.allocate(b"secret" * 600)
    frames.release(first)
    assert frames.allocate() == first, "the frame released last is used first"
    assert bytes(frames.view(first)) == bytes(PAGE)
    frames.release(first)
    frames.allocate(b"ab")
    assert bytes(frames.view(first)) == b"ab" + bytes(PAGE - 2)


def test_a_view_is_the_memory_itself() -> None:
    frames = Frames(4 * PAGE)
    frames.allocate(b"left")
    frame = frames.allocate()
    frames.view(frame)[10:14] = b"here"
    assert bytes(frames.view(frame))[8:16] == b"\0\0here\0\0"
    assert len(frames.view(frame)) == PAGE
    assert bytes(frames.view(0))[:4] == b"left"


def test_a_full_memory_refuses_and_stays_as_it_was() -> None:
    frames = Frames(3 * PAGE + 100)
    assert frames.total == 3
    for _ in range(3):
        frames.allocate()
    with pytest.raises(LinuxError) as refused:
        frames.allocate(b"x")
    assert refused.value.errno == E.ENOMEM
    assert (frames.used, frames.free, frames.peak) == (3, 0, 3)
    frames.release(1)
    assert (frames.used, frames.free, frames.peak) == (2, 1, 3)
    assert frames.allocate() == 1


def test_reclaim_is_asked_before_refusing() -> None:
    frames = Frames(2 * PAGE)
    held = [frames.allocate(), frames.allocate()]
    asked = []

    def reclaim() -> None:
        asked.append(frames.used)
        if held:
            frames.release(held.pop())

    frames.reclaim = reclaim
    frames.allocate()
    frames.allocate()
    assert asked == [2, 2]
    with pytest.raises(LinuxError):
        frames.allocate()


def test_a_shared_frame_lives_until_its_last_holder() -> None:
    frames = Frames(2 * PAGE)
    frame = frames.allocate(b"both")
    assert not frames.shared(frame)
    frames.share(frame)
    frames.share(frame)
    frames.release(frame)
    assert frames.shared(frame) and frames.used == 1
    frames.release(frame)
    assert not frames.shared(frame) and frames.used == 1
    frames.release(frame)
    assert frames.used == 0


def test_releasing_twice_is_a_defect_and_is_found() -> None:
    frames = Frames(2 * PAGE)
    frame = frames.allocate()
    frames.release(frame)
    with pytest.raises(AssertionError):
        frames.release(frame)
    with pytest.raises(AssertionError):
        frames.share(frame)


def test_a_memory_without_a_frame_cannot_be() -> None:
    with pytest.raises(ValueError, match="no room"):
        Frames(PAGE - 1)
