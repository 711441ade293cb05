"""The lines of strace(1) on the host and of --strace on Lego, made comparable: pids, addresses and times taken out."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

STRACE = shutil.which("strace")
_ADDRESS = re.compile(r"0x[0-9a-f]{5,}")
_LOST = re.compile(r"^(rseq|set_tid_address)\(")
"""Calls whose result is a pid, or that Lego does not have."""
_NUMBERS = re.compile(r"\b(si_pid|si_uid|si_utime|si_stime|ru_\w+|tms_\w+|st_blksize|sll_pid|uptime|l_pid)=[^,})]+")
_CLOCKS = re.compile(r"\{tv_sec=-?\d+, tv_[un]sec=\d+\}")


def normal(line: str) -> str | None:
    """A line of either without what two runs may have different; None for one that does not count."""
    line = re.sub(r"\) += ", ") = ", line.rstrip())
    if _LOST.match(line):
        return None
    line = _CLOCKS.sub("TIME", _NUMBERS.sub(r"\1=N", _ADDRESS.sub("ADDRESS", line)))
    line = re.sub(r" /\* \d{4}-\d\d-\d\dT[^*]* \*/", "", line)
    line = re.sub(r'getrandom\("[^"]*"', 'getrandom("RANDOM"', line)
    line = re.sub(
        r"^(kill|tkill|tgkill|wait4|getpgid|getsid|rt_sigqueueinfo|rt_tgsigqueueinfo|setpgid)\(\d+(, \d+)?",
        r"\1(PID",
        line,
    )
    line = re.sub(r"^(splice|sendfile|copy_file_range)(.*?) => \d+", r"\1\2", re.sub(r"\bpid=\d+", "pid=N", line))
    line = re.sub(r" => \{parent_tid=\[\d+\]\}", "", line)
    if re.match(r"(fork|vfork|clone|clone3|wait4|waitid|getpid|gettid|getppid|getpgrp|getpgid|getsid|setsid)\(", line):
        line = re.sub(r"\) = \d+$", ") = PID", line)
    return line


def native(argv: Sequence[str], cwd: Path, environment: dict[str, str], stdin: bytes = b"") -> list[list[str]]:
    """The lines of each process and thread, in the order in which they were made; without the first execve."""
    assert STRACE is not None
    output = cwd.parent / "native.strace"
    for old in cwd.parent.glob("native.strace*"):
        old.unlink()
    subprocess.run(
        [STRACE, "-ff", "-o", str(output), *argv],
        input=stdin, capture_output=True, cwd=cwd, env=environment, timeout=60, check=False,
    )  # fmt: skip
    files = sorted(cwd.parent.glob("native.strace.*"), key=lambda each: int(each.suffix[1:]))
    found = [[normal(line) for line in each.read_text(errors="replace").splitlines()] for each in files]
    found[0] = found[0][1:]
    return [[line for line in lines if line] for lines in found]


def lego(text: str) -> list[list[str]]:
    """The same of what Lego wrote."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = re.match(r"\[(\d+)\] \d+\.\d{9} (.*)", line)
        if match is None:
            continue
        lines = found.setdefault(match[1], [])
        shown = normal(match[2])
        if shown:
            lines.append(shown)
    return [found[tid] for tid in sorted(found, key=int)]


def threads_apart(lines: list[list[str]]) -> list[str]:
    """All lines in an order that does not depend on who ran first: for programs whose threads run at will."""
    return sorted(line for each in lines for line in each)
