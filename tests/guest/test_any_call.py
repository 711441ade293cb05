"""Any system call with any arguments ends in a result or a signal of the guest, never in a broken machine."""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path

import pytest
from harness import BUILD, FLAGS, HERE, WARNINGS, compiler, deadline

from lego.config import MachineConfig, MiB, Mount
from lego.machine import Machine

SEEDS = (1, 100, 200)
CHILDREN, CALLS = 25, 120


def build() -> Path:
    """Compiles any_call.c."""
    source, binary = HERE / "any_call.c", BUILD / "any_call"
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        command = compiler()
        assert command is not None, "no C compiler"
        target = ["-target", "x86_64-linux-musl"] if "ziglang" in command else []
        binary.parent.mkdir(parents=True, exist_ok=True)
        arguments = [*command, *target, "-O1", *WARNINGS, *FLAGS["static"], f"-I{HERE}", str(source)]
        partial = binary.with_suffix(f".{os.getpid()}")
        result = subprocess.run([*arguments, "-o", str(partial)], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        partial.replace(binary)
    return binary


def test_no_call_breaks_the_machine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    binary = build()
    mounts = (Mount("/", "/"), Mount(str(tmp_path), str(tmp_path), True))
    config = MachineConfig(mounts=mounts, threads_max=64, memory_bytes=256 * MiB)
    with caplog.at_level(logging.WARNING, "lego"), Machine(config) as machine:
        for seed in SEEDS:
            with deadline(60, f"seed {seed}"):
                result = machine.run(
                    [str(binary), str(seed), str(CHILDREN), str(CALLS)], cwd=str(tmp_path), trace=seed == SEEDS[-1]
                )
            assert (result.exit_code, result.stdout) == (0, b"all have ended\n"), (seed, result.stderr[-500:])
        with deadline(60, "/bin/echo"):
            assert machine.run(["/bin/echo", "still", "here"]).stdout == b"still here\n"
    assert not caplog.records, caplog.text
