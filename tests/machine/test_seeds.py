"""Threads, signals and processes under many seeds: whatever the interleaving, a program prints what it prints natively;
and under one seed twice, everything counted is the same.

A machine is kept and given another seed between two runs, when it is idle and would begin anew anyway: quantum, number
of cores and size of the cache change with the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from harness import (
    CONFIGS,
    ENVIRONMENT,
    LINE,
    TIMEOUT_S,
    Bench,
    Config,
    Program,
    all_programs,
    build,
    deadline,
    differences,
    empty,
)
from test_determinism import without_wall

from lego.config import MachineConfig, MiB, Mount, Topology
from lego.machine import Machine

SEEDS = 20
FEWER = {"process_": 4, "process_churn": 1, "shm_": 3}
"""How many seeds for groups that are about other things than order, and cost more."""
GROUPS = ("threads_", "signals_", "process_", "talk_", "files_lock_", "shm_", "code_threads", "faults_signals")
PROGRAMS = [each for each in all_programs() if each.name.startswith(GROUPS)]
CASES = [(program, run) for program in PROGRAMS for run in program.runs]
IDS = ["-".join([program.name, *run[:1]]) for program, run in CASES]
QUANTA = (1_000, 3_000, 20_000, 100_000)
SMALL = Config(1, 64 * LINE, 4)


def seeds(name: str) -> int:
    found = [count for prefix, count in FEWER.items() if name.startswith(prefix)]
    return min(found, default=SEEDS)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    CONFIGS["small"] = SMALL
    bench = Bench(tmp_path_factory.mktemp("seeds"))
    yield bench
    bench.close()
    del CONFIGS["small"]


def reseed(machine: Machine, seed: int) -> None:
    """Gives an idle machine another seed, quantum and number of cores."""
    processor = machine._runtime._monitors[-1]  # type: ignore[union-attr]
    kernel = processor._kernel
    kernel.config = msgspec.structs.replace(
        kernel.config, seed=seed, quantum_instructions=QUANTA[seed % 4], cores=1 + seed // 4 % 4
    )
    processor._scheduler._reset()


@pytest.mark.parametrize(("program", "arguments"), CASES, ids=IDS)
def test_no_interleaving_changes_what_is_printed(bench: Bench, program: Program, arguments: tuple[str, ...]) -> None:
    argv = [str(build(program, program.builds[0])), *arguments]
    expected = bench.native(argv, program.stdin)
    for seed in range(seeds(program.name)):
        name = "small" if seed % 4 == 3 else "generous"
        reseed(bench.machine(name), seed)
        got = bench.lego(name, argv, program.stdin)
        assert not (found := differences(expected, got)), f"seed {seed}:\n{found}"


@pytest.mark.parametrize("prefix", GROUPS)
def test_one_seed_counts_the_same(tmp_path: Path, prefix: str) -> None:
    """All programs of a group, one after another on a machine, and again on another machine."""
    config = MachineConfig(
        topology=Topology(1, 2, 1), memory_placement="spread", excache_bytes=MiB, ways=4, seed=5,
        quantum_instructions=5_000, mounts=(Mount("/", "/"), Mount(str(tmp_path), str(tmp_path), True)),
    )  # fmt: skip
    rounds = []
    for _ in range(2):
        results = []
        with Machine(config) as machine:
            for program, arguments in CASES:
                if not program.name.startswith(prefix):
                    continue
                empty(tmp_path)
                argv = [str(build(program, program.builds[0])), *arguments]
                with deadline(TIMEOUT_S, program.name):
                    result = machine.run(argv, stdin=program.stdin, environment=ENVIRONMENT, cwd=str(tmp_path))
                results.append((program.name, arguments, result.stdout, without_wall(result.statistics)))
        rounds.append(results)
    for first, second in zip(*rounds, strict=True):
        assert first == second
