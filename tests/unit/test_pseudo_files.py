"""Reading, writing and seeking in made-up files, as the host's own do it."""

from __future__ import annotations

import os
import stat as host_stat
from typing import Any

import pytest
from kerneltask import contents, drain, look, new_task, terminal

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_RDONLY, O_RDWR, O_WRONLY, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET
from lego.linux.stat import S_IFCHR

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
TEXTS = ("/proc/meminfo", "/proc/self/stat", "/proc/self/cmdline", "/proc/sys/kernel/ostype")
CPU_LIST = "/sys/devices/system/cpu/online"


def errno_of(action: Any) -> int:
    with pytest.raises(LinuxError) as caught:
        action()
    return caught.value.errno


def sought(path: str, offset: int, whence: int) -> int:
    """The host's answer: a position, or minus the error."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.lseek(fd, offset, whence)
    except OSError as error:
        return -(error.errno or 0)
    finally:
        os.close(fd)


@pytest.mark.parametrize("path", [*TEXTS, "/dev/null", "/dev/zero", "/dev/urandom", CPU_LIST])
@pytest.mark.parametrize("whence", [SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 5])
@pytest.mark.parametrize("offset", [0, 5, -1])
def test_seeking_is_the_hosts(path: str, whence: int, offset: int) -> None:
    if path == CPU_LIST and not os.path.exists(path):
        pytest.skip("no sysfs here")
    if path == CPU_LIST and whence == SEEK_SET:
        pytest.skip("sysfs limits positions to a page, which nobody notices")
    if path.startswith("/proc/sys") and offset < 0 and whence in (SEEK_DATA, SEEK_HOLE):
        pytest.skip("default_llseek() compares signed, the others unsigned")
    task = new_task()
    file = look(task, path).open(task, 0)
    try:
        got = file.seek(task, offset, whence)
    except LinuxError as error:
        got = -error.errno
    if whence == 5 and path.startswith("/dev"):
        return  # Not asked of the device on the host.
    assert got == sought(path, offset, whence)


@pytest.mark.parametrize("name", DEVICES)
def test_devices_have_the_hosts_numbers(name: str) -> None:
    task = new_task()
    ours, theirs = look(task, f"/dev/{name}").stat(task), os.stat(f"/dev/{name}")
    assert (ours.mode, ours.rdev, ours.size) == (theirs.st_mode, theirs.st_rdev, theirs.st_size)
    assert host_stat.S_ISCHR(ours.mode)


def test_null_zero_and_full() -> None:
    task = new_task()
    null, zero, full = (look(task, f"/dev/{name}").open(task, O_RDWR) for name in ("null", "zero", "full"))
    assert [drain(file.read(task, 3)) for file in (null, zero, full)] == [b"", bytes(3), bytes(3)]
    assert [drain(file.pread(task, 3, 7)) for file in (null, zero, full)] == [b"", bytes(3), bytes(3)]
    assert [drain(file.write(task, b"abc")) for file in (null, zero)] == [3, 3]
    assert drain(null.pwrite(task, b"abc", 9)) == 3
    for data in (b"abc", b""):
        assert errno_of(lambda data=data: drain(full.write(task, data))) == E.ENOSPC
    assert [file.anonymous for file in (null, zero, full)] == [False, True, False]
    assert errno_of(lambda: null.truncate(task, 0)) == E.EINVAL
    assert errno_of(lambda: null.sync(task, False)) == E.EINVAL
    assert null.poll(task, 0x145) == 0x145


def test_random_comes_from_the_seed() -> None:
    first, second = new_task(seed=4), new_task(seed=4)
    read = [drain(look(task, "/dev/urandom").open(task, 0).read(task, 32)) for task in (first, second)]
    assert read[0] == read[1]
    assert drain(look(first, "/dev/random").open(first, 0).read(first, 32)) != read[0]
    assert drain(look(first, "/dev/random").open(first, 1).write(first, b"xyz")) == 3


def test_terminals() -> None:
    task = new_task()
    for name in ("tty", "console"):
        assert errno_of(lambda name=name: look(task, f"/dev/{name}").open(task, O_RDWR)) == E.ENXIO
    assert [entry.name for entry in look(task, "/dev/pts").entries(task)] == [".", ".."]
    terminal(task, "/dev/pts/4")
    file = look(task, "/dev/tty").open(task, O_WRONLY)
    assert (file.readable, file.writable) == (False, True)
    assert file is not task.process.files.get(1)
    node = look(task, "/dev/pts/4")
    assert node.stat(task) == task.process.files.get(0).stat(task)
    assert node.stat(task).kind == S_IFCHR
    assert [entry.name for entry in look(task, "/dev/pts").entries(task)][2:] == ["4"]
    terminal(task, "/dev/ttyS0")
    assert [entry.name for entry in look(task, "/dev/pts").entries(task)][2:] == []


def test_text_is_a_snapshot_until_it_is_read_from_the_beginning() -> None:
    task = new_task()
    file = look(task, "/proc/uptime").open(task, 0)
    assert drain(file.read(task, 3)) == b"0.0"
    task.meter.now_ns = 77 * 10**9
    assert drain(file.read(task, 99)) == b"0 0.00\n"
    assert drain(file.read(task, 99)) == b""
    file.seek(task, 0, SEEK_SET)
    assert drain(file.read(task, 2)) == b"77"
    file.unread(task, b"7")
    assert drain(file.read(task, 4)) == b"7.00"
    assert drain(file.pread(task, 2, 0)) == b"77"
    assert file.offset == 5


WRITES = {
    # What opening for writing, and then writing, ends in for root on the host.
    "/proc/meminfo": (0, E.EIO),
    "/proc/self/maps": (0, E.EINVAL),
    "/proc/self/cmdline": (0, E.EINVAL),
    "/proc/self/mounts": (0, E.EINVAL),
    "/proc/self/fdinfo/1": (0, E.EINVAL),
    "/proc/sys/kernel/ostype": (E.EACCES, 0),
    "/proc/sys/kernel/random/uuid": (E.EACCES, 0),
    CPU_LIST: (E.EACCES, 0),
}


def host_write(path: str) -> tuple[int, int]:
    try:
        fd = os.open(path, os.O_WRONLY)
    except OSError as error:
        return error.errno or 0, 0
    try:
        os.write(fd, b"x")
        return 0, 0
    except OSError as error:
        return 0, error.errno or 0
    finally:
        os.close(fd)


@pytest.mark.parametrize("path", list(WRITES))
def test_writing_what_is_read_only(path: str) -> None:
    opening, writing = WRITES[path]
    if os.getuid() == 0 and os.path.exists(path):
        assert host_write(path) == (opening, writing)
    task = new_task()
    node = look(task, path)
    if opening:
        assert errno_of(lambda: node.open(task, O_WRONLY)) == opening
    else:
        assert errno_of(lambda: drain(node.open(task, O_WRONLY).write(task, b"x"))) == writing


def test_writing_what_can_be_set() -> None:
    task = new_task()
    comm = look(task, "/proc/self/comm").open(task, O_RDWR)
    assert drain(comm.write(task, b"a name that is too long")) == 23
    assert contents(task, "/proc/self/comm") == "a name that is \n"
    adjust = look(task, "/proc/self/oom_score_adj").open(task, O_RDWR)
    drain(adjust.write(task, b" 500\n"))
    assert contents(task, "/proc/self/oom_score_adj") == "500\n"
    assert errno_of(lambda: drain(adjust.write(task, b"499"))) == E.EACCES
    for bad in (b"1001", b"x", b""):
        assert errno_of(lambda bad=bad: drain(adjust.write(task, bad))) == E.EINVAL
    adjust.truncate(task, 0)
    assert errno_of(lambda: look(task, "/proc/self/comm").open(task, O_RDONLY).truncate(task, 0)) == E.EINVAL


def test_file_systems_say_what_they_are() -> None:
    task = new_task()
    for path, magic in (("/proc", 0x9FA0), ("/sys", 0x62656572), ("/dev/null", 0x01021994), ("/dev/pts", 0x1CD1)):
        assert look(task, path).statfs(task).type == magic
    assert look(task, "/proc/stat").open(task, 0).statfs(task).type == 0x9FA0
