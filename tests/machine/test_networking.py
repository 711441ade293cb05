"""Sockets on whole machines: the same in every run, nothing kept, and Python's own tests of them."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest
from command import program, run
from test_determinism import without_wall

from lego.config import MachineConfig, MiB
from lego.machine import Machine

CLASSES = (
    "BasicTCPTest", "NonBlockingTCPTests", "BasicUDPTest", "CreateServerTest", "RecvmsgTCPTest", "SendmsgUDPTest",
    "RecvmsgSCMRightsStreamTest", "BasicSocketPairTest",
)  # fmt: skip
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


def test_pythons_own_tests_of_sockets() -> None:
    if importlib.util.find_spec("test.test_socket") is None:
        pytest.skip("this Python was installed without its tests")
    python = getattr(sys, "_base_executable", sys.executable)
    names = [f"test.test_socket.{name}" for name in CLASSES]
    ended = run(python, "-S", "-m", "unittest", *names)
    assert ended.status == 0 and "\nOK" in ended.message, ended.message[-3000:]
