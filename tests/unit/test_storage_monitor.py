"""The storage monitor as a whole: dispatch, counters, virtual time, limits, shutdown, many callers at once."""

from __future__ import annotations

import json
import os
import random
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from guestfiles import VNODE, Guest, whole

from lego.fabric.network import Network
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_CREAT, O_RDONLY, O_RDWR
from lego.observe.clock import current
from scomponent import costs, messages as m
from scomponent.counters import StorageCounters
from scomponent.monitor import StorageMonitor, handle_limit
from scomponent.namespace import Namespace


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    (tmp_path / "file").write_bytes(bytes(8192))
    with Guest([whole(tmp_path)]) as guest:
        yield guest


def test_every_request_of_the_door_is_served(guest: Guest) -> None:
    assert set(guest.monitor._table) == set(m.DOOR.requests)


def test_counters(guest: Guest) -> None:
    handle = guest.handle("/file", O_RDWR)
    guest.read(handle, 0, 4096)
    guest.write(handle, b"abc")
    guest.call(m.SyncHandle(handle))
    guest.handle("/new", O_CREAT | O_RDWR)
    guest.stat("/proc/1")
    guest.fails(E.ENOENT, m.PathStat(VNODE, 0, "/missing"))
    guest.close(handle)
    counted = json.loads(guest.call(m.Statistics()).json)
    assert counted == {
        "name": "S0",
        "requests": {"Close": 1, "Open": 2, "PathStat": 2, "ReadAt": 1, "Statistics": 1, "SyncHandle": 1, "WriteAt": 1},
        "errors": {"ENOENT": 1},
        "opens": 2,
        "creates": 1,
        "lookups": 4,
        "elsewhere": 1,
        "reads": 1,
        "writes": 1,
        "bytes_read": 4096,
        "bytes_written": 3,
        "syncs": 1,
        "open_handles": 1,
    }
    assert set(StorageCounters.describe()) == set(counted) - {"name"}


def charged(guest: Guest, request: object, payload: bytes = b"") -> int:
    before = current.meter.now_ns
    guest.monitor.handle("P0", request, payload)
    return current.meter.now_ns - before


def test_virtual_time_is_the_paper_s(guest: Guest) -> None:
    handle = guest.handle("/file", O_RDWR)
    read, write = charged(guest, m.ReadAt(handle, 0, 4096)), charged(guest, m.WriteAt(handle, 0), bytes(4096))
    sync = charged(guest, m.SyncHandle(handle))
    assert 10**9 // read == 51_800, "51.8 thousand sequential reads of 4 KiB a second"
    assert 10**9 // (write + sync) == 34_600, "34.6 thousand writes with an fsync each"
    assert charged(guest, m.ReadAt(handle, 4096, 8192)) == read, "what was read counts, not what was asked for"
    assert charged(guest, m.PathStat(VNODE, 0, "/file")) == costs.METADATA_NS


def test_callers_are_charged_for_what_serving_took(guest: Guest) -> None:
    before = current.meter.now_ns
    guest.stat("/file")
    assert current.meter.now_ns - before >= costs.METADATA_NS + Network().round_trip_ns


def test_the_same_calls_charge_and_count_the_same(tmp_path: Path) -> None:
    runs = []
    for run in range(2):
        root = tmp_path / str(run)
        root.mkdir()
        before = current.meter.now_ns
        with Guest([whole(root)]) as guest:
            numbers = []
            for number in range(30):
                opened = guest.open(f"/{number % 7}", O_CREAT | O_RDWR)
                guest.write(opened.handle, bytes(number))
                numbers.append((opened.handle, opened.object))
                if number % 3:
                    guest.close(opened.handle)
                if number % 5 == 0:
                    guest.call(m.Remove(VNODE, 0, f"/{number % 7}"))
            runs.append((numbers, guest.monitor.statistics(), current.meter.now_ns - before))
    assert runs[0] == runs[1]


def test_nothing_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    before = sorted(os.listdir("/proc/self/fd"))
    with Guest([whole(tmp_path)]) as guest:
        steady = len(os.listdir("/proc/self/fd"))
        for _ in range(50):
            place = guest.handle("/a/b/../b")
            guest.stat("../../a", place=place)
            for bad in ("/a/x/y", "/a/b/" + "n" * 300, "../../../../x"):
                with pytest.raises(LinuxError):
                    guest.stat(bad, place=place)
            guest.close(place)
        assert len(os.listdir("/proc/self/fd")) == steady
        guest.handle("/a")
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_out_of_descriptors_is_enfile(guest: Guest) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(fd) for fd in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 20, hard))
    try:
        with pytest.raises(LinuxError) as caught:
            for _ in range(highest + 40):
                guest.handle("/file")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.errno == E.ENFILE
    assert guest.read(1, 0, 1) == b"\0", "what is open goes on working"


def test_the_limit_of_handles_follows_the_host_s(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"now": (1024, 4096)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.update(now=pair))
    assert handle_limit() == 4096 - 512
    assert limits["now"] == (4096, 4096)
    limits["now"] = (1 << 20, 1 << 20)
    assert handle_limit() == 65_536

    def refuse(_: int, pair: tuple[int, int]) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "setrlimit", refuse)
    limits["now"] = (600, resource.RLIM_INFINITY)
    assert handle_limit() == 88


def test_several_vnodes_have_trees_of_their_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "who").write_text(name)
    spaces = {1: Namespace([whole(tmp_path / "one")]), 2: Namespace([whole(tmp_path / "two")])}
    monitor = StorageMonitor("S0", spaces)
    try:
        for vnode, name in ((1, b"one"), (2, b"two")):
            opened, _ = monitor.handle("P0", m.Open(vnode, 0, "/../who", O_RDONLY), b"")
            assert isinstance(opened, m.OpenReply)
            assert monitor.handle("P0", m.ReadAt(opened.handle, 0, 9), b"")[1] == name
    finally:
        monitor.close_all()


def test_many_callers_at_once(guest: Guest, tmp_path: Path) -> None:
    """Each caller works on files of its own and on one that all share; nothing gets mixed up or lost."""
    failures: list[BaseException] = []

    def work(number: int) -> None:
        choice = random.Random(number)
        handle = guest.monitor.handle
        try:
            for turn in range(40):
                path = f"/{number}-{choice.randrange(5)}"
                opened, _ = handle(f"P{number}", m.Open(VNODE, 0, path, O_CREAT | O_RDWR, 0o600), b"")
                assert isinstance(opened, m.OpenReply)
                data = f"{number} {turn}".encode()
                handle("P", m.SetSize(opened.handle, 0), b"")
                handle("P", m.WriteAt(opened.handle, 0), data)
                assert handle("P", m.ReadAt(opened.handle, 0, 99), b"")[1] == data
                if choice.random() < 0.3:
                    handle("P", m.Remove(VNODE, 0, path), b"")
                handle("P", m.Close([opened.handle]), b"")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    counted = guest.monitor.statistics()
    assert (counted["opens"], counted["reads"], counted["writes"], counted["open_handles"]) == (240, 240, 240, 0)
