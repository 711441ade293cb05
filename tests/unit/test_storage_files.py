"""Handles and identities: what is shared, what is kept, what is never used again."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_PATH, O_RDONLY, O_RDWR
from lego.linux.stat import S_IFREG
from scomponent import files as files_module
from scomponent.files import Files, Identities, OpenFile
from scomponent.mounts import Mounted


def opened(path: Path, flags: int = O_RDWR) -> OpenFile:
    return OpenFile(1, os.open(path, os.O_RDWR), S_IFREG, flags, Mounted(-1, "/", True), None, str(path))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "f"
    path.write_bytes(b"x")
    return path


def test_identities_are_shared_by_all_names_and_handles(file: Path, tmp_path: Path) -> None:
    os.link(file, tmp_path / "other")
    files = Files("S3")
    first, second = opened(file), opened(tmp_path / "other", O_RDONLY)
    assert files.add(first) != files.add(second)
    assert first.object == second.object
    assert first.object is not None
    assert first.object.store == "S3"
    path_only = opened(file, O_PATH)
    files.add(path_only)
    assert path_only.object is None
    files.close_all()
    assert len(files) == 0


@pytest.mark.parametrize("generations", [True, False])
def test_a_new_file_in_an_old_inode_is_another_file(
    file: Path, generations: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File systems such as ext4 use an inode again at once; here many times, with and without generations."""
    if not generations:
        monkeypatch.setattr(files_module, "generation", lambda fd: None)
    files = Files("S0")
    seen = set()
    inodes = []
    for _ in range(20):
        one = opened(file)
        handle = files.add(one)
        assert one.object is not None
        seen.add(one.object.number)
        inodes.append(os.fstat(one.fd).st_ino)
        file.unlink()
        files.close([handle])
        file.write_bytes(b"y")
    assert len(seen) == 20, f"a number was used again; inodes {inodes}"


def test_a_file_that_is_opened_again_keeps_its_number_if_that_is_safe(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_module, "generation", lambda fd: (1, b"generation 7"))
    identities = Identities("S0")
    fd = os.open(file, os.O_RDONLY)
    first = identities.acquire(fd)
    identities.release(first)
    assert identities.acquire(fd) == first
    identities.release(first)
    monkeypatch.setattr(files_module, "generation", lambda fd: (1, b"generation 8"))
    assert identities.acquire(fd) != first
    monkeypatch.setattr(files_module, "generation", lambda fd: None)
    without = identities.acquire(fd)
    assert identities.acquire(fd) == without
    identities.release(without)
    identities.release(without)
    assert identities.acquire(fd) != without
    os.close(fd)


def test_closed_identities_are_not_kept_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "CLOSED_IDENTITIES_MAX", 3)
    monkeypatch.setattr(files_module, "generation", lambda fd: (1, b"same"))
    identities = Identities("S0")
    numbers = []
    for number in range(5):
        path = tmp_path / str(number)
        path.touch()
        fd = os.open(path, os.O_RDONLY)
        identity = identities.acquire(fd)
        identities.release(identity)
        os.close(fd)
        numbers.append(identity.number)
    assert numbers == [1, 2, 3, 4, 5]
    fds = [os.open(tmp_path / str(number), os.O_RDONLY) for number in (4, 0)]
    assert [identities.acquire(fd).number for fd in fds] == [5, 6]
    for fd in fds:
        os.close(fd)


def test_descriptors_are_closed_with_the_last_handle_and_the_last_user(file: Path) -> None:
    files = Files("S0")
    one = opened(file)
    handle = files.add(one)
    copy, same = files.duplicate(handle)
    assert same is one
    files.close([handle])
    os.fstat(one.fd)
    with files.use(copy) as used:
        files.close([copy])
        assert os.pread(used.fd, 1, 0) == b"x", "in use: still open"
        with pytest.raises(LinuxError), files.use(copy):
            pass
    with pytest.raises(OSError):
        os.fstat(one.fd)


def test_a_full_table(file: Path) -> None:
    files = Files("S0", limit=2)
    before = len(os.listdir("/proc/self/fd"))
    handle = files.add(opened(file))
    files.duplicate(handle)
    for refused in (lambda: files.add(opened(file)), lambda: files.duplicate(handle)):
        with pytest.raises(LinuxError) as caught:
            refused()
        assert caught.value.errno == E.ENFILE
    files.close([handle])
    files.add(opened(file))
    files.close_all()
    assert len(os.listdir("/proc/self/fd")) == before


def test_handles_used_and_closed_by_many_threads(file: Path) -> None:
    """A reader never sees a descriptor that was closed, or that is another file by now."""
    other = file.with_name("other")
    other.write_bytes(b"WRONG")
    files = Files("S0")
    handles = [files.add(opened(file)) for _ in range(300)]
    wrong: list[object] = []

    def read() -> None:
        for handle in handles:
            try:
                with files.use(handle) as used:
                    data = os.pread(used.fd, 5, 0)
                if data != b"x":
                    wrong.append(data)
            except LinuxError as error:
                assert error.errno == E.EBADF
            except OSError as error:
                wrong.append(error)

    def close() -> None:
        for handle in handles:
            files.close([handle])
            os.close(os.open(other, os.O_RDONLY))

    threads = [threading.Thread(target=work) for work in (read, close, read, close)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(files) == 0
