"""Bad input of every kind: a clear message, the right status, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import Ended, command_line, environment, lego, program, remaining, run
from harness import ENVIRONMENT, deadline

from lego.config import MachineConfig, MiB, Mount
from lego.linux.errno import LinuxError
from lego.machine import Machine, MachineFailed

USAGE, FAILED, NOT_EXECUTABLE, NOT_FOUND = 2, 125, 126, 127


def said(ended: Ended, status: int, *words: str) -> None:
    """It ended with that status and one clear message that has these words, and no traceback."""
    message = ended.message
    assert ended.status == status, f"status {ended.status}, wanted {status}: {message}"
    assert "Traceback" not in message and "a defect of Lego" not in message, message
    assert message.strip(), "it said nothing"
    assert len(message) < 1000 and len(message.strip().splitlines()) <= 3, message
    for word in words:
        assert word.lower() in message.lower(), f"no {word!r} in: {message}"


def executable(path: Path, data: bytes) -> Path:
    """A file with the right to be executed."""
    path.write_bytes(data)
    path.chmod(0o755)
    return path


def elf(path: Path) -> bytearray:
    """The bytes of a program that works."""
    return bytearray(path.read_bytes())


# Programs that cannot be executed.


def test_no_such_file() -> None:
    said(run("/no/such/program"), NOT_FOUND, "/no/such/program")


def test_not_in_path() -> None:
    said(run("no-such-program-anywhere"), NOT_FOUND, "no-such-program-anywhere", "not found")


def test_a_name_of_several_lines() -> None:
    said(run("no\nsuch\x1b[1mprogram"), NOT_FOUND, "no\\nsuch\\x1b[1mprogram: command not found")


def test_a_directory(tmp_path: Path) -> None:
    said(run(tmp_path), NOT_EXECUTABLE, str(tmp_path), "directory")


def test_below_a_file() -> None:
    said(run("/etc/passwd/program"), NOT_EXECUTABLE, "/etc/passwd/program")


def test_not_executable(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(elf(program("machine_streams")))
    path.chmod(0o644)
    said(run(path), NOT_EXECUTABLE, str(path), "not executable")


def test_empty_file(tmp_path: Path) -> None:
    said(run(executable(tmp_path / "empty", b"")), NOT_EXECUTABLE, "empty")


def test_text_file(tmp_path: Path) -> None:
    said(run(executable(tmp_path / "text", b"this is no program\n")), NOT_EXECUTABLE, "ELF")


@pytest.mark.parametrize("length", [3, 4, 16, 63, 64, 100, 400, 5000])
def test_truncated_elf(tmp_path: Path, length: int) -> None:
    """Linux refuses a file without whole headers; what is cut behind them faults when it runs."""
    ended = run(executable(tmp_path / "cut", bytes(elf(program("machine_streams"))[:length])), "tty")
    if ended.status > 128:
        assert ended.status in (128 + 11, 128 + 7), ended.message
    else:
        said(ended, NOT_EXECUTABLE, "cut")


def test_32_bit_elf(tmp_path: Path) -> None:
    data = elf(program("machine_streams"))
    data[4] = 1
    data[18:20] = struct.pack("<H", 3)
    said(run(executable(tmp_path / "old", bytes(data))), NOT_EXECUTABLE, "32", "x86-64")


@pytest.mark.parametrize(("machine", "name"), [(183, "aarch64"), (40, "arm"), (243, "risc")])
def test_elf_of_another_machine(tmp_path: Path, machine: int, name: str) -> None:
    data = elf(program("machine_streams"))
    data[18:20] = struct.pack("<H", machine)
    said(run(executable(tmp_path / "foreign", bytes(data))), NOT_EXECUTABLE, name, "x86-64")


def test_elf_that_is_no_program(tmp_path: Path) -> None:
    data = elf(program("machine_streams"))
    data[16:18] = struct.pack("<H", 1)
    said(run(executable(tmp_path / "object", bytes(data))), NOT_EXECUTABLE, "object")


def test_missing_interpreter(tmp_path: Path) -> None:
    data = elf(program("info_exit", "dynamic"))
    data = data.replace(b"/lib64/ld-linux-x86-64.so.2", b"/lib64/ld-linux-nowhere.so.")
    if b"ld-linux-nowhere" not in data:
        pytest.skip("the compiler's dynamic programs have another interpreter")
    ended = run(executable(tmp_path / "dynamic", bytes(data)))
    said(ended, ended.status, "ld-linux-nowhere", "interpreter")
    assert ended.status in (NOT_EXECUTABLE, NOT_FOUND)


def test_script_without_its_interpreter(tmp_path: Path) -> None:
    ended = run(executable(tmp_path / "script", b"#!/no/such/shell -x\necho\n"))
    said(ended, ended.status, "/no/such/shell", "interpreter")
    assert ended.status in (NOT_EXECUTABLE, NOT_FOUND)


def test_script_that_is_its_own_interpreter(tmp_path: Path) -> None:
    path = tmp_path / "loop"
    ended = run(executable(path, f"#!{path}\n".encode()))
    said(ended, NOT_EXECUTABLE, "loop")


def test_empty_interpreter_line(tmp_path: Path) -> None:
    said(run(executable(tmp_path / "script", b"#!\n")), NOT_EXECUTABLE, "script")


def test_path_of_5000_bytes() -> None:
    ended = run("/" + "x" * 4999)
    said(Ended(ended.status, ended.stdout, ended.stderr.replace(b"x" * 4999, b"x")), ended.status, "name too long")
    assert ended.status in (NOT_EXECUTABLE, NOT_FOUND)


def test_arguments_that_do_not_fit() -> None:
    """A single argument may have 128 KiB (execve(2), MAX_ARG_STRLEN)."""
    path = program("machine_streams")
    with Machine(MachineConfig(mounts=(Mount("/", "/"),))) as machine, pytest.raises(LinuxError) as caught:
        machine.run([str(path), "x" * 131_072])
    assert caught.value.name == "E2BIG"


# Programs whose bytes are garbage.


def _headers(data: bytearray, random_source: random.Random) -> None:
    """Changes some bytes of the ELF header and the program headers."""
    for _ in range(random_source.choice((1, 1, 2, 4, 8))):
        at = random_source.randrange(16, 64 + 56 * 8)
        data[at] = random_source.choice((0, 1, 0x7F, 0x80, 0xFF, random_source.randrange(256)))


def _fields(data: bytearray, random_source: random.Random) -> None:
    """Puts extreme numbers into whole fields of a program header."""
    header = 64 + 56 * random_source.randrange(6)
    field = random_source.choice((8, 16, 32, 40, 48))
    values = (0, 1, 4095, 4096, 1 << 31, 1 << 46, (1 << 47) - 4096, 1 << 47, 1 << 63, (1 << 64) - 1)
    data[header + field : header + field + 8] = struct.pack("<Q", random_source.choice(values))


def _counts(data: bytearray, random_source: random.Random) -> None:
    """Puts extreme numbers into the fields of the ELF header."""
    at, kind = random_source.choice(((24, "<Q"), (32, "<Q"), (52, "<H"), (54, "<H"), (56, "<H")))
    size = struct.calcsize(kind) * 8
    value = random_source.choice((0, 1, 56, 64, 100, (1 << size) - 1, 1 << (size - 1)))
    data[at : at + size // 8] = struct.pack(kind, value)


@contextlib.contextmanager
def impatience(seconds: float) -> Iterator[None]:
    """Ends a guest that does not end: a program with another entry point may well run for ever."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("change", [_headers, _fields, _counts])
