"""Finding made-up files: symlinks within, out of and back into the tree, and what all nodes have in common."""

from __future__ import annotations

from typing import Any

import pytest
from kerneltask import call, contents, drain, leads, look, new_process, new_task, refused, terminal

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import DT_DIR, DT_LNK, O_RDONLY, O_RDWR, O_WRONLY
from lego.linux.stat import S_IFDIR, S_IFLNK, S_IFREG
from lego.regions import ObjectId
from pcomponent.files.regular import RegularFile
from pcomponent.process import WorkingDirectory
from pcomponent.pseudo.node import MountPoint
from pcomponent.pseudo.tree import PSEUDO


def walk(task: Any, node: Any, depth: int = 0) -> list[Any]:
    """All nodes below one, links not followed."""
    found = [node]
    if node.kind == S_IFDIR and not isinstance(node, MountPoint):
        for entry in node.entries(task)[2:]:
            found += walk(task, node.child(task, entry.name), depth + 1)
    return found


def test_paths_that_stay_inside() -> None:
    task = new_task()
    table = {
        "/proc": "/proc",
        "/proc/": "/proc",
        "/proc/self": "/proc/10",
        "/proc/./self/../10/stat": "/proc/10/stat",
        "/proc/thread-self/comm": "/proc/10/task/10/comm",
        "/proc/mounts": "/proc/10/mounts",
        "/dev/../sys//devices/system/cpu/online": "/sys/devices/system/cpu/online",
        "/dev/fd": "/proc/10/fd",
        "/proc/../proc/self/fd/../fdinfo/1": "/proc/10/fdinfo/1",
    }
    for path, canonical in table.items():
        assert look(task, path).path == canonical, path
    assert look(task, "/proc/self", follow=False).path == "/proc/self"
    assert look(task, "/proc/self/", follow=False).path == "/proc/10"
    assert look(task, "/dev/stdin", follow=False).readlink(task) == "/proc/self/fd/0"


def test_paths_that_lead_out() -> None:
    task = new_task()
    table = {
        "/proc/self/exe": "/usr/bin/prog",
        "/proc/self/cwd": "/work",
        "/proc/self/cwd/x/y": "/work/x/y",
        "/proc/self/cwd/../x/": "/work/../x/",
        "/proc/self/root": "/",
        "/proc/self/root/etc/passwd": "/etc/passwd",
        "/proc/self/root/../../../etc": "/../../../etc",
        "/proc/..": "/",
        "/proc/../../etc": "/etc",
        "/sys/../../..": "/",
        "/dev/shm/x": "/dev/shm/x",
        "/dev/shm": "/dev/shm",
    }
    for path, where in table.items():
        assert leads(task, path) == where, path
    assert leads(task, "/proc/self/exe/", follow=False) == "/usr/bin/prog/"
    assert look(task, "/proc/self/exe", follow=False).readlink(task) == "/usr/bin/prog"


def test_errors() -> None:
    task = new_task()
    table = {
        "/proc/foo": E.ENOENT,
        "/proc/99": E.ENOENT,
        "/proc/010": E.ENOENT,
        "/proc/self/fd/9": E.ENOENT,
        "/proc/self/foo": E.ENOENT,
        "/dev/mem": E.ENOENT,
        "/proc/cpuinfo/": E.ENOTDIR,
        "/proc/cpuinfo/.": E.ENOTDIR,
        "/proc/cpuinfo/..": E.ENOTDIR,
        "/proc/cpuinfo/x": E.ENOTDIR,
        "/dev/null/x": E.ENOTDIR,
        "/dev/" + "x" * 256: E.ENAMETOOLONG,
        "/dev/" + "x" * 255: E.ENOENT,
        "/proc/self/fd/0/x": E.ENOTDIR,
    }
    for path, errno in table.items():
        assert refused(task, path) == errno, path


def test_every_file_has_a_number_of_its_own_and_keeps_it() -> None:
    task, again = new_task(cores=3), new_task(cores=3)
    for name in ("proc", "dev", "sys"):
        nodes = walk(task, look(task, f"/{name}"))
        stats = [node.stat(task) for node in nodes]
        numbers = {(stat.dev, stat.ino) for stat in stats}
        assert len(numbers) == len(nodes)
        assert [node.stat(again) for node in walk(again, look(again, f"/{name}"))] == stats
        if name != "dev":
            assert len({stat.dev for stat in stats}) == 1
    assert len({look(task, path).stat(task).dev for path in ("/proc", "/dev", "/sys", "/dev/pts")}) == 4


def test_entries_agree_with_stat() -> None:
    task = new_task(cores=2)
    for path in ("/proc", "/proc/self", "/proc/self/fd", "/proc/self/task", "/dev", "/sys", "/proc/sys/kernel"):
        node = look(task, path)
        entries = node.entries(task)
        assert [entry.name for entry in entries[:2]] == [".", ".."]
        assert entries[0].ino == node.stat(task).ino
        for entry in entries[2:]:
            child = node.child(task, entry.name)
            stat = child.stat(task)
            assert (stat.ino, entry.kind) == (entry.ino, stat.mode >> 12)
        directories = sum(entry.kind == DT_DIR for entry in entries[2:])
        assert node.stat(task).nlink == 2 + directories
    assert [entry.name for entry in look(task, "/proc").entries(task)][-1] == "10"
    assert look(task, "/proc/self/fd").entries(task)[2].kind == DT_LNK
    with pytest.raises(LinuxError):
        look(task, "/proc/stat").entries(task)


