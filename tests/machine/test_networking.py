"""Sockets on whole machines: the same in every run, and nothing kept."""

from __future__ import annotations

from typing import Any

from command import program
from test_determinism import without_wall

from lego.config import MachineConfig, MiB
from lego.machine import Machine

CALLS = 300


def test_connections_repeat_exactly_and_leave_nothing() -> None:
    def once(seed: int) -> tuple[bytes, dict[str, Any]]:
        with Machine(MachineConfig(excache_bytes=1 * MiB, seed=seed)) as machine:
            result = machine.run([str(program("machine_calls")), str(CALLS)])
            kernel = machine._runtime._monitors[-1]._kernel  # type: ignore[union-attr]
            ports = kernel.rendezvous.ports
            assert not ports.held_bytes and not ports.sockets((1, 6)) and not kernel.processes
            return result.stdout, without_wall(result.statistics)

    first = once(1)
    assert first[0] == b"%d\n" % CALLS
    assert once(1) == first
    assert once(2)[0] == first[0]
