"""--strace against strace(1): the same calls with the same arguments and results, line for line, and no effect."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
import tracing
from harness import ENVIRONMENT, PROGRAMS, Bench, alone_on_the_host, build, empty, read_program

PROGRAMS_TRACED = """
    cpu_self_modifying faults_memory faults_signals_sent faults_stack_overflow files_append files_bad_descriptors
    files_bad_pointers files_directory_of_process files_links files_open files_patterns files_seek files_stdio
    info_auxv info_exit info_file_size_limit info_identity info_random info_signal_state memory_anonymous memory_brk
    memory_file_private memory_file_shared memory_fixed memory_holes memory_madvise memory_msync process_churn
    process_fork signals_handlers talk_epoll talk_fifo talk_pass talk_pipe talk_splice
""".split()  # noqa: SIM905
"""Those whose calls do not depend on time, on the host, or on who runs first."""


@pytest.mark.skipif(tracing.STRACE is None, reason="strace is not installed")
@pytest.mark.parametrize("name", PROGRAMS_TRACED)
def test_as_strace_shows_it(bench: Bench, name: str) -> None:
    program = read_program(PROGRAMS / f"{name}.c")
    argv = [str(build(program, program.builds[0])), *program.runs[0]]
    empty(bench.work)
    with alone_on_the_host():
        expected = tracing.native(argv, bench.work, ENVIRONMENT, program.stdin)
    if not expected or not expected[0]:
        pytest.skip("strace cannot trace here (ptrace is not allowed)")
    empty(bench.work)
    machine = bench.machine("generous")
    result = machine.run(argv, stdin=program.stdin, environment=ENVIRONMENT, cwd=str(bench.work), trace=True)
    got = tracing.lego(result.stderr.decode(errors="replace"))
    # When SIGCHLD comes depends on the host; that it is shown at all is checked below.
    wanted, real = (
        [line for lines in each for line in lines if not line.startswith("--- SIGCHLD")] for each in (expected, got)
    )
    assert not list(difflib.unified_diff(wanted, real, "strace", "--strace", lineterm="", n=0))


@pytest.mark.parametrize(
    "name", ["talk_pass", "process_fork", "signals_handlers", "memory_file_shared", "threads_futex"]
)
@pytest.mark.parametrize("config", ["generous", "spread_lines64"])
def test_tracing_changes_nothing(bench: Bench, tmp_path: Path, name: str, config: str) -> None:
    """The same instructions, misses, messages and virtual time with and without."""
    from harness import CONFIGS, machine_config

    from lego.machine import Machine

    program = read_program(PROGRAMS / f"{name}.c")
    argv = [str(build(program, program.builds[0])), *program.runs[0]]
    found = []
    for trace in (False, True):
        empty(bench.work)
        with Machine(machine_config(CONFIGS[config], bench.base)) as machine:
            result = machine.run(argv, stdin=program.stdin, environment=ENVIRONMENT, cwd=str(bench.work), trace=trace)
        statistics = result.statistics
        for name_ in ("wall_seconds", "startup_seconds", "config"):
            statistics.pop(name_)
        for processor in statistics["processors"]:
            processor["excache"].pop("tlb_fills"), processor["excache"].pop("tlb_flushes")
        found.append((result.stdout, statistics))
    assert found[0] == found[1]


def test_children_and_signals_are_shown(bench: Bench) -> None:
    result = bench.machine("generous").run(
        ["/bin/sh", "-c", "true & wait; kill -9 $$"], environment=ENVIRONMENT, trace=True
    )
    lines = result.stderr.decode().splitlines()
    assert result.signal == 9
    chld = [line for line in lines if "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=" in line]
    assert len(chld) == 1 and chld[0].startswith("[")
    assert lines[-1].endswith(" +++ killed by SIGKILL +++") and " kill(" in lines[-2]
    assert sum(line.endswith(" +++ exited with 0 +++") for line in lines) == 1
