"""The MapReduce programs of workloads/phoenix: what plain Python computes, and on Lego with any number of threads."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from harness import BUILD, CONFIGS, Bench, compiler, machine_config

from lego.machine import Machine

sys.path.insert(0, str(Path(__file__).parents[2] / "workloads" / "phoenix"))

from make_input import make
from reference import PROGRAMS, expected

SOURCES = Path(__file__).parents[2] / "workloads" / "phoenix"
THREADS = (1, 2, 4, 8)


def _compiler() -> str:
    """As `make test` chose it, or what the guest programs are compiled with."""
    if os.environ.get("LEGO_CC"):
        return os.environ["LEGO_CC"]
    command = compiler()
    assert command is not None, "no C compiler: install gcc or clang, or `pip install ziglang`"
    return shlex.join([*command, "-target", "x86_64-linux-musl"] if "ziglang" in command else command)


@pytest.fixture(scope="module")
def programs() -> Path:
    """The directory of the compiled programs."""
    target = BUILD.parent / "phoenix"
    command = ["make", "-s", "-j2", "-C", str(SOURCES), f"OUT={target}", f"CC={_compiler()}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return target


@pytest.fixture(scope="module", params=list(PROGRAMS))
def case(request: pytest.FixtureRequest, bench: Bench, programs: Path) -> tuple[Path, Path, bytes]:
    """A program, its input, and what it has to print."""
    name = request.param
    data = make(name)
    source = bench.base / f"{name}.input"
    source.write_bytes(data)
    return programs / name, source, expected(name, data).encode()


@pytest.mark.parametrize("threads", THREADS)
def test_natively_as_in_plain_python(bench: Bench, case: tuple[Path, Path, bytes], threads: int) -> None:
    program, source, wanted = case
    outcome = bench.native([str(program), "--threads", str(threads), "--check", str(source)])
    assert (outcome.status, outcome.stdout, outcome.stderr) == ("exit 0", wanted + b"check: same\n", b"")


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("machine", ["generous", "lines64"])
def test_on_lego(bench: Bench, case: tuple[Path, Path, bytes], machine: str, threads: int) -> None:
    program, source, wanted = case
    outcome = bench.lego(machine, [str(program), "--threads", str(threads), str(source)])
    assert (outcome.status, outcome.stdout, outcome.stderr) == ("exit 0", wanted, b"")


def test_the_check_on_lego(bench: Bench, case: tuple[Path, Path, bytes]) -> None:
    program, source, wanted = case
    outcome = bench.lego("spread", [str(program), "--threads", "3", "--check", str(source)])
    assert (outcome.status, outcome.stdout) == ("exit 0", wanted + b"check: same\n")


def test_more_threads_are_faster(bench: Bench, programs: Path) -> None:
    source = bench.base / "medium.input"
    source.write_bytes(make("kmeans", "medium"))
    took = {}
    for threads in (1, 4):
        with Machine(machine_config(CONFIGS["generous"], bench.base)) as machine:
            result = machine.run([str(programs / "kmeans"), "--threads", str(threads), str(source)])
        took[threads] = result.statistics["virtual_ns"]
    assert took[1] / 4 < took[4] < took[1] / 3  # Of the machine's own time: it has four cores.


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_other_inputs(tmp_path: Path, bench: Bench, programs: Path, name: str) -> None:
    for seed in range(1, 4):
        data = make(name, seed=seed)
        (tmp_path / "input").write_bytes(data)
        outcome = bench.native([str(programs / name), "--threads", "5", str(tmp_path / "input")], fresh=True)
        assert outcome.stdout == expected(name, data).encode()


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_an_empty_input(tmp_path: Path, bench: Bench, programs: Path, name: str) -> None:
    (tmp_path / "empty").write_bytes(b"")
    outcome = bench.native([str(programs / name), "--threads", "2", "--check", str(tmp_path / "empty")], fresh=True)
    if name == "word_count":
        assert outcome.stdout == b"0 words, 0 distinct, digest 0000000000000000\ncheck: same\n"
    else:
        assert outcome.status == "exit 1" and outcome.stderr.startswith(f"{name}: ".encode())


@pytest.mark.parametrize(
    "arguments", [[], ["--threads"], ["--threads", "0", "x"], ["--threads", "65", "x"], ["a", "b"]]
)
def test_bad_use(bench: Bench, programs: Path, arguments: list[str]) -> None:
    outcome = bench.native([str(programs / "pca"), *arguments], fresh=True)
    assert (outcome.status, outcome.stdout) == ("exit 2", b"")
    assert outcome.stderr == b"usage: pca [--threads 1..64] [--check] INPUT\n"
