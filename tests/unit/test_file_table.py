"""Descriptors: which numbers are given out, what is shared, and when a file is closed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_PATH
from pcomponent.files.base import OpenFile
from pcomponent.files.table import FileTable
from pcomponent.rlimits import Limit, Limits, Resource


class Spy(OpenFile):
    def __init__(self, flags: int = 2, failure: Exception | None = None) -> None:
        super().__init__(flags)
        self.closed = 0
        self.failure = failure

    def close(self, task: Any) -> None:
        self.closed += 1
        if self.failure:
            raise self.failure


@pytest.fixture
def task() -> Any:
    return SimpleNamespace(process=SimpleNamespace(limits=Limits()))


def limit(task: Any, files: int) -> None:
    task.process.limits.set(Resource.NOFILE, Limit(files, files), privileged=True)


def fails(errno: int, call: Any, *arguments: Any) -> None:
    with pytest.raises(LinuxError) as caught:
        call(*arguments)
    assert caught.value.errno == errno, caught.value


def test_the_lowest_number_is_given_out(task: Any) -> None:
    table = FileTable()
    assert [table.install(task, Spy()) for _ in range(4)] == [0, 1, 2, 3]
    table.close(task, 2)
    table.close(task, 1)
    assert [table.install(task, Spy()) for _ in range(3)] == [1, 2, 4]
    assert table.duplicate(task, 0, lowest=3) == 5
    assert table.duplicate(task, 0, lowest=10) == 10
    assert table.install(task, Spy()) == 6


def test_a_full_table_is_emfile_and_nothing_is_lost(task: Any) -> None:
    limit(task, 3)
    table = FileTable()
    for _ in range(3):
        table.install(task, Spy())
    fails(E.EMFILE, table.free, task)
    fails(E.EMFILE, table.install, task, Spy())
    fails(E.EMFILE, table.duplicate, task, 0)
    fails(E.EINVAL, table.duplicate, task, 0, False, 3)
    fails(E.EBADF, table.replace, task, 0, 3)
    table.close(task, 1)
    assert table.install(task, Spy()) == 1


def test_a_lower_limit_leaves_higher_descriptors_open(task: Any) -> None:
    table, file = FileTable(), Spy()
    table.install(task, file)
    table.replace(task, 0, 9)
    limit(task, 2)
    assert table.get(9) is file
    assert table.install(task, Spy()) == 1
    fails(E.EMFILE, table.install, task, Spy())


def test_the_last_descriptor_closes_the_file(task: Any) -> None:
    table, file = FileTable(), Spy()
    table.install(task, file)
    table.duplicate(task, 0)
    table.close(task, 0)
    assert not file.closed
    table.close(task, 1)
    assert file.closed == 1
    fails(E.EBADF, table.close, task, 1)


def test_close_tells_an_error_and_gives_the_number_back(task: Any) -> None:
    table = FileTable()
    table.install(task, Spy(failure=LinuxError(E.EIO)))
    fails(E.EIO, table.close, task, 0)
    fails(E.EBADF, table.get, 0)
    table.install(task, Spy(failure=LinuxError(E.EIO)))
    table.install(task, Spy())
    assert table.replace(task, 1, 0) == 0  # dup2 does not tell it.


def test_replace_closes_what_was_there(task: Any) -> None:
    table, old, new = FileTable(), Spy(), Spy()
    table.install(task, old, close_on_exec=True)
    table.install(task, new)
    assert table.replace(task, 1, 0) == 0
    assert old.closed == 1
    assert table.get(0) is new
    assert not table.closes_on_exec(0)
    fails(E.EBADF, table.replace, task, 5, 0)
    fails(E.EBADF, table.replace, task, 0, -1)
    assert not new.closed


def test_close_on_exec_belongs_to_the_descriptor(task: Any) -> None:
    table, file = FileTable(), Spy()
    table.install(task, file, close_on_exec=True)
    table.duplicate(task, 0)
    assert table.closes_on_exec(0)
    assert not table.closes_on_exec(1)
    table.close_on_exec(task)
    fails(E.EBADF, table.get, 0)
    assert table.get(1) is file
    assert not file.closed
    table.set_close_on_exec(1, True)
    table.close(task, 1)
    table.install(task, Spy())
    assert not table.closes_on_exec(0)


def test_ranges(task: Any) -> None:
    table = FileTable()
    spies = [Spy() for _ in range(6)]
    for spy in spies:
        table.install(task, spy)
    table.mark_range(4, 100)
    assert [table.closes_on_exec(fd) for fd in range(6)] == [False] * 4 + [True] * 2
    table.close_range(task, 2, 1 << 31)
    assert [fd for fd, _ in table.descriptors()] == [0, 1]
    assert [spy.closed for spy in spies] == [0, 0, 1, 1, 1, 1]


def test_o_path_descriptors_are_only_found_by_get_any(task: Any) -> None:
    table, file = FileTable(), Spy(flags=O_PATH)
    table.install(task, file)
    fails(E.EBADF, table.get, 0)
    assert table.get_any(0) is file
    assert not file.readable
    assert not file.writable


def test_a_copy_shares_open_files(task: Any) -> None:
    parent, file = FileTable(), Spy()
    parent.install(task, file, close_on_exec=True)
    child = parent.copy()
    assert child.closes_on_exec(0)
    parent.close_all(task)
    assert not file.closed
    assert len(parent) == 0
    child.close_all(task)
    assert file.closed == 1


def test_close_all_goes_on_when_a_component_is_gone(task: Any) -> None:
    table, last = FileTable(), Spy()
    table.install(task, Spy(failure=ConnectionError("gone")))
    table.install(task, last)
    with pytest.raises(ConnectionError):
        table.close_all(task)
    assert last.closed == 1
    assert len(table) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("oodcr"), st.integers(0, 7), st.integers(0, 7)), max_size=60))
def test_against_a_plain_model(steps: list[tuple[str, int, int]]) -> None:
    task = SimpleNamespace(process=SimpleNamespace(limits=Limits()))
    limit(task, 8)
    table, model, opened = FileTable(), {}, []

    def lowest(start: int) -> int | None:
        return next((fd for fd in range(start, 8) if fd not in model), None)

    for kind, a, b in steps:
        if kind == "o":
            file, expected = Spy(), lowest(0)
            try:
                assert table.install(task, file) == expected
                model[expected] = file
                opened.append(file)
            except LinuxError as error:
                assert error.errno == E.EMFILE
                assert expected is None
        elif a not in model:
            fails(E.EBADF, {"d": table.duplicate, "c": table.close, "r": table.replace}[kind], task, a, *(
                [] if kind == "c" else [b] if kind == "r" else [False, b]
            ))  # fmt: skip
        elif kind == "d" and lowest(b) is not None:
            expected = lowest(b)
            assert table.duplicate(task, a, lowest=b) == expected
            model[expected] = model[a]
        elif kind == "c":
            table.close(task, a)
            del model[a]
        elif kind == "r" and a != b:
            table.replace(task, a, b)
            model[b] = model[a]
        assert table.descriptors() == sorted(model.items())
        assert [file.closed for file in opened] == [int(file not in model.values()) for file in opened]
