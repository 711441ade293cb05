"""The guest's times of files: what moves when, what the host's own changes do, what is forgotten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lego.linux.stat import Stat
from lego.observe.clock import Meter, current
from scomponent.stamps import Stamps

EPOCH_S = 1000
EPOCH_NS = EPOCH_S * 10**9


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of the host's, whose times are round numbers."""
    path = tmp_path / "file"
    path.write_bytes(b"text")
    os.utime(path, ns=(7 * 10**9, 8 * 10**9))
    return path


def at(ns: int) -> None:
    """Lets the request that is being served be one of that time."""
    current.meter = Meter(began_ns=ns)


def shown(stamps: Stamps, path: Path) -> tuple[int, int, int]:
    stat = stamps.view(Stat.of(os.stat(path)))
    return stat.atime_ns, stat.mtime_ns, stat.ctime_ns


def test_what_nobody_changed_has_the_times_of_the_host(file: Path) -> None:
    stat = Stat.of(os.stat(file))
    assert Stamps(EPOCH_S).view(stat) is stat


def test_each_change_moves_its_own_times(file: Path) -> None:
    stamps = Stamps(EPOCH_S)
    at(5)
    stamps.note(os.stat(file))
    assert shown(stamps, file) == (7 * 10**9, 8 * 10**9, EPOCH_NS + 5)
    at(50)
    stamps.note(os.stat(file), contents=True)
    assert shown(stamps, file) == (7 * 10**9, EPOCH_NS + 50, EPOCH_NS + 50)
    at(70)
    stamps.note(os.stat(file), fresh=True)
    assert shown(stamps, file) == (EPOCH_NS + 70,) * 3
    assert stamps.changed(os.stat(file)) == (EPOCH_NS + 70,) * 2


def test_times_that_are_set_are_those_of_the_host(file: Path) -> None:
    stamps = Stamps(EPOCH_S)
    at(5)
    stamps.note(os.stat(file), fresh=True)
    os.utime(file, ns=(7 * 10**9, 9 * 10**9))
    stamps.note_set(os.stat(file), accessed=False, contents=True)
    assert shown(stamps, file)[1:] == (9 * 10**9, EPOCH_NS + 6)
    os.utime(file, ns=(11 * 10**9, 9 * 10**9))
    stamps.note_set(os.stat(file), accessed=True, contents=False)
    assert shown(stamps, file) == (11 * 10**9, 9 * 10**9, EPOCH_NS + 7)


def test_a_time_that_is_the_clocks_is_that_of_the_change(file: Path) -> None:
    stamps = Stamps(EPOCH_S)
    at(70)
    os.utime(file, ns=(7 * 10**9, EPOCH_NS + 60))
    stamps.note_set(os.stat(file), accessed=True, contents=True, clock_ns=EPOCH_NS + 60)
    assert shown(stamps, file) == (7 * 10**9, EPOCH_NS + 60, EPOCH_NS + 60)
    stamps.note_set(os.stat(file), accessed=False, contents=True, clock_ns=EPOCH_NS + 60)
    assert shown(stamps, file) == (7 * 10**9, EPOCH_NS + 61, EPOCH_NS + 61)


def test_what_the_host_changes_shows(file: Path) -> None:
    stamps = Stamps(EPOCH_S)
    stamps.note(os.stat(file), fresh=True)
    os.utime(file, ns=(7 * 10**9, 21 * 10**9))
    found = shown(stamps, file)
    assert found[1:] == (21 * 10**9, os.stat(file).st_ctime_ns)
    os.chmod(file, 0o600)
    assert shown(stamps, file)[2] == os.stat(file).st_ctime_ns


def test_a_file_that_was_read_shows_when(file: Path) -> None:
    stamps = Stamps(EPOCH_S)
    at(5)
    stamps.note(os.stat(file), contents=True)
    at(30)
    os.utime(file, ns=(9 * 10**9, 8 * 10**9))
    assert shown(stamps, file)[0] == EPOCH_NS + 30
    at(40)
    assert shown(stamps, file)[0] == EPOCH_NS + 30


def test_no_two_changes_have_the_same_time(file: Path) -> None:
    stamps = Stamps(EPOCH_S)
    at(5)
    stamps.note(os.stat(file), contents=True)
    first = stamps.changed(os.stat(file))
    stamps.note(os.stat(file), contents=True)
    assert stamps.changed(os.stat(file)) == (first[0] + 1, first[1] + 1)


def test_the_next_run_finds_what_was_changed_in_its_past(file: Path, tmp_path: Path) -> None:
    stamps = Stamps(EPOCH_S)
    other = tmp_path / "other"
    other.touch()
    os.utime(other, ns=(3, 4))
    at(100)
    stamps.note(os.stat(file), fresh=True)
    at(900)
    stamps.note(os.stat(other), contents=False)
    stamps.end_run()
    assert shown(stamps, file) == (EPOCH_NS - 800,) * 3
    assert shown(stamps, other) == (3, 4, EPOCH_NS)
    at(50)
    stamps.note(os.stat(other), contents=True)
    stamps.end_run()
    assert shown(stamps, file)[1] == EPOCH_NS - 850 and shown(stamps, other)[1] == EPOCH_NS
    stamps.end_run()
    assert shown(stamps, file)[1] == EPOCH_NS - 850


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    stamps = Stamps(EPOCH_S, limit=2)
    paths = [tmp_path / str(number) for number in range(3)]
    for path in paths:
        path.touch()
        stamps.note(os.stat(path), fresh=True)
    assert len(stamps) == 2
    assert shown(stamps, paths[0])[1] == os.stat(paths[0]).st_mtime_ns
    assert shown(stamps, paths[2])[1] != os.stat(paths[2]).st_mtime_ns


def test_an_inode_that_is_used_again_begins_anew(file: Path) -> None:
    stamps = Stamps(EPOCH_S)
    at(5)
    stamps.note(os.stat(file), contents=True)
    at(6)
    stamps.note(os.stat(file), fresh=True)
    assert shown(stamps, file) == (EPOCH_NS + 6,) * 3


def test_without_an_epoch_nothing_is_kept(file: Path) -> None:
    stamps = Stamps(None)
    stamps.note(os.stat(file), fresh=True)
    stamps.note_set(os.stat(file), accessed=True, contents=True)
    stat = Stat.of(os.stat(file))
    assert len(stamps) == 0 and stamps.view(stat) is stat