@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_garbage_headers(tmp_path: Path, change: Callable[[bytearray, random.Random], None], kind: str) -> None:
    """Whatever the headers say, it is refused or it runs or a signal ends it, and the machine works on."""
    original = elf(program("info_exit", kind))
    path = tmp_path / "garbage"
    config = MachineConfig(mounts=(Mount("/", "/"), Mount(str(tmp_path), str(tmp_path))), memory_bytes=64 * MiB)
    with Machine(config) as machine:
        for seed in range(60):
            data = bytearray(original)
            change(data, random.Random(f"{change.__name__} {seed}"))
            executable(path, bytes(data))
            try:
                with impatience(2), deadline(30, f"seed {seed}"):
                    machine.run([str(path), "3"], environment=ENVIRONMENT, relay_signals=True)
            except LinuxError as error:
                assert error.name in ("ENOEXEC", "ENOMEM", "EINVAL", "EIO", "EACCES", "ENOENT", "E2BIG", "EFAULT"), seed
            except MachineFailed as error:
                pytest.fail(f"seed {seed}: the machine failed: {error}")
            path.unlink()
        result = machine.run([str(program("info_exit")), "3"], environment=ENVIRONMENT)
        assert result.exit_code == 3


# Too little of something.


@pytest.mark.parametrize("excache", ["64K", "256K", "4MiB"])
@pytest.mark.parametrize(("memory", "mib"), [("1MiB", "1"), ("4MiB", "4"), ("8MiB", "8"), ("8MiB", "32")])
@pytest.mark.parametrize("kind", [[], ["file"]])
def test_full_memory(tmp_path: Path, kind: list[str], memory: str, mib: str, excache: str) -> None:
    """The guest is told by ENOMEM or SIGBUS, whether a miss or a flush finds no frame, and the machine lives."""
    ended = run("--memory", memory, "--excache", excache, "--ways", "4", program("machine_hungry"), mib, *kind,
                cwd=tmp_path)  # fmt: skip
    if ended.status == 5:
        assert b"ENOMEM" in ended.stdout
    elif ended.status == 128 + 7:
        assert ended.stdout == b"mapped\n"
        assert ended.stderr == b"Bus error\n"
    else:  # Pages of a file can be written back, and a large cache holds what memory cannot: then it all fits.
        assert (kind or excache == "4MiB") and ended.status == 0, ended
        assert ended.stdout == b"mapped\nall there\n", ended


