"""Many processes on a whole machine: all is given back, the limit holds, the same run counts the same."""

from __future__ import annotations

from typing import Any

import pytest
from command import program
from test_determinism import without_wall

from lego.config import MachineConfig, MiB, Mount, Topology
from lego.machine import Machine


@pytest.fixture
def config(tmp_path):
    """A machine with two memories, a small cache and a directory to write to."""

    def make(**options: Any) -> MachineConfig:
        mounts = (Mount("/", "/"), Mount(str(tmp_path), "/mnt", writable=True))
        return MachineConfig(topology=Topology(1, 2, 1), excache_bytes=1 * MiB, mounts=mounts, **options)

    return make


def held(machine: Machine) -> dict[str, Any]:
    """What the machine has in use, component by component."""
    statistics = machine.statistics()
    found = {"G": statistics["manager"]["processes"], "unknown": statistics["manager"]["exited_unknown"]}
    for memory in statistics["memories"]:
        private = memory["frames_used"] - memory["page_cache_pages"]
        found[memory["name"]] = (private, memory["spaces"], memory["owned_spaces"], memory["handles"])
    found["S0"] = statistics["storages"][0]["open_handles"]
    kernel = machine._runtime._monitors[-1]._kernel  # type: ignore[union-attr]
    found["P0"] = (len(kernel.processes), len(kernel.spaces), len(kernel.cache))
    return found


NOTHING = {"G": 0, "unknown": 0, "M0": (0, 0, 0, 0), "M1": (0, 0, 0, 0), "S0": 0, "P0": (0, 0, 0)}


@pytest.mark.parametrize(
    ("how", "rounds"), [("fork", 300), ("exec", 100), ("vfork", 60), ("spawn", 60), ("orphans", 60), ("killed", 60)]
)
def test_nothing_is_left_of_processes(config, how: str, rounds: int) -> None:
    with Machine(config()) as machine:
        result = machine.run([str(program("process_churn")), how, str(rounds)], cwd="/mnt")
        assert result.exit_code == 0
        assert result.stdout.endswith(b"%s %d\n" % (how.encode(), rounds))
        assert held(machine) == NOTHING
        assert result.statistics["manager"]["placed"] > rounds


def test_a_fork_bomb_ends_at_the_limit(config) -> None:
    with Machine(config(threads_max=40)) as machine:
        result = machine.run([str(program("machine_bomb")), "yes"])
        assert (result.exit_code, result.stdout) == (0, b"EAGAIN\n")
        assert result.statistics["manager"]["placed"] == 40
        assert held(machine) == NOTHING
        assert machine.run(["/bin/echo", "on"]).stdout == b"on\n"


def test_what_still_runs_in_the_background_ends_with_the_first_program(config) -> None:
    with Machine(config()) as machine:
        script = "(while :; do :; done) & sleep 1000 & sh -c 'sleep 5; echo late' & echo done"
        result = machine.run(["/bin/sh", "-c", script])
        assert (result.exit_code, result.stdout) == (0, b"done\n")
        assert held(machine) == NOTHING
        assert result.statistics["virtual_ns"] < 10**9


def test_the_same_processes_count_the_same(config) -> None:
    def once() -> tuple[bytes, dict[str, Any]]:
        with Machine(config(seed=5)) as machine:
            script = "for i in 1 2 3; do (echo $i; /bin/echo $$) & done; wait; sleep 1 & echo $!"
            result = machine.run(["/bin/sh", "-c", script])
            return result.stdout, without_wall(result.statistics)

    assert once() == once()


def test_killed_by_a_signal_from_outside_of_its_own_children(config) -> None:
    with Machine(config()) as machine:
        result = machine.run(["/bin/sh", "-c", "sh -c 'kill -TERM $PPID; sleep 100'"])
        assert (result.exit_code, result.signal) == (143, 15)
        assert held(machine) == NOTHING


def test_a_fork_moves_dirty_lines_and_shares_the_frames(config) -> None:
    def run(how: str) -> dict[str, Any]:
        with Machine(config()) as machine:
            result = machine.run([str(program("machine_big_fork")), how])
            assert (result.exit_code, result.stdout) == (0, b"0\n"), result.stderr
            assert held(machine) == NOTHING
            return result.statistics

    alone, forked = run("no"), run("write")
    lines = alone["config"]["excache_lines"]
    sent = [sum(link["bytes_sent"] for link in each["links"] if link["from"] == "P0") for each in (alone, forked)]
    peak = [sum(memory["frames_peak"] for memory in each["memories"]) for each in (alone, forked)]
    assert lines == 256 and peak[0] > 25_600
    assert sent[1] - sent[0] < (lines + 64) * 4096
    assert peak[1] - peak[0] < lines


def test_processor_time_ends_at_its_limit(config) -> None:
    with Machine(config(instruction_ps=100_000)) as machine:
        script = "(ulimit -t 1; while :; do :; done); echo $?"
        assert machine.run(["/bin/sh", "-c", script]).stdout == b"137\n"
        assert held(machine) == NOTHING


def test_a_parent_in_vfork_goes_on_when_its_child_has_called_execve(config) -> None:
    with Machine(config()) as machine:
        result = machine.run([str(program("machine_vfork_order"))])
    assert (result.exit_code, result.stdout) == (0, b"pc\n"), "the child had the whole of its turn first"
