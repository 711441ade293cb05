"""Runs a program natively and on Lego, in the same directory, and compares everything that can be seen of it.

The host's kernel is the oracle: what it prints, how it ends, and the files that it leaves behind are what
Lego has to produce, byte for byte. Programs describe their own runs in the comment that they begin with:

    run: ARGS      one run with these arguments (quoted as in a shell); without any such line, one run without any
    builds: KIND   of static (the default), dynamic, pie, static-pie, musl (static, with that C library)
    flags: FLAGS   more flags for the compiler
    stdin: TEXT    standard input, with C's escapes
"""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import functools
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gmanager.messages import Load
from lego.component import MANAGER
from lego.config import MachineConfig, MiB, Mount, Topology
from lego.machine import Machine, MachineFailed

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
BUILD = HERE.parents[1] / "build" / "guest"
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/", "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}
TIMEOUT_S = 60.0
LINE = 4096
NOTICE = re.compile(rb"^lego: .* is not supported yet \(ENOSYS\)\n", re.MULTILINE)
"""What Lego says, once, of a system call that it does not have: it is not the guest's own."""
FLAGS = {
    "static": ["-static"],
    "dynamic": ["-no-pie"],
    "pie": ["-fPIE", "-pie"],
    "static-pie": ["-static-pie", "-fPIE"],
    "musl": ["-static", "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"],
}
"""Of each kind. musl comes without the kernel's headers, which are those of the host."""
MUSL = "musl-gcc"
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wno-stringop-overflow",
    "-Wno-stringop-overread",
    "-Wno-nonnull",
    "-Wno-unknown-warning-option",
    "-Wno-unused-result",
]


class Config(NamedTuple):
    """A machine to run on."""

    memories: int
    excache_bytes: int
    ways: int
    processors: int = 1
    """With more than one, every fork and execve goes to the one with the fewest threads, ..."""
    away: bool = False
    """... unless all are to run on another than the one that keeps them."""


CONFIGS = {
    "generous": Config(1, 64 * MiB, 64),
    "lines64": Config(1, 64 * LINE, 4),
    "one_set": Config(1, 64 * LINE, 64),
    "spread": Config(3, 64 * MiB, 64),
    "spread_lines64": Config(3, 64 * LINE, 4),
    "processors": Config(1, 64 * MiB, 64, 2),
    "away": Config(1, 64 * MiB, 64, 2, away=True),
    "processors_lines64": Config(2, 64 * LINE, 4, 3),
}


class Program(NamedTuple):
    """A C file and how it says it is to be run."""

    name: str
    source: Path
    builds: tuple[str, ...]
    flags: tuple[str, ...]
    runs: tuple[tuple[str, ...], ...]
    stdin: bytes


class Outcome(NamedTuple):
    """All that is compared."""

    status: str
    """"exit N" or "signal N"."""
    stdout: bytes
    stderr: bytes
    files: tuple[str, ...]
    """One line for each thing in the directory afterwards."""


@functools.cache
def read_program(source: Path) -> Program:
    """Parses the comment at the beginning of a program."""
    comment = source.read_text(encoding="utf-8").partition("*/")[0]
    found: dict[str, list[str]] = {"run": [], "builds": [], "flags": [], "stdin": []}
    for key, value in re.findall(r"^[/ ]\*+ (run|builds|flags|stdin): (.*)$", comment, re.MULTILINE):
        found[key].append(value)
    return Program(
        name=source.stem,
        source=source,
        builds=tuple(" ".join(found["builds"]).split()) or ("static",),
        flags=tuple(" ".join(found["flags"]).split()),
        runs=tuple(tuple(shlex.split(each)) for each in found["run"]) or ((),),
        stdin="".join(found["stdin"]).encode().decode("unicode_escape").encode("latin-1"),
    )


def all_programs() -> list[Program]:
    """Every program of this directory."""
    return [read_program(source) for source in sorted(PROGRAMS.glob("*.c"))]


