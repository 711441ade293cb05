"""Every guest program, natively and on Lego: with a generous cache, a small one and one of a single set, on one
memory component and on three, on one processor and on several."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from harness import CONFIGS, MUSL, Bench, Program, all_programs, build, differences

ELSEWHERE = ("escape_", "machine_")
"""Programs with these prefixes belong to tests/machine."""


SPREADING = ("process_", "talk_", "shm_", "tty_", "spread_", "threads_processes", "signals_waiting")
"""Programs with these prefixes also run on two processors that share the processes between them, ..."""
SPREADING_SMALL = ("process_fork", "spread_memory", "threads_processes")
"""... these on three with small caches, ..."""
AWAY = (*SPREADING, "code_", "faults_", "files_", "memory_shared", "signals_", "threads_")
"""... and these wholly on another processor than the one that keeps them."""

LIMITS = {
    "cpu_float_exceptions-static-x87": "Unicorn 2.1.4 (QEMU 5.0) sets few of the exception flags of the x87",
    "cpu_float_exceptions-static-sse": "Unicorn 2.1.4 (QEMU 5.0) never sets the exception flags of MXCSR",
    "faults_instruction-static-sse_unaligned": "Unicorn 2.1.4 (QEMU 5.0) does not check the alignment of SSE operands",
}
"""What the CPU emulator cannot do, by the beginning of the case's name: told to users in the README. Strict, so that
a newer Unicorn that can is noticed."""


def marks(label: str) -> list[pytest.MarkDecorator]:
    """xfail for a known limit."""
    return [pytest.mark.xfail(reason=why, strict=True) for name, why in LIMITS.items() if label.startswith(name)]


def cases() -> Iterator[object]:
    """Each program in each configuration; programs of many runs and further builds in fewer."""
    for program in all_programs():
        if program.name.startswith(ELSEWHERE):
            continue
        for kind in program.builds:
            for arguments in program.runs:
                few = len(program.runs) > 1
                names = ["generous", "lines64", "one_set", "spread", "spread_lines64"]
                if few:
                    names = ["generous", "one_set", "spread_lines64"]
                if kind != program.builds[0]:
                    names = ["generous", "lines64", "spread_lines64"] if not few else ["generous"]
                if kind == program.builds[0]:
                    names += ["processors"] if program.name.startswith(SPREADING) else []
                    names += ["processors_lines64"] if program.name in SPREADING_SMALL else []
                    names += ["away"] if program.name.startswith(AWAY) and arguments == program.runs[0] else []
                for name in names:
                    label = "-".join([program.name, kind, *(arguments[:1] if few else ()), name])
                    yield pytest.param(program, kind, arguments, name, id=label, marks=marks(label))


@pytest.mark.parametrize(("program", "kind", "arguments", "config"), list(cases()))
def test_as_native(
    bench: Bench, tools_missing: set[str], program: Program, kind: str, arguments: tuple[str, ...], config: str
) -> None:
    if kind == "musl" and shutil.which(MUSL) is None:
        tools_missing.add(MUSL)
        return
    argv = [str(build(program, kind)), *arguments]
    expected = bench.native(argv, program.stdin)
    assert expected.status != "exit 99", f"the program cannot run natively:\n{expected.stdout.decode()}"
    assert b"\nFAILED " not in b"\n" + expected.stdout, expected.stdout.decode()
    got = bench.lego(config, argv, program.stdin)
    assert not (found := differences(expected, got)), found


def test_there_is_enough_to_run() -> None:
    programs = [each for each in all_programs() if not each.name.startswith(ELSEWHERE)]
    assert len(programs) >= 60
    assert set(CONFIGS) == {
        "generous",
        "lines64",
        "one_set",
        "spread",
        "spread_lines64",
        "processors",
        "processors_lines64",
        "away",
    }
