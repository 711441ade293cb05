"""Machines with several processors: processes on all of them, and nothing that a program can tell."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from command import program
from harness import ENVIRONMENT, empty
from test_determinism import config, counted

from gmanager.messages import Load
from lego.config import MachineConfig, MiB, Topology
from lego.linux.errno import E, LinuxError
from lego.linux.signal import Sig
from lego.machine import Machine, Result
from pcomponent.messages import Signal
from pcomponent.seats.table import Seats

SHAPES = [Topology(2, 1, 1), Topology(3, 2, 1)]
FIVE = "seq 1 300 | sort -rn | head -50 | tail -3 | cat -n"
TWENTY = "echo start | " + " | ".join(f"sed s/$/:{i}/" for i in range(18)) + " | cat"
LOOP = """
for i in 1 2 3; do (echo $i; exit $i) & wait $!; echo status $?; done | while read a; do echo "<$a>"; done
"""
SUBPROCESS = """
import os, subprocess, sys
made = subprocess.run(["/bin/sh", "-c", "cat; echo $X; exit 7"], input=b"in", capture_output=True, env={"X": "y"})
print(made)
child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(child.communicate(b"z" * 100000)[0] == b"z" * 100000, child.returncode)
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, b"from a child")
    os._exit(3)
print(os.read(read, 99), os.waitstatus_to_exitcode(os.wait()[1]))
sleeper = subprocess.Popen(["/bin/sleep", "1000"])
sleeper.terminate()
print(sleeper.wait())
"""


def spread(tmp_path: Path, shape: Topology, **options: Any) -> MachineConfig:
    """A machine that gives each child to another processor."""
    options = {"placement": "spread", "memory_placement": "spread", **options}
    return config(tmp_path, topology=shape, **options)


def run(machine: Machine, *argv: str, **options: Any) -> Result:
    return machine.run(argv, environment=ENVIRONMENT, **options)


def native(*argv: str) -> bytes:
    return subprocess.run(argv, capture_output=True, env=ENVIRONMENT, check=False, timeout=20).stdout


@pytest.mark.parametrize(
    ("shape", "shell", "script"),
    [
        (SHAPES[0], "/bin/bash", FIVE),
        (SHAPES[1], "/bin/sh", FIVE),
        (SHAPES[1], "/bin/sh", TWENTY),
        (SHAPES[1], "/bin/bash", LOOP),
        (SHAPES[0], "/bin/sh", LOOP),
    ],
)
def test_pipelines_across_processors(tmp_path: Path, shape: Topology, shell: str, script: str) -> None:
    with Machine(spread(tmp_path, shape)) as machine:
        result = run(machine, shell, "-c", script)
    assert (result.exit_code, result.stdout) == (0, native(shell, "-c", script)), result.stderr.decode()
    placed = result.statistics["manager"]["placed_on"]
    assert len(placed) == shape.processors and sum(placed.values()) - max(placed.values()) >= 2
    assert all(row["instructions"] > 1000 for row in result.statistics["processors"])


def test_python_and_its_children(tmp_path: Path) -> None:
    with Machine(spread(tmp_path, SHAPES[0])) as machine:
        result = run(machine, "python3", "-S", "-c", SUBPROCESS)
    assert (result.exit_code, result.stdout) == (0, native("python3", "-S", "-c", SUBPROCESS)), result.stderr.decode()
    assert result.statistics["manager"]["moved_to"]["P1"] >= 1, "vfork's children move at their execve"


@pytest.mark.parametrize("name", ["process_fork", "spread_memory", "talk_pass"])
def test_the_same_twice(tmp_path: Path, name: str) -> None:
    results = []
    for _ in range(2):
        empty(tmp_path)
        with Machine(spread(tmp_path, SHAPES[1], seed=3, excache_bytes=256 << 10, ways=4)) as machine:
            results.append(run(machine, str(program(name))))
    assert counted(results[0]) == counted(results[1])
    assert results[0].stdout == results[1].stdout


@pytest.mark.parametrize("name", ["process_fork", "spread_memory", "threads_processes"])
def test_no_interleaving_changes_what_is_printed(tmp_path: Path, name: str) -> None:
    outputs = set()
    for seed in range(6):
        empty(tmp_path)
        shape = Topology(2 + seed % 2, 1 + seed % 3, 1)
        small = {"excache_bytes": 256 << 10, "ways": 4} if seed & 1 else {}
        quantum = (1_000, 20_000, 100_000)[seed % 3]
        made = spread(tmp_path, shape, seed=seed, cores=1 + seed // 3, quantum_instructions=quantum, **small)
        with Machine(made) as machine:
            result = run(machine, str(program(name)))
        outputs.add((result.exit_code, result.stdout))
    assert len(outputs) == 1 and next(iter(outputs))[0] == 0


def test_without_spreading_children_stay(tmp_path: Path) -> None:
    with Machine(spread(tmp_path, SHAPES[0], placement="parent")) as machine:
        result = run(machine, "/bin/sh", "-c", "ls / | cat; echo $(echo x)")
        assert result.statistics["manager"]["placed_on"].keys() == {"P0"}
        assert [link["to"] for link in result.statistics["links"] if link["from"] == "P0"].count("P1") == 0
        machine.endpoint.call("G", Load("P0", threads=50))
        result = run(machine, "/bin/sh", "-c", "ls / | cat; echo $(echo x)")
        assert result.statistics["manager"]["placed_on"]["P1"] >= 4, "a new program goes where there is least to do"
        assert (result.exit_code, result.stdout) == (0, native("/bin/sh", "-c", "ls / | cat; echo x"))


def test_processes_that_share_writable_memory_by_fork_stay_together(tmp_path: Path) -> None:
    script = "import mmap, os\n%s\nif os.fork() == 0: os._exit(0)\nos.wait()"
    with Machine(spread(tmp_path, SHAPES[0])) as machine:
        run(machine, "python3", "-S", "-c", script % "m = mmap.mmap(-1, 4096)")
        assert machine.statistics()["manager"]["placed_on"] == {"P0": 2}
        run(machine, "python3", "-S", "-c", script % "")
        assert machine.statistics()["manager"]["placed_on"] == {"P0": 3, "P1": 1}


@pytest.mark.parametrize(
    ("how", "rounds"), [("fork", 40), ("exec", 20), ("vfork", 20), ("orphans", 20), ("killed", 20)]
)
def test_nothing_is_left_of_processes(tmp_path: Path, how: str, rounds: int) -> None:
    with Machine(spread(tmp_path, SHAPES[1], excache_bytes=1 * MiB)) as machine:
        result = run(machine, str(program("process_churn")), how, str(rounds))
        assert result.stdout.endswith(b"%s %d\n" % (how.encode(), rounds))
        statistics = machine.statistics()
        assert statistics["manager"]["processes"] == statistics["manager"]["exited_unknown"] == 0
        for memory in statistics["memories"]:
            assert memory["frames_used"] == memory["page_cache_pages"]
            assert memory["spaces"] == memory["owned_spaces"] == memory["handles"] == 0
        assert statistics["storages"][0]["open_handles"] == 0
        for row in statistics["processors"]:
            assert row["seated_spaces"] == row["seated_threads"] == 0
        for monitor in machine._runtime._monitors[-3:]:  # type: ignore[union-attr]
            kernel = monitor._kernel
            assert (len(kernel.processes), len(kernel.spaces), len(kernel.cache)) == (0, 0, 0)


def test_what_a_terminal_sends_reaches_the_group_on_all_processors(tmp_path: Path) -> None:
    script = 'trap : INT; (trap "echo got; exit 3" INT; while :; do :; done); echo $?'
    with Machine(spread(tmp_path, SHAPES[0])) as machine:
        timer = threading.Timer(1.0, lambda: machine.endpoint.call("P0", Signal(1, Sig.INT)))
        timer.start()
        result = run(machine, "/bin/sh", "-c", script)
        timer.join()
    assert (result.exit_code, result.stdout) == (0, b"got\n3\n")
    assert result.statistics["manager"]["placed_on"] == {"P0": 1, "P1": 1}


def test_the_first_program_takes_all_others_with_it(tmp_path: Path) -> None:
    script = "(while :; do :; done) & sleep 1000 & (sleep 5; echo late) & echo done"
    with Machine(spread(tmp_path, SHAPES[1])) as machine:
        result = run(machine, "/bin/sh", "-c", script)
        assert (result.exit_code, result.stdout) == (0, b"done\n")
        assert result.statistics["virtual_ns"] < 10**9
        assert sum(row["seated_spaces"] for row in result.statistics["processors"]) == 0
        assert run(machine, "/bin/echo", "on").stdout == b"on\n"


def test_work_that_is_spread_takes_less_virtual_time(tmp_path: Path) -> None:
    busy = "(i=0; while [ $i -lt 700 ]; do i=$((i+1)); done) & "
    times = []
    for processors in (1, 2):
        with Machine(spread(tmp_path, Topology(processors, 1, 1), cores=1)) as machine:
            result = run(machine, "/bin/sh", "-c", busy * 4 + "wait")
            assert result.exit_code == 0
            times.append(result.statistics["virtual_ns"])
    assert times[1] < 0.7 * times[0], times


@pytest.mark.parametrize("busy", [0, 1000])
def test_shared_memory_that_cannot_be_written_back_is_a_bus_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    """What another processor has written is wanted here, and its memory component is full."""
    calls = 0

    def hold(self: Seats, seat: object) -> None:
        nonlocal calls
        calls += 1
        if calls > 20:
            raise LinuxError(E.ENOMEM)

    monkeypatch.setattr(Seats, "hold", hold)
    with Machine(spread(tmp_path, SHAPES[0], placement="parent")) as machine:
        machine.endpoint.call("G", Load("P0", threads=busy))
        assert run(machine, "/bin/sh", "-c", "while :; do kill -0 $$; done").signal == Sig.BUS
        calls = -(10**9)
        assert run(machine, "/bin/echo", "on").stdout == b"on\n"
