"""lego.standing.record: the state folder, its lock and what is found in it."""

import contextlib
import errno
import os
import stat

import pytest

from lego.config import ConfigError, MachineConfig
from lego.standing import record
from lego.standing.attached import reachable
from lego.standing.record import Record


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LEGO_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def made(name="m", **changes):
    fields = {
        "name": name, "caretaker": "127.0.0.1:1", "key": bytes(range(32)), "host": "127.0.0.1",
        "addresses": {"G": "h:2"},
        "pids": {"G": 7}, "config": MachineConfig(ways=8, environment=("A=b",)), "follows": True, "since_s": 1.5,
        "ray": "127.0.0.1:3", "namespace": "lego-m-1", "directory": "",
    }  # fmt: skip
    return Record(**{**fields, **changes})


@contextlib.contextmanager
def caretaker(name, write=True):
    """Another process that keeps a machine."""
    ready, told = os.pipe()
    end, ended = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        record.hold(name)
        if write:
            record.write(made(name))
        os.write(told, b"x")
        os.read(end, 1)
        os._exit(0)
    os.close(end)
    assert os.read(ready, 1) == b"x"
    try:
        yield child
    finally:
        os.close(ended)
        os.waitpid(child, 0)
        for descriptor in (ready, told):
            os.close(descriptor)


def test_a_machine_is_found_while_it_is_kept(folder):
    assert record.find("m") is None and record.find_all() == [] and record.caretaker_of("m") == 0
    with caretaker("m") as pid:
        found = record.find("m")
        assert found.caretaker_pid == pid and found.record == made() and found.is_up
        assert reachable("m") == reachable(None) == made()
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert {stat.S_IMODE(os.stat(folder / each).st_mode) for each in os.listdir(folder)} == {0o600}
    gone = record.find("m")
    assert gone.caretaker_pid == 0 and gone.record == made() and not gone.is_up
    with pytest.raises(ConfigError, match=r"'m' is gone .*`lego up --name m` starts it anew"):
        reachable("m")
    record.forget("m")
    assert record.find("m") is None and os.listdir(folder) == []


def test_a_name_is_kept_by_one():
    with caretaker("m"):
        with pytest.raises(ConfigError, match="'m' is up already; `lego down m` ends it"):
            record.hold("m")
        with pytest.raises(ConfigError, match="up already"):
            record.forget("m")
        lock = record.hold("other")
        record.release("other", lock)
    lock = record.hold("m")  # The lock went with its caretaker.
    record.release("m", lock)


def test_a_machine_that_starts_has_no_record_yet():
    with caretaker("m", write=False) as pid:
        assert record.find("m") == ("m", pid, None)
        with pytest.raises(ConfigError, match="is starting"):
            reachable("m")


def test_which_machine_is_meant():
    with pytest.raises(ConfigError, match="no machine is up; `lego up` starts one"):
        record.only(None)
    with pytest.raises(ConfigError, match="no machine 'a' is up; `lego up` starts one"):
        record.only("a")
    with caretaker("b"), caretaker("a"):
        assert [found.name for found in record.find_all()] == ["a", "b"]
        assert record.only("b").name == "b"
        with pytest.raises(ConfigError, match="say which machine: a, b"):
            record.only(None)
        with pytest.raises(ConfigError, match="no machine 'c' is up; there are: a, b"):
            record.only("c")


def test_records_that_cannot_be_used(folder):
    record.open_folder()
    (folder / "m.json").write_bytes(b'{"name": "m"')
    assert record.find("m") == ("m", 0, None)
    record.write(made(format=99))
    assert record.find("m") == ("m", 0, None)
    record.forget("m")
    assert os.listdir(folder) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".a", "-a", "a b", "a" * 33, "ä"])
def test_names_that_cannot_be(name):
    with pytest.raises(ConfigError, match="cannot be a machine's name"):
        record.check_name(name)
    with pytest.raises(ConfigError):
        record.find(name)


def test_the_folder_is_for_its_owner_alone(folder):
    folder.mkdir(mode=0o755)
    with pytest.raises(ConfigError, match="must be a directory of yours with mode 0700"):
        record.hold("m")
    folder.rmdir()
    folder.write_text("")
    with pytest.raises(ConfigError, match="state folder"):
        record.hold("m")


def test_where_the_folder_is(tmp_path, monkeypatch):
    monkeypatch.delenv("LEGO_STATE_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert record.folder() == str(tmp_path / "lego")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    assert record.folder() == str(tmp_path / "run/lego")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert record.folder() == str(tmp_path / ".local/state/lego")


def test_a_folder_that_cannot_be_written_to(folder, monkeypatch):
    record.open_folder()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lego.standing.record.os.replace", full)
    with pytest.raises(ConfigError, match=r"state folder: .*: No space left on device; .LEGO_STATE_DIR names another"):
        record.write(made())
    assert not os.listdir(folder), "nothing half written stays"
    (folder / "m.lock").symlink_to("/etc/passwd")
    with pytest.raises(ConfigError, match=r"m\.lock: Too many levels of symbolic links"):
        record.hold("m")