def test_memory_for_no_program_at_all() -> None:
    ended = run("--memory", "1MiB", "--excache", "256K", program("machine_hungry"), "1")
    assert ended.status in (5, NOT_EXECUTABLE, 128 + 7, 128 + 9, 128 + 11, 0), ended
    assert "Traceback" not in ended.message


def test_memory_is_given_back() -> None:
    """After a program was refused memory, the next has all of it."""
    with Machine(MachineConfig(mounts=(Mount("/", "/"),), memory_bytes=16 * MiB, excache_bytes=MiB)) as machine:
        for _ in range(3):
            full = machine.run([str(program("machine_hungry")), "64"])
            assert full.signal == 7 or full.exit_code == 5, full
            fits = machine.run([str(program("machine_hungry")), "8"])
            assert fits.exit_code == 0 and fits.stdout == b"mapped\nall there\n", fits


def test_read_only_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    ended = run("--mount", f"{tmp_path}:/mnt:ro", program("machine_write"), "/mnt/file", "1")
    assert (ended.status, ended.stdout) == (1, b"open: EROFS\n"), ended
    ended = run("--mount", f"{tmp_path}:/mnt", program("machine_write"), "/mnt/new", "1")
    assert (ended.status, ended.stdout) == (1, b"open: EROFS\n"), ended
    assert [each.name for each in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_text() == "kept"


def test_host_tree_is_read_only(tmp_path: Path) -> None:
    ended = run(program("machine_write"), "/usr/lego-was-here", "1", cwd=tmp_path)
    assert (ended.status, ended.stdout) == (1, b"open: EROFS\n"), ended
    assert not Path("/usr/lego-was-here").exists()


def test_disk_full_mount(tmp_path: Path) -> None:
    """A file system of 64 KiB, in a mount namespace that ends with the command."""
    disk = tmp_path / "disk"
    disk.mkdir()
    shell = f'mount -t tmpfs -o size=64k none "{disk}" && exec "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", shell, "sh"]
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this host lets us make no mount of our own")
    mark = "disk full"
    lines = command_line("run", "--inproc", "--mount", f"{disk}:/mnt:rw", program("machine_write"), "/mnt/file", "100")
    result = subprocess.run([*prefix, *lines], capture_output=True, env=environment(mark), timeout=60, check=False)
    assert (result.returncode, result.stdout) == (2, b"open: 0\nwrite: ENOSPC\n"), result
    assert not remaining(mark)


def test_dev_full() -> None:
    ended = run(program("machine_write"), "/dev/full", "1")
    assert (ended.status, ended.stdout) == (2, b"open: 0\nwrite: ENOSPC\n"), ended


# Machines that cannot be.


@pytest.mark.parametrize(
    "topology", ["", "1P", "1P-1M", "0P-1M-1S", "1P-0M-1S", "1P-1M-0S", "-1P-1M-1S", "1P-1M-1X", "1P1M1S", "aP-bM-cS",
                 "1P-1M-1S-1Q", "99999999999P-1M-1S", "1.5P-1M-1S"],
)  # fmt: skip
def test_impossible_topology(topology: str) -> None:
    said(run("--topology", topology, "true"), USAGE, "topology")


@pytest.mark.parametrize("size", ["", "0", "-1", "4", "12x", "MiB", "1.5.2MiB", "999999PiB", "1 000", "nan"])
@pytest.mark.parametrize("option", ["excache", "memory"])
def test_impossible_size(option: str, size: str) -> None:
    said(run(f"--{option}", size, "true"), USAGE, option)


@pytest.mark.parametrize("ways", ["0", "-4", "many", "1000000000"])
def test_impossible_ways(ways: str) -> None:
    said(run("--ways", ways, "true"), USAGE, "ways")


@pytest.mark.parametrize(
    ("mount", "word"), [("/no/such/place:/mnt", "/no/such/place"), ("/tmp", "mount"), ("/tmp:relative", "relative"),
                        ("/tmp:/mnt:sideways", "sideways"), ("::", "mount"), ("", "mount")],
)  # fmt: skip
def test_impossible_mount(mount: str, word: str) -> None:
    said(run("--mount", mount, "true"), USAGE, word)


def test_impossible_root(tmp_path: Path) -> None:
    said(run("--root", tmp_path / "missing", "true"), USAGE, "missing")
    (tmp_path / "file").write_text("")
    said(run("--root", tmp_path / "file", "true"), USAGE, "file")


@pytest.mark.parametrize("cwd", ["/no/such/directory", "/etc/passwd", "/proc/no", "/proc/version", "/dev/null", "home"])
def test_impossible_cwd(cwd: str) -> None:
    said(run("--cwd", cwd, program("info_exit"), "3"), USAGE, "cwd", cwd)


@pytest.mark.parametrize("env", ["novalue", "=x", ""])
def test_impossible_environment(env: str) -> None:
    said(run("--env", env, "true"), USAGE, "env")


def test_impossible_seed() -> None:
    said(run("--seed", "x", "true"), USAGE, "seed")


def test_unknown_option() -> None:
    said(run("--no-such-option", "true"), USAGE, "no-such-option")


def test_no_program() -> None:
    said(run(), USAGE, "PROG")


def test_unknown_command() -> None:
    said(lego("fly"), USAGE, "fly")


def test_statistics_cannot_be_written(tmp_path: Path) -> None:
    ended = run("--stats-json", tmp_path / "no/dir/stats.json", program("info_exit"), "3")
    said(ended, USAGE, "stats.json")
    assert ended.stdout == b"", "the program must not have run"


# Machine files.


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("topology = ", ["machine.toml:1:"]),
        ('seed = 1\n\nexcache = "4MiB\n', ["machine.toml:3:"]),
        ("\x00\x01\x02", ["machine.toml"]),
        ("sead = 1\n", ["sead", "seed"]),
        ("[network]\nround_trip = 4200\n", ["network", "round_trip"]),
        ('seed = "one"\n', ["seed"]),
        ("excache = [1]\n", ["excache"]),
        ('topology = "1P-9M"\n', ["topology"]),
        ("ways = 0\n", ["ways"]),
        ("ways = -1\n", ["ways"]),
        ('mount = "/tmp:/mnt"\n', ["mount"]),
        ('mount = ["/no/such/place:/mnt"]\n', ["/no/such/place"]),
        ("ways = true\n", ["ways"]),
        ("seed = 1.5\n", ["seed"]),
        ("[machine.more]\nx = 1\n", ["machine"]),
        ("ways = 4\nways = 8\n", ["machine.toml:2:"]),
        ("env = " + "[" * 100_000, ["too deeply"]),
    ],
)
def test_bad_machine_file(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "machine.toml"
    path.write_text(text)
    said(run("--machine", path, "true"), USAGE, "machine.toml", *words)


def test_machine_file_that_cannot_be_read(tmp_path: Path) -> None:
    said(run("--machine", tmp_path / "missing.toml", "true"), USAGE, "missing.toml")
    said(run("--machine", tmp_path, "true"), USAGE, str(tmp_path))
    (tmp_path / "latin.toml").write_bytes(b'cwd = "/\xe9"\n')
    said(run("--machine", tmp_path / "latin.toml", "true"), USAGE, "latin.toml")
    said(run("--machine", "/dev/zero", "true"), USAGE, "/dev/zero", "too large")
