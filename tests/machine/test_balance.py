"""Everything that processes and threads took is given back, however many there were: at P, M, S and G."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from command import program
from test_processes import held

from lego.config import MachineConfig, MiB, Topology
from lego.machine import Machine


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Two memories, and an ExCache that is smaller than what runs."""
    with Machine(MachineConfig(topology=Topology(1, 2, 1), excache_bytes=2 * MiB, ways=16)) as machine:
        yield machine


def gauges(machine: Machine) -> dict[str, Any]:
    """All that is in use anywhere."""
    kernel = machine._runtime._monitors[-1]._kernel  # type: ignore[union-attr]
    rendezvous, cache = kernel.rendezvous, kernel.cache
    return {
        **held(machine),
        "memories": [
            {name: value for name, value in each.items() if name in ("frames_used", "page_cache_pages", "objects")}
            for each in machine.statistics()["memories"]
        ],
        "futexes": len(kernel.futexes),
        "locks": len(kernel.file_locks),
        "parked": len(kernel.queue),
        "named": len(rendezvous.fifos) + len(rendezvous.sockets),
        "dirty": sum(cache.is_dirty(line) for line in range(cache.lines) if cache.key(line)),
        "objects": len(kernel.objects._by_id),
    }


def run(machine: Machine, *arguments: str) -> bytes:
    result = machine.run([str(program(arguments[0])), *arguments[1:]])
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize(
    ("name", "few", "many", "output"),
    [
        ("machine_balance", ("exec", "2"), ("exec", "1000"), b"= 1000\n"),
        ("machine_threads", ("many", "2"), ("many", "10000"), b"failed = 0\n"),
        ("machine_balance", ("pipeline", "2", "1000"), ("pipeline", "20", "300000"), b"= 300000\n"),
        ("machine_threads", ("live", "3", "3"), ("live", "800", "200"), b"made = 800\n"),
    ],
)
def test_everything_is_given_back(
    machine: Machine, name: str, few: tuple[str, ...], many: tuple[str, ...], output: bytes
) -> None:
    run(machine, name, *few)
    before = gauges(machine)
    assert run(machine, name, *many).endswith(output)
    assert gauges(machine) == before


def test_a_bomb_of_threads_and_processes_ends_at_the_limit() -> None:
    with Machine(MachineConfig(threads_max=30)) as machine:
        assert run(machine, "machine_threads", "crowd", "50") == b"made = 29\nEAGAIN\n"
        assert run(machine, "machine_bomb", "yes") == b"EAGAIN\n"
        assert run(machine, "machine_bomb", "threads") == b"EAGAIN\n"
        assert gauges(machine)["P0"] == (0, 0, 0)
