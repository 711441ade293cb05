from __future__ import annotations

from typing import Any

import pytest
from memory_rig import FakeFile, FakeStorage, page_of

from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.regions import PAGE, ObjectId
from mcomponent.counters import MemoryCounters
from mcomponent.frames import Frames
from mcomponent.page_cache import READAHEAD_MAX, PageCache


class Setup:
    def __init__(self, data: bytes = b"", frames: int = 64) -> None:
        self.storage = FakeStorage()
        self.file: FakeFile = self.storage.add("/f", data)
        self.thing = self.file.thing
        self.read_handle = self.storage.open("/f")
        self.handle = self.storage.open("/f", writable=True)
        self.frames = Frames(frames * PAGE)
        self.counters = MemoryCounters()
        self.meanwhile: Any = None
        self.cache = PageCache(self.frames, self.counters, self._call)

    def _call(self, to: str, request: Request, payload: Buffer) -> tuple[Any, Buffer]:
        assert to == "S0"
        answer = self.storage.handle("M0", request, payload)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return answer

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.cache.read(self.thing, self.read_handle, offset, length)[0])

    def page(self, index: int) -> bytes:
        return bytes(self.cache.pages(self.thing, self.read_handle, index)[0])

    def write(self, offset: int, data: bytes, append: bool = False) -> tuple[int, int]:
        return self.cache.write(self.thing, self.handle, offset, append, data)

    def store(self, **pages: bytes) -> None:
        self.cache.store(self.thing, self.handle, {int(name[1:]): data for name, data in pages.items()})


