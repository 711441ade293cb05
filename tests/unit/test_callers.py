"""Requests that a storage component serves with somebody else's rights."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from guestfiles import VNODE, Guest, whole

from lego.fabric.wire import Request
from lego.linux.caller import FILE_CAPABILITIES, Caller
from lego.linux.errno import E, LinuxError
from lego.linux.fcntl import O_CREAT, O_RDONLY, O_RDWR, R_OK
from scomponent import callers, messages as m

SOMEBODY = Caller(1001, 1002, [1003], 0)
DAC_OVERRIDE = 1 << 1


def rights() -> list[str]:
    """What the host says of this very thread."""
    names = ("Uid", "Gid", "Groups", "CapEff", "CapPrm", "CapInh")
    lines = Path("/proc/thread-self/status").read_text().splitlines()
    return [line for line in lines if line.startswith(names)]


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "program").write_bytes(b"program")
    (tmp_path / "program").chmod(0o711)
    (tmp_path / "all").mkdir()
    (tmp_path / "all").chmod(0o777)
    tmp_path.chmod(0o755)
    with Guest([whole(tmp_path)]) as guest:
        yield guest


def behalf(request: Request, caller: Caller = SOMEBODY) -> m.OnBehalf:
    return m.OnBehalf(caller, request)  # type: ignore[arg-type]


def opening(path: str, flags: int = O_RDONLY, execute: bool = False) -> m.Open:
    return m.Open(VNODE, 0, path, flags, 0o644, execute=execute)


def test_the_file_belongs_to_who_asks_for_it(guest: Guest) -> None:
    stat = guest.call(behalf(opening("/all/new", O_CREAT | O_RDWR))).stat
    mine = (1001, 1002) if callers.can_act() else (os.geteuid(), os.getegid())
    assert (stat.uid, stat.gid) == mine
    stat = guest.open("/all/own", O_CREAT | O_RDWR).stat
    assert (stat.uid, stat.gid) == (os.geteuid(), os.getegid())


def test_nothing_leaks_into_the_next_request(guest: Guest) -> None:
    before = rights()
    for request in (opening("/secret"), opening("/missing"), m.PathStat(VNODE, 0, "/proc/1")):
        try:
            guest.call(behalf(request))
        except LinuxError as error:
            assert error.errno in (E.EACCES, E.ENOENT)
        assert rights() == before
        guest.close(guest.handle("/secret"))


def test_a_component_that_is_not_root_serves_with_its_own_rights(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "can_act", lambda: False)
    assert guest.call(behalf(opening("/secret"))).handle


def test_rights_are_those_of_one_thread_alone(guest: Guest) -> None:
    here = rights()
    seen: list[list[str]] = []
    with callers.acting_for(SOMEBODY):
        thread = threading.Thread(target=lambda: seen.append(rights()))
        main = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/status")
        assert main.exists()
        with callers.aside():
            assert rights() == here
            thread.start()
            thread.join()
    assert seen == [here]
    assert callers.acting() is None


def test_two_threads_at_once(guest: Guest) -> None:
    wrong: list[object] = []

    def ask(caller: Caller | None, number: int) -> None:
        for turn in range(100):
            path = f"/all/{number}.{turn}"
            request = opening(path, O_CREAT | O_RDWR)
            reply = guest.call(request if caller is None else behalf(request, caller))
            expected = os.geteuid() if caller is None or not callers.can_act() else caller.uid
            if reply.stat.uid != expected:
                wrong.append((path, reply.stat.uid, expected))
            guest.close(reply.handle)

    who = [None, SOMEBODY, Caller(1004, 1004, [], 0), None]
    threads = [threading.Thread(target=ask, args=(each, number)) for number, each in enumerate(who)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_capabilities_and_groups_count(guest: Guest, tmp_path: Path) -> None:
    if not callers.can_act():
        return
    guest.fails(E.EACCES, behalf(opening("/secret")))
    guest.fails(E.EACCES, behalf(m.Access(VNODE, 0, "/secret", R_OK)))
    assert guest.call(behalf(opening("/secret"), Caller(1001, 1002, [], DAC_OVERRIDE))).handle
    guest.fails(E.EACCES, behalf(m.Access(VNODE, 0, "/all/../secret", 1), Caller(0, 0, [], FILE_CAPABILITIES)))
    os.chown(tmp_path / "secret", 5, 1003)
    guest.fails(E.EACCES, behalf(opening("/secret"), Caller(0, 0, [], 0)))
    (tmp_path / "secret").chmod(0o640)
    assert guest.call(behalf(opening("/secret"))).handle


def test_who_may_execute_need_not_be_able_to_read(guest: Guest) -> None:
    if not callers.can_act():
        return
    guest.fails(E.EACCES, behalf(opening("/program")))
    handle = guest.call(behalf(opening("/program", execute=True))).handle
    assert guest.read(handle) == b"program"
    guest.fails(E.EACCES, behalf(opening("/secret", execute=True)))


def test_a_thread_that_cannot_go_back_fails_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    if not callers.can_act():
        return

    def fail(_: object) -> None:
        raise OSError(1, "no")

    with (
        pytest.raises(RuntimeError, match="its own rights"),
        monkeypatch.context() as patch,
        callers.acting_for(Caller(0, 0, [], FILE_CAPABILITIES)),
    ):
        patch.setattr(callers, "_set", fail)
    callers._put_back()
