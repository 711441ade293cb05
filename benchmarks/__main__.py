"""`make bench`: Lego beside the host, qemu-x86_64 and plain Unicorn, on the same program and input.

    python -m benchmarks [ROUNDS]

What is not installed is named. Prints rows and verdicts, and exits with 0 whatever they say, since a shared machine
may be slow: read the ratios.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Row, Verdict, ratio, rounds
from benchmarks.misses import parts_of_a_miss
from lego.config import MachineConfig, MiB, Mount
from lego.machine import Machine

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
WORD_COUNT = [str(BUILD / "word_count"), str(BUILD / "text.txt")]
"""The program and its 20 MB of real text, both made by `make bench`."""
CALLS = 200_000
SETS = 16
"""Of the small cache. Its ways follow from its size, so that it has a quarter of the lines and not the next power of
two below."""

NATIVE, QEMU, PLAIN = "native", "qemu-x86_64, its start-up included", "plain Unicorn, all mapped"
ALL, QUARTER, RAY = "Lego, all in the ExCache", "Lego, a quarter", "Lego on Ray, a quarter"


def build(source: Path) -> Path:
    """A static program."""
    binary = BUILD / "bench" / source.stem
    binary.parent.mkdir(parents=True, exist_ok=True)
    compiler = shlex.split(os.environ.get("LEGO_CC", "cc"))
    subprocess.run([*compiler, "-O2", "-static", "-o", str(binary), str(source)], check=True)
    return binary


def timed(argv: list[str]) -> Callable[[], float]:
    """How long a command takes, its start-up included."""

    def measure() -> float:
        began = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began

    return measure


def plain(argv: list[str]) -> Callable[[], float]:
    """How long plain Unicorn takes, by its own word: from the first instruction to the last."""

    def measure() -> float:
        command = [sys.executable, str(ROOT / "benchmarks" / "plain_unicorn.py"), *argv]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        return float(result.stderr.split()[-1])

    return measure


def config(excache_bytes: int = 64 * MiB, ways: int = 64) -> MachineConfig:
    """The host's tree read-only."""
    return MachineConfig(excache_bytes=excache_bytes, ways=ways, mounts=(Mount("/", "/"),), cwd="/")


def small_config(working_set_bytes: int) -> MachineConfig:
    """An ExCache of a quarter of a working set."""
    ways = max(1, working_set_bytes // 4 // 4096 // SETS)
    return config(SETS * ways * 4096, ways)


def on_lego(machine: Machine, argv: list[str]) -> Callable[[], float]:
    """How long a run takes on a machine that is up, from execve to exit."""

    def measure() -> float:
        result = machine.run(argv)
        assert result.exit_code == 0, result.stderr
        return float(result.statistics["wall_seconds"])

    return measure


def working_set(argv: list[str]) -> int:
    """Bytes of lines that the program touches, with room for all of them."""
    with Machine(config(256 * MiB)) as machine:
        excache = machine.run(argv).statistics["processors"][0]["excache"]
    return int(excache["misses"] + excache["zero_fills"] + excache["prefetched"] + excache["write_fills"]) * 4096


def show(title: str, rows: dict[str, Row]) -> None:
    """A table of medians and spreads."""
    print(f"\n{title}")
    for row in rows.values():
        print(f"  {row.name:36} {row.median:8.3f} s   {row.spread}")


def word_count(count: int) -> list[Verdict]:
    """The 20 MB word count, everywhere."""
    touched = working_set(WORD_COUNT)
    small = small_config(touched)
    qemu = shutil.which("qemu-x86_64")
    print(f"word count: working set {touched:,} bytes, a quarter of it {small.excache_bytes:,} bytes")
    with Machine(config()) as everything, Machine(small) as little, Machine(small, runtime="ray") as actors:
        things = {
            NATIVE: timed(WORD_COUNT),
            QEMU: timed([str(qemu), *WORD_COUNT]),
            PLAIN: plain(WORD_COUNT),
            ALL: on_lego(everything, WORD_COUNT),
            QUARTER: on_lego(little, WORD_COUNT),
            RAY: on_lego(actors, WORD_COUNT),
        }
        if not qemu:
            del things[QEMU]
            print("qemu-x86_64 is not installed: no row for it (Debian's package is qemu-user)")
        rows = rounds(count, things)
    show("word count", rows)
    verdicts = [Verdict("Lego / qemu-x86_64", ratio(rows, ALL, QEMU), 2.2, True)] if qemu else []
    return [
        *verdicts,
        Verdict("plain Unicorn / Lego", ratio(rows, PLAIN, ALL), 2.5, False),
        Verdict("a quarter / all in the ExCache", ratio(rows, QUARTER, ALL), 2.0, True),
        Verdict("Ray / in process, a quarter", ratio(rows, RAY, QUARTER), 1.3, True),
    ]


def system_calls(count: int) -> list[Verdict]:
    """A loop of getpid."""
    program = str(build(ROOT / "benchmarks" / "getpid_loop.c"))
    with Machine(config()) as machine:
        things = {"one": on_lego(machine, [program, "1"]), "many": on_lego(machine, [program, str(CALLS)])}
        rows = rounds(count, things)
    each_us = (rows["many"].median - rows["one"].median) / CALLS * 1e6
    return [Verdict("microseconds for a getpid", each_us, 6.0, True)]


def start_up(count: int) -> list[Verdict]:
    """The smallest program, with everything that comes before and after it."""
    lego = [sys.executable, "-m", "lego.cli.main", "run"]
    rows = rounds(count, {"in process": timed([*lego, "--inproc", "/bin/true"]), "on Ray": timed([*lego, "/bin/true"])})
    show("lego run /bin/true", rows)
    return [
        Verdict("seconds for /bin/true in process", rows["in process"].median, 0.6, True),
        Verdict("seconds for /bin/true on Ray", rows["on Ray"].median, 6.0, True),
    ]


def main() -> None:
    """Runs everything."""
    if not all(Path(each).exists() for each in WORD_COUNT):
        sys.exit("benchmarks: run `make bench`, which builds what is measured")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    verdicts = word_count(count)
    print("\na miss, in microseconds (each reading of the clock costs some 0.1 itself)")
    for name, figure in parts_of_a_miss(small_config(working_set(WORD_COUNT)), WORD_COUNT).items():
        print(f"  {name:36} {figure:8.2f}")
    verdicts += system_calls(count) + start_up(count)
    print()
    for verdict in verdicts:
        print(verdict.line())


if __name__ == "__main__":
    main()
