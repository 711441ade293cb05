"""Bringing a machine up, and taking it down, from a command that does not wait for it.

Taking down works in every state that a machine can be in: while it starts, when it has lost a component, when its
caretaker was killed or does not answer, when the host was restarted. What is left of it then is found by its record.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import msgspec

import lego
from lego.config import SCRATCH_BASES, ConfigError, MachineConfig
from lego.fabric.errors import FabricError
from lego.fabric.wire import Request
from lego.linux.errno import E, LinuxError
from lego.standing import record
from lego.standing.attached import CARETAKER, Attached
from lego.standing.messages import Stop
from lego.standing.order import Answer, Order
from lego.standing.record import Found, Record
from pcomponent.messages import Kill, Processes, ProcessRow

TERMINATE_S, KILL_S = 2.0, 2.0
"""Host time that programs have after SIGTERM, and after SIGKILL."""
STOP_S = 20.0
"""What a caretaker may take to end everything."""
POLL_S = 0.05
ANSWER_S = 5.0
RAY_DIRECTORIES = tuple(f"{base}/lego-" for base in SCRATCH_BASES)


# ---- up --------------------------------------------------------------------------------------------------


def bring_up(name: str, config: MachineConfig, follows: bool, ray: str = "") -> None:
    """Starts a machine that stays when this process ends; returns when it is up. `ray`: the address of a Ray to join.
    Raises `ConfigError` when one of that name is up, `FabricError` when it does not start."""
    record.check_name(name)
    found = record.find(name)
    if found is not None and found.caretaker_pid:
        raise ConfigError("", f"a machine {name!r} is up already; `lego down {name}` ends it")
    if found is not None:
        take_down(found)  # What is left of one that is gone.
    record.open_folder()
    log = _log(name)
    caretaker = _start_caretaker(log)
    try:
        text = _order(caretaker, Order(name, config, follows, ray))
    except BaseException:  # Ctrl-C: it ends once it has started.
        caretaker.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            caretaker.wait(STOP_S)
        _remove_log(name)
        raise
    if not text:
        raise FabricError(CARETAKER, f"it ended while the machine started (status {caretaker.wait(STOP_S)}); see {log}")
    answer = msgspec.json.decode(text, type=Answer)
    if answer.failure:
        caretaker.wait(STOP_S)
        if answer.usage:
            _remove_log(name)
            raise ConfigError("", answer.failure)
        raise FabricError(answer.component, answer.failure)


def _start_caretaker(log: str) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that no terminal's signals reach it, and that keeps no directory busy."""
    packages = os.path.dirname(os.path.dirname(os.path.abspath(lego.__file__)))
    path = os.pathsep.join([packages, *(os.path.abspath(each) for each in sys.path if each)])
    with record.told():
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "lego.standing.caretaker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd="/",
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )


def _log(name: str) -> str:
    """Where a caretaker's own words go, and those of what it starts."""
    return os.path.join(record.folder(), f"{name}.log")