def pattern(length: int) -> bytes:
    return bytes((index * 7 + index // PAGE) % 251 for index in range(length))


# ---- reading ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "offset, length", [(0, 10), (0, 3 * PAGE), (PAGE - 3, 6), (5000, 9000), (12000, 999), (99999, 5)]
)
@pytest.mark.parametrize("frames", [2, 64])
def test_read_gives_the_bytes_of_the_file(offset: int, length: int, frames: int) -> None:
    data = pattern(3 * PAGE + 123)
    setup = Setup(data, frames)
    for _ in range(2):
        assert setup.read(offset, length) == data[offset : offset + length]


def test_the_second_read_asks_nobody() -> None:
    setup = Setup(pattern(4 * PAGE))
    setup.read(0, 2 * PAGE)
    setup.storage.asked.clear()
    setup.read(100, PAGE)
    assert setup.storage.asked == []
    assert setup.counters.page_cache_hits == 2


def test_a_sequential_reader_gets_more_and_more_ahead() -> None:
    setup = Setup(pattern(200 * PAGE), frames=400)
    for index in range(200):
        setup.read(index * PAGE, PAGE)
    assert setup.storage.asked.count("ReadAt") < 200 // READAHEAD_MAX + 4
    assert setup.counters.readahead_pages > 180


def test_a_random_reader_gets_little_ahead() -> None:
    setup = Setup(pattern(200 * PAGE), frames=400)
    for index in (150, 20, 90, 60):
        setup.page(index)
    assert setup.frames.used == 16


def test_the_last_page_is_zero_beyond_the_end() -> None:
    setup = Setup(b"abc")
    assert setup.page(0) == b"abc" + bytes(PAGE - 3)
    assert setup.page(0) == b"abc" + bytes(PAGE - 3), "from the cache too"


def test_a_page_beyond_the_end_is_an_io_error() -> None:
    setup = Setup(b"abc")
    for _ in range(2):
        with pytest.raises(LinuxError) as refused:
            setup.page(1)
        assert refused.value.errno == E.EIO
    assert setup.frames.used == 0 and not setup.cache.cached.objects


def test_several_pages_stop_at_the_end_of_the_file() -> None:
    data = pattern(5 * PAGE + 1)
    setup = Setup(data)
    pages = setup.cache.pages(setup.thing, setup.read_handle, 4, 16)
    assert b"".join(bytes(page) for page in pages) == data[4 * PAGE :].ljust(2 * PAGE, b"\0")


# ---- others change the file ---------------------------------------------------------------------------


def test_a_new_handle_sees_what_the_host_changed_between() -> None:
    setup = Setup(b"old contents")
    setup.read(0, 5)
    setup.file.data[:] = b"new contents"
    setup.storage.touch(setup.file)
    setup.read_handle = setup.storage.open("/f")
    assert setup.read(0, 12) == b"new contents"


def test_a_known_handle_validates_once() -> None:
    setup = Setup(pattern(PAGE))
    setup.read(0, 5)
    second = setup.storage.open("/f")
    for _ in range(3):
        setup.cache.read(setup.thing, second, 0, 5)
    assert setup.storage.asked.count("HandleStat") == 1


def test_a_reader_at_the_end_sees_what_was_appended_on_the_host() -> None:
    setup = Setup(b"one")
    assert setup.read(0, 10) == b"one"
    setup.file.data += b"two"
    setup.storage.touch(setup.file)
    assert setup.read(3, 10) == b"two"


def test_a_file_that_changes_while_it_is_read_is_not_cached_stale() -> None:
    setup = Setup(b"a" * 100)
    setup.meanwhile = lambda: setup.write(0, b"b" * 100)
    assert setup.read(0, 100) == b"b" * 100
    assert setup.read(0, 100) == b"b" * 100


# ---- writing ------------------------------------------------------------------------------------------


def test_a_write_reaches_storage_and_the_cached_pages() -> None:
    data = pattern(3 * PAGE)
    setup = Setup(data)
    setup.read(0, 3 * PAGE)
    assert setup.write(PAGE - 2, b"wxyz") == (4, 3 * PAGE)
    wanted = data[: PAGE - 2] + b"wxyz" + data[PAGE + 2 :]
    assert bytes(setup.file.data) == wanted
    setup.storage.asked.clear()
    assert setup.read(0, 3 * PAGE) == wanted
    assert setup.storage.asked == []


def test_an_append_tells_where_it_ended() -> None:
    setup = Setup(b"12345")
    setup.read(0, 5)
    assert setup.write(0, b"678", append=True) == (3, 8)
    assert setup.read(0, 100) == b"12345678"


def test_a_write_beyond_the_end_leaves_zeros_between() -> None:
    setup = Setup(b"abc")
    setup.read(0, 3)
    setup.store(p0=page_of("abcd"))  # A shared mapping wrote beyond the end, too.
    setup.write(PAGE + 1, b"!")
    assert setup.read(0, 2 * PAGE) == b"abc" + bytes(PAGE - 2) + b"!"


def test_a_refused_write_changes_nothing() -> None:
    setup = Setup(b"abc")
    setup.read(0, 3)
    setup.storage.refuse_writes = E.ENOSPC
    with pytest.raises(LinuxError) as refused:
        setup.write(0, b"xyz")
    assert refused.value.errno == E.ENOSPC
    assert setup.read(0, 3) == b"abc"


def test_a_short_write_changes_what_was_written() -> None:
    setup = Setup(b"abcdef")
    setup.read(0, 6)
    setup.storage.room = 2
    assert setup.write(0, b"xyz")[0] == 2
    assert setup.read(0, 6) == b"xycdef"


@pytest.mark.parametrize("size", [0, 10, PAGE, PAGE + 10, 3 * PAGE, 5 * PAGE])
def test_truncate_cuts_and_zeroes(size: int) -> None:
    data = pattern(2 * PAGE + 100)
    setup = Setup(data)
    setup.read(0, len(data))
    setup.cache.truncate(setup.thing, setup.handle, size)
    assert setup.read(0, 9 * PAGE) == data[:size].ljust(size, b"\0")
    setup.cache.truncate(setup.thing, setup.handle, 4 * PAGE)
    assert setup.read(0, 9 * PAGE) == data[: min(size, len(data))].ljust(4 * PAGE, b"\0")[: 4 * PAGE]


def test_truncate_drops_dirty_pages_beyond_the_end() -> None:
    setup = Setup(pattern(3 * PAGE))
    setup.store(p0=page_of("zero"), p2=page_of("two"))
    setup.cache.truncate(setup.thing, setup.handle, PAGE)
    setup.cache.sync(setup.thing)
    assert bytes(setup.file.data) == page_of("zero")


# ---- dirty pages ----------------------------------------------------------------------------------------


def test_dirty_pages_wait_for_sync_and_are_read_meanwhile() -> None:
    setup = Setup(pattern(4 * PAGE))
    before = bytes(setup.file.data)
    setup.store(p1=page_of("one"), p2=page_of("two"))
    assert bytes(setup.file.data) == before
    assert setup.read(PAGE, 2 * PAGE) == page_of("one") + page_of("two")
    setup.cache.sync(setup.thing)
    assert bytes(setup.file.data) == before[:PAGE] + page_of("one") + page_of("two") + before[3 * PAGE :]
    assert setup.storage.asked.count("WriteAt") == 1 and setup.counters.writebacks == 2
    setup.cache.sync(setup.thing)
    assert setup.storage.asked.count("WriteAt") == 1


def test_writing_back_never_makes_a_file_longer() -> None:
    setup = Setup(b"abc")
    setup.store(p0=page_of("xyz-and-more"), p1=page_of("beyond"))
    setup.cache.sync(setup.thing)
    assert bytes(setup.file.data) == b"xyz"
    assert setup.counters.dropped_flushes == 1
    assert setup.read(0, 99) == b"xyz"
    assert setup.page(0) == b"xyz" + bytes(PAGE - 3), "what was beyond the end is zero again, as on Linux"


def test_a_failed_write_back_is_told_once() -> None:
    setup = Setup(pattern(PAGE))
    setup.store(p0=page_of("lost"))
    setup.storage.refuse_writes = E.EIO
    setup.cache.sync(setup.thing, report=False)
    with pytest.raises(LinuxError) as refused:
        setup.cache.sync(setup.thing)
    assert refused.value.errno == E.EIO
    setup.cache.sync(setup.thing)
    assert setup.counters.writeback_errors == 1


def test_a_page_that_gets_dirty_while_it_is_written_is_written_again() -> None:
    setup = Setup(pattern(PAGE))
    setup.store(p0=page_of("first"))
    setup.cache.cached.objects[setup.thing].trust(setup.handle)

    def again() -> None:
        setup.meanwhile = lambda: setup.store(p0=page_of("second"))

    setup.meanwhile = again  # After the question for the size comes the write.
    setup.cache.sync(setup.thing)
    assert bytes(setup.file.data) == page_of("first")
    assert setup.read(0, PAGE) == page_of("second")
    setup.cache.sync(setup.thing)
    assert bytes(setup.file.data) == page_of("second")


def test_forget_writes_and_drops() -> None:
    setup = Setup(pattern(3 * PAGE))
    setup.read(0, 3 * PAGE)
    setup.store(p2=page_of("kept"))
    setup.cache.forget(setup.thing, PAGE, 0)
    assert bytes(setup.file.data[2 * PAGE :]) == page_of("kept")
    assert setup.frames.used == 1
    setup.file.data[0:3] = b"new"
    setup.storage.touch(setup.file)
    assert setup.read(0, 3) == b"new", "what was kept is looked at again"


# ---- want of frames ---------------------------------------------------------------------------------------


def test_the_page_used_longest_ago_goes_first() -> None:
    setup = Setup(pattern(40 * PAGE), frames=8)
    setup.cache.cached.get(setup.thing).window = 1
    for index in (0, 8):
        setup.page(index)
    cached = setup.cache.cached.objects[setup.thing]
    assert sorted(cached.pages) == [0, 1, 8, 9, 10, 11]
    setup.page(0)
    setup.cache.make_room(4)
    assert sorted(cached.pages) == [0, 9, 10, 11]


def test_reading_works_without_a_single_frame() -> None:
    data = pattern(20 * PAGE)
    setup = Setup(data, frames=3)
    held = [setup.frames.allocate() for _ in range(3)]
    assert setup.read(5, 18 * PAGE) == data[5 : 5 + 18 * PAGE]
    assert setup.page(3) == data[3 * PAGE : 4 * PAGE]
    assert setup.counters.uncached_pages > 0 and len(held) == setup.frames.used


def test_dirty_pages_are_written_to_make_room() -> None:
    setup = Setup(pattern(8 * PAGE), frames=4)
    setup.store(p0=page_of("a"), p1=page_of("b"), p2=page_of("c"), p3=page_of("d"))
    setup.store(p4=page_of("e"), p5=page_of("f"))
    assert bytes(setup.file.data[: 4 * PAGE]) == b"".join(page_of(each) for each in "abcd")
    setup.cache.sync(setup.thing)
    assert bytes(setup.file.data[4 * PAGE : 6 * PAGE]) == page_of("e") + page_of("f")


def test_no_room_for_dirty_pages_changes_nothing() -> None:
    setup = Setup(pattern(8 * PAGE), frames=4)
    setup.store(p0=page_of("a"))
    for _ in range(2):
        setup.frames.allocate()
    with pytest.raises(LinuxError) as refused:
        setup.store(p0=page_of("x"), p1=page_of("y"), p2=page_of("z"), p3=page_of("!"))
    assert refused.value.errno == E.ENOMEM
    assert setup.frames.free == 2, "the dirty page was written and given up to make room"
    assert setup.read(0, PAGE) == page_of("a")


# ---- shared anonymous memory ---------------------------------------------------------------------------


def test_anonymous_memory_lives_as_long_as_it_is_mapped() -> None:
    setup = Setup()
    shared = ObjectId("M0", 1)
    setup.cache.map_anonymous(shared, 4 * PAGE)
    setup.cache.map_anonymous(shared, 4 * PAGE)
    setup.cache.store(shared, 0, {2: page_of("two"), 3: page_of("three")})
    assert bytes(setup.cache.pages(shared, 0, 0)[0]) == bytes(PAGE)
    assert [bytes(each) for each in setup.cache.pages(shared, 0, 2, 9)] == [page_of("two"), page_of("three")]
    setup.cache.make_room(64)
    assert setup.frames.used == 2, "there is nowhere to write it"
    setup.cache.map_anonymous(shared, -4 * PAGE)
    assert setup.frames.used == 2
    setup.cache.map_anonymous(shared, -4 * PAGE)
    assert setup.frames.used == 0
    with pytest.raises(LinuxError) as refused:
        setup.cache.pages(shared, 0, 2)
    assert refused.value.errno == E.EFAULT
