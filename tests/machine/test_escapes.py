"""A guest sees its own tree and nothing else of the host, whatever it and others do with names."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from command import TIMEOUT_S, program, run, start

WORD = "SECRET-OF-THE-HOST"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root for a guest, beside a directory with a secret: tmp_path/root and tmp_path/outside/secret."""
    root = tmp_path / "root"
    for name in ("bin", "tmp", "a/b/c"):
        (root / name).mkdir(parents=True)
    for name in ("escape_walk", "escape_race", "escape_moved"):
        shutil.copy(program(name), root / "bin" / name)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text(f"{WORD}\n")
    return root


def secret(tree: Path) -> Path:
    """The file that must not be reached."""
    return tree.parent / "outside" / "secret"


def lines(output: bytes) -> list[str]:
    return output.decode().splitlines()


def test_walking(tree: Path) -> None:
    ended = run("--root", tree, "/bin/escape_walk", secret(tree), WORD)
    assert lines(ended.stdout) == [
        "exe /bin/escape_walk",
        "ok getcwd(target, sizeof target) != NULL",
        "1 ways, 0 led out",
    ], ended
    assert ended.status == 0
    assert secret(tree).read_text() == f"{WORD}\n"
    assert sorted(os.listdir(secret(tree).parent)) == ["secret"]


def test_links_that_the_host_made(tree: Path) -> None:
    """Absolute, relative and chained links in the tree to what is outside lead nowhere."""
    (tree / "absolute").symlink_to(secret(tree))
    (tree / "relative").symlink_to("../outside/secret")
    (tree / "directory").symlink_to("../outside")
    (tree / "chain").symlink_to("a/b/next")
    (tree / "a/b/next").symlink_to("../../../outside/secret")
    ended = run("--root", tree, "/bin/escape_walk", secret(tree), WORD)
    assert b"1 ways, 0 led out\n" in ended.stdout, ended
    for name in ("absolute", "relative", "chain", "directory/secret"):
        shutil.copy(program("machine_write"), tree / "bin" / "write")
        ended = run("--root", tree, "/bin/write", f"/{name}", "1")
        assert ended.stdout == b"open: ENOENT\n", (name, ended)
    assert secret(tree).read_text() == f"{WORD}\n"


def test_program_outside(tree: Path) -> None:
    """Neither the program nor its interpreter is taken from outside the tree."""
    assert run("--root", tree, program("info_exit"), "3").status == 127
    shutil.copy(program("info_exit", "dynamic"), tree / "bin" / "dynamic")
    assert run("--root", tree, "/bin/dynamic", "3").status in (126, 127)
    (tree / "bin/link").symlink_to(program("info_exit"))
    assert run("--root", tree, "/bin/link", "3").status == 127


def test_mounts(tree: Path) -> None:
    """A mount inside the tree has no way up to its own neighbours on the host."""
    inner = tree.parent / "inner"
    inner.mkdir()
    (inner / "up").symlink_to("../outside/secret")
    (inner / "down").mkdir()
    ended = run(
        "--root", tree, "--mount", f"{inner}:/mnt:rw", "--cwd", "/mnt/down", "/bin/escape_walk", secret(tree), WORD
    )
    assert b"1 ways, 0 led out\n" in ended.stdout, ended
    shutil.copy(program("machine_write"), tree / "bin" / "write")
    assert run("--root", tree, "--mount", f"{inner}:/mnt:rw", "/bin/write", "/mnt/up", "1").stdout == b"open: ENOENT\n"


def _swap(tree: Path, stop: threading.Event) -> None:
    """Changes what /swap is, as fast as it can: a directory inside, and links to the one outside."""
    good, bad = tree / "good", tree.parent / "outside"
    kinds = [str(bad), "../outside", "../../outside", "/../outside", "good"]
    place, spare = tree / "swap", tree / "spare"
    at = 0
    while not stop.is_set():
        at += 1
        spare.symlink_to(kinds[at % len(kinds)])
        if place.is_symlink() or not place.exists():
            spare.replace(place)
        if at % 7 == 0:
            with contextlib.suppress(OSError):
                place.unlink()
                good.rename(place)
                place.rename(good)
        with contextlib.suppress(FileNotFoundError):
            spare.unlink()


def test_racing_a_rename(tree: Path) -> None:
    (tree / "good").mkdir()
    (tree / "good/secret").write_text("INSIDE\n")
    secret(tree).write_text("OUTSIDE\n")
    (tree / "swap").symlink_to("good")
    stop = threading.Event()
    swapper = threading.Thread(target=_swap, args=(tree, stop))
    guest = start("run", "--inproc", "--root", str(tree), "/bin/escape_race", stdout=subprocess.PIPE)
    swapper.start()
    try:
        assert guest.stdout is not None and guest.stdout.readline() == b"inside\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            guest.wait(4)
        (tree / "stop").write_text("")
        output, _ = guest.communicate(timeout=TIMEOUT_S)
    finally:
        stop.set()
        swapper.join()
        guest.kill()
    assert output == b"outside 0\n"
    assert secret(tree).read_text() == "OUTSIDE\n"


def test_a_directory_that_is_moved_out(tree: Path) -> None:
    """The guest holds /a/b/c; the host moves /a/b beside the secret; from there no `..` may lead to it."""
    outside = secret(tree).parent
    guest = start(
        "run", "--inproc", "--root", str(tree), "/bin/escape_moved", str(secret(tree)), WORD,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert guest.stdout is not None
        assert guest.stdout.readline() == b"ready\n"
        (tree / "a/b").rename(outside / "b")
        output, _ = guest.communicate(b"x", timeout=TIMEOUT_S)
    finally:
        guest.kill()
    assert output == b"led out 0\n"


def test_the_hosts_devices_and_processes(tree: Path) -> None:
    """With the host's tree as its own, a guest still has no device of the host and sees no process of it."""
    with Path("/proc/self/stat").open() as own:
        pid = own.read().split()[0]
    for path in (f"/proc/{pid}/environ", "/dev/mem", "/dev/kmsg", "/proc/kcore", "/proc/sysrq-trigger"):
        ended = run(program("machine_write"), path, "0")
        assert ended.stdout != b"open: 0\n" and ended.status == 1, (path, ended)