def _remove_log(name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(_log(name))


def _order(caretaker: subprocess.Popen[bytes], order: Order) -> bytes:
    """The caretaker's answer, when it has closed its end of the pipe: nothing when it died."""
    assert caretaker.stdin is not None and caretaker.stdout is not None
    with caretaker.stdout, contextlib.suppress(BrokenPipeError):
        with caretaker.stdin:
            caretaker.stdin.write(msgspec.json.encode(order))
        return caretaker.stdout.read()
    return b""


# ---- who is there ----------------------------------------------------------------------------------------


class Visit:
    """A look at a machine that is up; a context manager. Its methods raise `FabricError`."""

    def __init__(self, machine: Record) -> None:
        self._attached = Attached(machine)
        self._processors = sorted(
            (name for name in machine.addresses if name.startswith("P")), key=lambda name: int(name[1:])
        )

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self._attached.close()

    def lost(self) -> tuple[str, str] | None:
        """The component that it has lost, and why."""
        return self._attached.lost()

    def processes(self) -> list[tuple[str, ProcessRow]]:
        """All processes with the processors that they run on, by pid."""
        return [(row.seat, row) for _, row in self._rows()]

    def _rows(self) -> list[tuple[str, ProcessRow]]:
        """All processes with the processors that keep them."""
        found = [(name, row) for name in self._processors for row in self._ask(name, Processes()).processes]
        return sorted(found, key=lambda each: (each[1].pid, each[0]))

    def front_ends(self) -> int:
        """How many front ends have something to do with it."""
        return sum(self._ask(name, Processes()).front_ends for name in self._processors)

    def kill(self, pid: int, number: int) -> None:
        """Sends a signal to a process, wherever it is. Raises `LinuxError`."""
        for name, row in self._rows():
            if row.pid == pid:
                self._ask(name, Kill(pid, number))
                return
        raise LinuxError(E.ESRCH)

    def stop(self) -> None:
        """Asks the caretaker to end it."""
        self._attached.endpoint.call(CARETAKER, Stop(), timeout_s=ANSWER_S)

    def _ask(self, name: str, request: Request) -> Any:
        reply: Any = self._attached.endpoint.call(name, request, timeout_s=ANSWER_S)[0]
        return reply


# ---- down ------------------------------------------------------------------------------------------------


def take_down(found: Found) -> int:
    """Ends a machine, or what is left of it. Returns how many programs ran on it and were ended. Raises `FabricError`
    when it cannot be ended."""
    ended = 0
    if found.caretaker_pid:
        if found.record is not None:
            ended = _end_programs(found.record)
        _end_caretaker(found)
    if found.record is not None and (found.record.directory or not found.caretaker_pid):
        _end_leftovers(found.record)
    record.forget(found.name)
    _remove_log(found.name)
    return ended


def _end_programs(machine: Record) -> int:
    """SIGTERM to the programs of all front ends, then SIGKILL: their front ends are told how they ended."""
    with Visit(machine) as visit, contextlib.suppress(FabricError):
        running = _programs(visit)
        for number, patience_s in ((signal.SIGTERM, TERMINATE_S), (signal.SIGKILL, KILL_S)):
            for pid in _programs(visit):
                with contextlib.suppress(LinuxError):
                    visit.kill(pid, number)
            deadline = time.monotonic() + patience_s
            while _programs(visit) and time.monotonic() < deadline:
                time.sleep(POLL_S)
        deadline = time.monotonic() + TERMINATE_S  # They ask how their programs ended, and what was counted.
        while visit.front_ends() and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return len(running)
    return 0


def _programs(visit: Visit) -> list[int]:
    return [row.pid for _, row in visit.processes() if row.first and not row.state.startswith("Z")]


def _end_caretaker(found: Found) -> None:
    """Politely, then by SIGTERM, then by SIGKILL, which its Ray does not survive either."""
    if found.record is not None:
        with Visit(found.record) as visit, contextlib.suppress(FabricError):
            visit.stop()
            if _is_gone(found, STOP_S):
                return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.caretaker_pid, number)
        if _is_gone(found, STOP_S):
            return
    raise FabricError(CARETAKER, f"process {found.caretaker_pid} of the host does not end")


def _is_gone(found: Found, patience_s: float) -> bool:
    """Whether the caretaker has given its lock back, and has ended too: nothing is left when `lego down` says so."""
    deadline = time.monotonic() + patience_s
    while record.caretaker_of(found.name) == found.caretaker_pid or _runs(found.caretaker_pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _runs(pid: int) -> bool:
    """Whether a process of the host is there, and more than a zombie (proc(5), the state in /proc/PID/stat)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def _end_leftovers(machine: Record) -> None:
    """What outlives a caretaker that was killed: processes of its own Ray, or its actors on one that it had joined."""
    if machine.directory:
        _end_ray(machine.directory)
        return
    from lego.runtime.ray import end_actors

    with contextlib.suppress(FabricError):  # That Ray is gone, and they with it.
        end_actors(machine.ray, machine.namespace, list(machine.addresses))


def _end_ray(directory: str) -> None:
    """Ends the processes that have files open in a directory of our own Ray's, and removes it."""
    try:
        ours = directory.startswith(RAY_DIRECTORIES) and os.path.normpath(directory) == directory
        ours = ours and os.lstat(directory).st_uid == os.geteuid()
    except FileNotFoundError:
        return
    if not ours:
        return
    for pid in [int(each) for each in os.listdir("/proc") if each.isdecimal()]:
        if any(path.startswith(directory + "/") for path in _open_files(pid)):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


def _open_files(pid: int) -> list[str]:
    """The paths of what a process has open; none when it has ended or is another user's."""
    paths = []
    with contextlib.suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                paths.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    return paths