def test_descriptors() -> None:
    task = new_task()
    for fd, (path, handle) in enumerate((("/data/file", 5), ("/data/gone", 6)), 3):
        task.kernel.storage.paths[handle] = path if handle == 5 else None
        task.process.files.install(task, RegularFile(O_RDWR, path, handle, ObjectId("S0", handle)))
        assert look(task, f"/proc/self/fd/{fd}", follow=False).stat(task).mode == S_IFLNK | 0o700
    assert leads(task, "/proc/self/fd/3") == "/data/file"
    task.kernel.storage.paths[5] = "/data/renamed"
    assert leads(task, "/dev/fd/3") == "/data/renamed"
    assert look(task, "/proc/self/fd/4", follow=False).readlink(task) == "/tmp/was here (deleted)"
    node = look(task, "/proc/self/fd/4")
    again = node.open(task, O_RDONLY)
    assert isinstance(again, RegularFile)
    assert (again.handle, again.offset, node.stat(task).kind) == (1006, 0, S_IFREG)
    names = [entry.name for entry in look(task, "/proc/self/fd").entries(task)]
    assert names == [".", "..", "0", "1", "2", "3", "4"]


def test_streams_are_shared() -> None:
    task = new_task()
    stream = task.process.files.get(1)
    assert look(task, "/dev/stdout").open(task, O_WRONLY) is stream
    assert look(task, "/proc/self/fd/1", follow=False).readlink(task) == "pipe:[1]"
    stream.flags = O_RDONLY
    with pytest.raises(LinuxError) as caught:
        look(task, "/dev/stdout").open(task, O_WRONLY)
    assert caught.value.errno == E.EACCES
    terminal(task)
    assert look(task, "/proc/self/fd/0").open(task, O_RDWR) is task.process.files.get(0)


def test_made_up_files_are_opened_again_by_path() -> None:
    task = new_task()
    file = look(task, "/proc/version").open(task, 0)
    fd = task.process.files.install(task, file)
    drain(file.read(task, 5))
    assert look(task, f"/proc/self/fd/{fd}").path == "/proc/version"
    assert look(task, f"/proc/self/fd/{fd}", follow=False).readlink(task) == "/proc/version"
    assert contents(task, f"/proc/self/fdinfo/{fd}").startswith("pos:\t5\nflags:\t00\nmnt_id:\t")
    assert f"ino:\t{look(task, '/proc/version').stat(task).ino}\n" in contents(task, f"/proc/self/fdinfo/{fd}")


def test_other_processes() -> None:
    task = new_task()
    other = new_process(task.kernel, 11, "other")
    assert contents(task, "/proc/11/comm") == "other\n"
    assert leads(task, "/proc/11/exe") == "/usr/bin/other"
    call(task, "setuid", 1000)
    assert refused(task, "/proc/11/exe") == E.EACCES
    assert refused(task, "/proc/11/fd/0") == E.EACCES
    for path in ("maps", "environ"):
        with pytest.raises(LinuxError) as caught:
            contents(task, f"/proc/11/{path}")
        assert caught.value.errno == E.EACCES
    assert contents(task, "/proc/11/cmdline") == "other\0-x\0"
    other.process.vnode = 2
    assert refused(task, "/proc/11") == E.ENOENT
    assert "11" not in [entry.name for entry in look(task, "/proc").entries(task)]


def test_a_process_that_ends_while_its_file_is_open() -> None:
    task = new_task()
    other = new_process(task.kernel, 11)
    files = {name: look(task, f"/proc/11/{name}").open(task, 0) for name in ("status", "cmdline")}
    other.process.status = 0
    assert b"State:\tZ (zombie)" in drain(files["status"].read(task, 9999))
    assert drain(files["cmdline"].read(task, 9999)) == b""
    assert refused(task, "/proc/11/exe") == E.ENOENT
    del task.kernel.processes[11]
    with pytest.raises(LinuxError) as caught:
        drain(files["status"].pread(task, 9, 0))
    assert caught.value.errno == E.ESRCH


def test_the_working_directory_is_where_it_is_now() -> None:
    task = new_task()
    task.process.working_directory = WorkingDirectory(9, "/old")
    task.kernel.storage.paths[9] = "/new"
    assert leads(task, "/proc/self/cwd/x") == "/new/x"
    task.process.working_directory = WorkingDirectory(0, "/proc/self")
    assert PSEUDO.lookup(task, "/proc/self/cwd", True).path == "/proc/10"


def test_a_loop_ends() -> None:
    task = new_task()
    task.process.working_directory = WorkingDirectory(0, "/proc/self/cwd")
    assert refused(task, "/proc/self/cwd") == E.ELOOP
