"""Shared memory on a whole machine: what a run leaves behind is gone, everywhere, and the next one begins anew."""

from __future__ import annotations

from command import program

from lego.config import MachineConfig, MiB, Mount, Topology
from lego.machine import Machine


def objects(machine: Machine) -> tuple[int, int, int, int]:
    """(shared objects at P, System V objects at P, memory objects at all M, watchers)."""
    monitors = {monitor.name: monitor for monitor in machine._runtime._monitors}  # type: ignore[union-attr]
    kernel = monitors["P0"]._kernel  # type: ignore[attr-defined]
    memories = [monitors[name].core.cache.cached.objects for name in ("M0", "M1")]  # type: ignore[attr-defined]
    anonymous = sum(each.anonymous for known in memories for each in known.values())
    return len(kernel.objects), len(kernel.system_v), anonymous, len(kernel.objects.watchers)


def test_nothing_is_left_of_shared_memory() -> None:
    config = MachineConfig(topology=Topology(1, 2, 1), excache_bytes=MiB, mounts=(Mount("/", "/"),))
    with Machine(config) as machine:
        for _ in range(3):
            result = machine.run([str(program("machine_left_behind"))])
            assert (result.exit_code, result.stdout) == (0, b"new new new new\n")
            assert objects(machine) == (0, 0, 0, 0)
            for memory in result.statistics["memories"]:
                assert memory["frames_used"] == memory["page_cache_pages"]
            assert result.statistics["storages"][0]["open_handles"] == 0


def test_two_runs_with_one_seed_count_the_same() -> None:
    config = MachineConfig(topology=Topology(1, 2, 1), excache_bytes=256 << 10, mounts=(Mount("/", "/"),), seed=7)
    counted = []
    for _ in range(2):
        with Machine(config) as machine:
            statistics = machine.run([str(program("shm_ring"))]).statistics
        processor = statistics["processors"][0]
        counted.append((statistics["virtual_ns"], processor["instructions"], processor["excache"]["misses"]))
    assert counted[0] == counted[1]
