from __future__ import annotations

from typing import Any

import pytest
from memory_rig import FakeStorage, pattern_bytes

from lego.fabric.wire import Buffer, Request
from lego.linux.errno import E, LinuxError
from lego.linux.stat import S_IFDIR, S_IFREG, Stat
from lego.regions import ObjectId
from mcomponent.storage_files import READ_BYTES_MAX, StorageFiles
from scomponent.messages import Close, Elsewhere, Open, OpenReply


def no_memory(thing: ObjectId, request: Request) -> tuple[Any, Buffer]:
    """No memory component is asked for files."""
    raise AssertionError(f"{request} about {thing}")


def test_reads_in_pieces_and_stops_at_the_end() -> None:
    storage = FakeStorage()
    data = pattern_bytes(2 * READ_BYTES_MAX + 100)
    storage.add("/program", data)
    files = StorageFiles(lambda to, request: storage.handle("M0", request, b""), "S0", no_memory)
    opened = files.open(1, 0, "/program")
    assert opened.read(50, len(data)) == data[50:]
    assert opened.read(len(data), 10) == b""
    assert opened.object == storage.files["/program"].thing and opened.path == "/program"
    assert opened.stat.size == len(data)
    opened.close()
    assert storage.handles == {}


def test_what_is_missing_says_so() -> None:
    storage = FakeStorage()
    files = StorageFiles(lambda to, request: storage.handle("M0", request, b""), "S0", no_memory)
    with pytest.raises(LinuxError) as refused:
        files.open(1, 0, "/nothing")
    assert refused.value.errno == E.ENOENT


@pytest.mark.parametrize(
    "answer, closes",
    [
        (Elsewhere("/proc/self/exe"), 0),
        (OpenReply(5, Stat(mode=S_IFDIR | 0o755), None, "/directory"), 1),
        (OpenReply(5, Stat(mode=S_IFREG | 0o644), ObjectId("S0", 1), "/text"), 1),
    ],
)
def test_what_cannot_be_executed_is_refused_and_closed(answer: Any, closes: int) -> None:
    asked: list[Request] = []

    def call(to: str, request: Request) -> tuple[Any, bytes]:
        asked.append(request)
        return (answer if isinstance(request, Open) else None), b""

    with pytest.raises(LinuxError) as refused:
        StorageFiles(call, "S0", no_memory).open(1, 0, "x")
    assert refused.value.errno == E.EACCES
    assert asked[1:] == [Close([5])] * closes