@functools.cache
def compiler() -> tuple[str, ...] | None:
    """The C compiler: the host's, or else the one of the ziglang wheel."""
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if name and shutil.which(name):
            return (name,)
    zig = (sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=undefined")
    found = subprocess.run([*zig, "--version"], capture_output=True, check=False).returncode == 0
    return zig if found else None


@functools.cache
def build(program: Program, kind: str) -> Path:
    """Compiles a program unless that was done before; raises AssertionError with the compiler's words."""
    binary = BUILD / kind / program.name
    newest = max(each.stat().st_mtime for each in (program.source, *PROGRAMS.glob("*.h"), Path(__file__)))
    if binary.exists() and binary.stat().st_mtime > newest:
        return binary
    command = (MUSL,) if kind == "musl" else compiler()
    assert command is not None, "no C compiler: install gcc or clang, or `pip install ziglang`"
    binary.parent.mkdir(parents=True, exist_ok=True)
    partial = binary.with_suffix(f".{os.getpid()}")
    if "ziglang" in command:  # It brings musl and glibc along; only musl can be linked statically.
        command += ("-target", "x86_64-linux-gnu" if kind in ("dynamic", "pie") else "x86_64-linux-musl")
    arguments = [*command, "-O1", "-std=gnu11", *WARNINGS, *program.flags, *FLAGS[kind], str(program.source)]
    result = subprocess.run([*arguments, "-o", str(partial), "-lm"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{shlex.join(arguments)}\n{result.stderr}"
    partial.replace(binary)
    return binary


def machine_config(config: Config, scratch: Path) -> MachineConfig:
    """The host's tree read-only, and the scratch directory and /tmp to write to."""
    return MachineConfig(
        topology=Topology(config.processors, config.memories, 1),
        placement="spread" if config.processors > 1 and not config.away else "parent",
        excache_bytes=config.excache_bytes,
        ways=config.ways,
        memory_placement="spread" if config.memories > 1 else "home",
        mounts=(Mount("/", "/"), Mount("/tmp", "/tmp", True), Mount(str(scratch), str(scratch), True)),
    )


def _describe(path: Path, name: str) -> str:
    status = path.lstat()
    kind = stat.filemode(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return f"{name} {kind} -> {os.readlink(path)}"
    if stat.S_ISREG(status.st_mode):
        data = path.read_bytes()
        shown = repr(data) if len(data) <= 64 else f"{data[:24]!r}... {hash_of(data)}"
        return f"{name} {kind} {status.st_nlink} {len(data)} {shown}"
    return f"{name} {kind}"


def hash_of(data: bytes) -> str:
    """A short name for many bytes."""
    import hashlib

    return hashlib.sha256(data).hexdigest()[:16]


def snapshot(directory: Path) -> tuple[str, ...]:
    """What is below a directory: names, kinds, modes, link counts, contents."""
    lines = []
    for parent, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            path = Path(parent, name)
            lines.append(_describe(path, str(path.relative_to(directory))[:80]))
    return tuple(sorted(lines))


def empty(directory: Path) -> None:
    """Makes a directory fresh, whatever a program did to it."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)


@contextlib.contextmanager
def deadline(seconds: float, what: str) -> Iterator[None]:
    """Ends a run in this process that does not end by itself."""

    def late(*_: object) -> None:
        raise TimeoutError(f"{what} did not end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def alone_on_the_host() -> Iterator[None]:
    """Holds off the native runs of the other workers: what a program names (sockets, ports, System V keys,
    pseudo-terminals) is the whole host's. Native runs are short: TIMEOUT_S bounds each."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "native.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Bench:
    """A directory to run in, and the machines, which are kept from one run to the next."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.work = base / "work"
        self._machines: dict[str, Machine] = {}
        self._native: dict[object, Outcome] = {}

    def native(
        self,
        argv: Sequence[str],
        stdin: bytes = b"",
        prepare: Callable[[Path], None] | None = None,
        fresh: bool = False,
    ) -> Outcome:
        """What the host's kernel makes of it; asked once for each command, unless `fresh`."""
        key = (tuple(argv), stdin, prepare)
        if fresh or key not in self._native:
            self._fresh(prepare)
            with alone_on_the_host():
                result = subprocess.run(
                    argv,
                    input=stdin,
                    capture_output=True,
                    cwd=self.work,
                    env=ENVIRONMENT,
                    timeout=TIMEOUT_S,
                    check=False,
                )
            code = result.returncode
            status = f"signal {-code}" if code < 0 else f"exit {code}"
            self._native[key] = Outcome(status, result.stdout, result.stderr, snapshot(self.work))
        return self._native[key]

    def lego(
        self, name: str, argv: Sequence[str], stdin: bytes = b"", prepare: Callable[[Path], None] | None = None
    ) -> Outcome:
        """The same on the machine called `name` in CONFIGS."""
        self._fresh(prepare)
        machine = self.machine(name)
        try:
            with deadline(TIMEOUT_S, shlex.join(argv)):
                result = machine.run(argv, stdin=stdin, environment=ENVIRONMENT, cwd=str(self.work))
        except (MachineFailed, TimeoutError):
            self._machines.pop(name).close()
            raise
        status = f"signal {result.signal}" if result.signal else f"exit {result.exit_code}"
        return Outcome(status, result.stdout, NOTICE.sub(b"", result.stderr), snapshot(self.work))

    def machine(self, name: str) -> Machine:
        """A running machine of that configuration."""
        if name not in self._machines:
            machine = Machine(machine_config(CONFIGS[name], self.base))
            machine.start()
            if CONFIGS[name].away:
                machine.endpoint.call(MANAGER, Load("P0", threads=1000))
            self._machines[name] = machine
        return self._machines[name]

    def close(self) -> None:
        """Ends all machines."""
        while self._machines:
            self._machines.popitem()[1].close()

    def _fresh(self, prepare: Callable[[Path], None] | None) -> None:
        empty(self.work)
        if prepare is not None:
            prepare(self.work)


def differences(expected: Outcome, got: Outcome) -> str:
    """What is not as it should be, for a person; empty when all is."""
    parts = []
    if expected.status != got.status:
        parts.append(f"status: expected {expected.status}, got {got.status}")
    for name in ("stdout", "stderr", "files"):
        wanted, real = getattr(expected, name), getattr(got, name)
        if wanted == real:
            continue
        lines = [
            each.decode(errors="backslashreplace").splitlines() if isinstance(each, bytes) else list(each)
            for each in (wanted, real)
        ]
        diff = list(difflib.unified_diff(*lines, f"native {name}", f"lego {name}", lineterm="", n=1))
        parts += diff[:40] or [f"{name} differ in line ends only"]
    return "\n".join(parts)
