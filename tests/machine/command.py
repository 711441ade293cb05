"""The `lego` command in a process of its own, and proof that it leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from harness import PROGRAMS, build, read_program

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0
MARK = "LEGO_TEST_MARK"
"""An environment variable by which the processes of one run are found again."""


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    """As Python has it: negative when a signal ended the command itself."""
    stdout: bytes
    stderr: bytes

    @property
    def message(self) -> str:
        """What it said on standard error."""
        return self.stderr.decode(errors="replace")


def command_line(*arguments: str | Path) -> list[str]:
    """`lego ARGUMENTS`, with this Python."""
    return [sys.executable, "-m", "lego.cli.main", *map(str, arguments)]


def environment(mark: str) -> dict[str, str]:
    """The environment of a run: this process's, with the mark and the way to the packages."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, MARK: mark, "PYTHONPATH": path, "LC_ALL": "C"}


def start(*arguments: str | Path, mark: str = "", **options: Any) -> subprocess.Popen[bytes]:
    """Starts the command."""
    return subprocess.Popen(command_line(*arguments), env=environment(mark or uuid.uuid4().hex), **options)


def lego(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None, clean: bool = True) -> Ended:
    """Runs the command to its end; with `clean`, checks that no process of it is left."""
    mark = uuid.uuid4().hex
    result = subprocess.run(
        command_line(*arguments),
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env=environment(mark),
        timeout=TIMEOUT_S,
        check=False,
    )
    if clean:
        assert not (left := remaining(mark)), f"still running: {left}"
    return Ended(result.returncode, result.stdout, result.stderr)


def run(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> Ended:
    """`lego run --inproc ARGUMENTS`."""
    return lego("run", "--inproc", *arguments, stdin=stdin, cwd=cwd)


def remaining(mark: str, patience_s: float = 2.0) -> list[str]:
    """The command lines of processes of that run which are still there after a while."""
    end = time.monotonic() + patience_s
    while True:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def program(name: str, kind: str = "static") -> Path:
    """A compiled program of tests/guest/programs."""
    return build(read_program(PROGRAMS / f"{name}.c"), kind)
