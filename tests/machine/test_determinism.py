"""The same machine, seed and program give the same output, counters and virtual time; a cache's size only time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from command import program
from harness import ENVIRONMENT, empty

from lego.config import MachineConfig, MiB, Mount, Topology
from lego.linux.errno import LinuxError
from lego.machine import Machine, Result
from pcomponent.cpu import Cpu
from pcomponent.excache import layout as at
from pcomponent.messages import Processes

WALL = ("wall_seconds", "startup_seconds", "tlb_fills", "tlb_flushes")
"""The host's: all that may differ. Unicorn sizes its TLB by what was used of it in the last 100 ms of host time."""


def config(tmp_path: Path, **options: Any) -> MachineConfig:
    mounts = (Mount("/", "/"), Mount(str(tmp_path), str(tmp_path), True))
    return MachineConfig(mounts=mounts, cwd=str(tmp_path), **options)


def once(machine_config: MachineConfig, name: str, *arguments: str) -> Result:
    """A run on a machine of its own, in an empty directory."""
    empty(Path(machine_config.cwd))
    with Machine(machine_config) as machine:
        return machine.run([str(program(name)), *arguments], environment=ENVIRONMENT)


def counted(result: Result) -> Any:
    """The statistics without what is the host's."""
    return without_wall(result.statistics)


def without_wall(value: Any) -> Any:
    """A copy of plain values without the keys in WALL, however deep."""
    if isinstance(value, dict):
        return {key: without_wall(each) for key, each in value.items() if key not in WALL}
    if isinstance(value, list):
        return [without_wall(each) for each in value]
    return value


def instructions(result: Result) -> int:
    return sum(each["instructions"] for each in result.statistics["processors"])


NAMES = ["memory_random_access", "memory_shared_two_views", "files_patterns", "files_directories", "cpu_strings"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("memories", [1, 3])
def test_the_same_twice(tmp_path: Path, name: str, memories: int) -> None:
    same = config(
        tmp_path, excache_bytes=256 * 1024, ways=4, topology=Topology(1, memories, 1), memory_placement="spread"
    )
    first, second = once(same, name), once(same, name)
    assert first.stdout == second.stdout and first.exit_code == second.exit_code == 0
    assert counted(first) == counted(second)
    assert first.statistics["virtual_ns"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_cache_changes_only_time(tmp_path: Path, name: str) -> None:
    results = [
        once(config(tmp_path, excache_bytes=size, ways=ways), name)
        for size, ways in ((64 * MiB, 64), (256 * 1024, 64), (256 * 1024, 4), (256 * 1024, 1))
    ]
    assert len({each.stdout for each in results}) == 1
    assert len({instructions(each) for each in results}) == 1, [instructions(each) for each in results]
    calls = [each.statistics["processors"][0]["syscalls"] for each in results]
    assert all(each == calls[0] for each in calls)
    assert results[1].statistics["virtual_ns"] > results[0].statistics["virtual_ns"]


def test_when_the_emulator_grows_its_tlb_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Housekeeping, at a time that depends on the host, must not end a turn."""
    flush = Cpu.flush_tlb

    def run(fills: int) -> Result:
        def flush_tlb(cpu: Cpu) -> None:
            flush(cpu)
            cpu._words[at.FILLS_LIMIT] = cpu._words[at.FILLS] + fills

        monkeypatch.setattr(Cpu, "flush_tlb", flush_tlb)
        return once(config(tmp_path, quantum_instructions=97, instruction_ps=331), "threads_basics")

    first, second = run(1 << 40), run(5)
    assert first.stdout == second.stdout and first.exit_code == second.exit_code == 0
    assert counted(first) == counted(second)


def test_randomness_and_time_come_from_the_machine(tmp_path: Path) -> None:
    first, second = (once(config(tmp_path, seed=7), "machine_streams", "random") for _ in range(2))
    assert first.stdout == second.stdout
    other = once(config(tmp_path, seed=8), "machine_streams", "random")
    assert first.stdout.split()[0] != other.stdout.split()[0]


def test_a_run_does_not_depend_on_those_before_it(tmp_path: Path) -> None:
    """And nothing is lost: the second round leaves as many frames in use (the page cache's) as the first."""
    with Machine(config(tmp_path, excache_bytes=256 * 1024, ways=4)) as machine:
        rounds = []
        for _ in range(3):
            outputs = []
            for name, *arguments in (["memory_random_access"], ["memory_heap"], ["faults_memory", "read_null"]):
                result = machine.run([str(program(name)), *arguments], environment=ENVIRONMENT)
                outputs.append((result.exit_code, result.stdout))
            used = [each["frames_used"] for each in machine.statistics()["memories"]]
            rounds.append((outputs, used))
        assert rounds[0] == rounds[1] == rounds[2]


def test_random_numbers_begin_anew_with_each_run(tmp_path: Path) -> None:
    """On an idle machine, whatever ran there before; and so do the numbers of threads."""

    def see(machine: Machine) -> list[bytes]:
        numbers = machine.run(
            [
                str(
                    program("machine_streams"),
                ),
                "random",
            ],
            environment=ENVIRONMENT,
        ).stdout.split()[0]
        shell = ["/bin/sh", "-c", "read uuid < /proc/sys/kernel/random/uuid; echo $uuid"]
        thread = machine.run([str(program("machine_streams")), "thread"], environment=ENVIRONMENT).stdout
        return [numbers, machine.run(shell, environment=ENVIRONMENT).stdout, thread]

    with Machine(config(tmp_path)) as machine:
        first = see(machine)
        for argv in (["/bin/sh", "-c", "echo $$ > f"], [str(program("threads_basics"))]):
            machine.run(argv, environment=ENVIRONMENT)
        with pytest.raises(LinuxError):
            machine.run(["/nowhere"])
        assert see(machine) == first


def test_each_run_has_a_time_of_its_own(tmp_path: Path) -> None:
    with Machine(config(tmp_path, excache_bytes=256 * 1024, ways=4)) as machine:
        for name in ("memory_random_access", "info_identity"):
            found = machine.run([str(program(name))], environment=ENVIRONMENT).statistics
            alone = once(config(tmp_path, excache_bytes=256 * 1024, ways=4), name).statistics
            for each in found, alone:
                assert each["processors"][0]["virtual_ns"] == each["virtual_ns"]
            assert found["virtual_ns"] <= alone["virtual_ns"]  # The page cache may know the program already.


def test_looking_at_a_machine_does_not_change_a_run(tmp_path: Path) -> None:
    """As `lego ps` does, again and again while the program runs."""

    def run(look: bool) -> tuple[bytes, Any, int]:
        with Machine(config(tmp_path, excache_bytes=256 * 1024, ways=4)) as machine:
            endpoint, ended, looks = machine._runtime.endpoint, threading.Event(), [0]  # type: ignore[union-attr]

            def watch() -> None:
                while look and not ended.is_set():
                    looks[0] += len(endpoint.call("P0", Processes())[0].processes) > 0
                    ended.wait(0.002)

            watcher = threading.Thread(target=watch)
            watcher.start()
            try:
                script = "for i in 1 2 3 4; do (echo $i; /bin/true; echo $i) & done; wait"
                result = machine.run(["/bin/sh", "-c", script], environment=ENVIRONMENT)
            finally:
                ended.set()
                watcher.join(10)
            statistics = counted(result)
            return result.stdout, [{**each, "links": None} for each in statistics["processors"]], looks[0]

    quiet, watched = run(False), run(True)
    assert watched[2] > 20
    assert quiet[:2] == watched[:2]
