"""`lego run` as a person and a shell see it: streams, statuses, signals, options."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import TIMEOUT_S, Ended, command_line, environment, lego, program, remaining, run, start


def helper(*arguments: str) -> list[str]:
    """The command line of a program of ours in the guest."""
    return ["run", "--inproc", str(program("machine_streams")), *arguments]


def read_until(descriptor: int, wanted: bytes, seconds: float = 30.0) -> bytes:
    """What comes from a descriptor up to and with `wanted`."""
    output, end = b"", time.monotonic() + seconds
    while wanted not in output:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"{wanted!r} did not come within {seconds:g} s, but {output!r}"
        with contextlib.suppress(OSError):
            if part := os.read(descriptor, 65536):
                output += part
                continue
        raise AssertionError(f"the output ended before {wanted!r}: {output!r}")
    return output


@contextlib.contextmanager
def started(*arguments: str, **options: object) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A command that runs, which is ended with the block, and after which nothing is left."""
    mark = uuid.uuid4().hex
    process = start(*arguments, mark=mark, **options)
    try:
        yield process, mark
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


# Streams.


def test_a_mebibyte_of_anything_passes(tmp_path: Path) -> None:
    data = bytes((i * 7 + (i >> 8) * 13 + (i >> 16)) & 255 for i in range(1 << 20))
    ended = lego(*helper("echo"), stdin=data)
    assert ended.stdout == data
    assert (ended.status, ended.stderr) == (0, b"1048576 bytes\n")


def test_redirection(tmp_path: Path) -> None:
    source, target, errors = tmp_path / "in", tmp_path / "out", tmp_path / "err"
    source.write_bytes(b"some\0thing\xff\n" * 1000)
    line = 'exec "$@" <in >out 2>err'
    shell = ["sh", "-c", line, "sh", *command_line(*helper("echo"))]
    result = subprocess.run(shell, cwd=tmp_path, env=environment("redirection"), timeout=TIMEOUT_S, check=False)
    assert result.returncode == 0
    assert target.read_bytes() == source.read_bytes()
    assert errors.read_bytes() == b"12000 bytes\n"


def test_appending(tmp_path: Path) -> None:
    target = tmp_path / "log"
    target.write_bytes(b"before\n")
    with target.open("ab") as stream, started(*helper("echo"), stdin=subprocess.PIPE, stdout=stream) as (process, _):
        process.communicate(b"after\n", timeout=TIMEOUT_S)
    assert target.read_bytes() == b"before\nafter\n"


def test_both_outputs_in_one(tmp_path: Path) -> None:
    with started(*helper("converse"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as (
        process, _,
    ):  # fmt: skip
        assert process.communicate(timeout=TIMEOUT_S)[0] == b"ready\nbye\n"


def test_a_conversation_is_streamed() -> None:
    """Each answer comes while the program runs, before the next line is given."""
    with started(*helper("converse"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as (process, _):
        assert process.stdin is not None and process.stdout is not None
        assert read_until(process.stdout.fileno(), b"\n") == b"ready\n"
        for word in (b"one", b"two"):
            process.stdin.write(word + b"\n")
            process.stdin.flush()
            assert read_until(process.stdout.fileno(), b"\n") == b"you said <%s>\n" % word
        process.stdin.close()
        assert read_until(process.stdout.fileno(), b"\n") == b"bye\n"
        assert process.wait(TIMEOUT_S) == 0


def test_a_file_as_input_can_be_sought(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"0123456789")
    with source.open("rb") as stream, started(*helper("seek"), stdin=stream, stdout=subprocess.PIPE) as (process, _):
        output, _err = process.communicate(timeout=TIMEOUT_S)
    assert output == b"lseek(0, -5, SEEK_END) = 5\n56789\nlseek(0, 2, SEEK_SET) = 2\n234\n"


def test_a_pipe_as_input_cannot_be_sought() -> None:
    ended = lego(*helper("seek"), stdin=b"0123456789")
    assert ended.stdout.startswith(b"lseek(0, -5, SEEK_END): ESPIPE\n0123456789\n"), ended


def test_streams_that_are_closed() -> None:
    line = 'exec "$@" <&- 2>&-'
    result = subprocess.run(
        ["sh", "-c", line, "sh", *command_line(*helper("tty"))],
        stdout=subprocess.PIPE, env=environment("closed"), timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert result.returncode == 0
    assert [line[:8] for line in result.stdout.splitlines()] == [b"0: tty 0", b"1: tty 0", b"2: tty 0"]


def test_a_reader_that_goes_away() -> None:
    """The guest's write gets EPIPE and SIGPIPE, and the command ends as such a program does."""
    yes = shutil.which("yes")
    if yes is None:
        pytest.skip("there is no `yes` on this host")
    with started("run", "--inproc", yes, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as (process, mark):
        assert process.stdout is not None and process.stderr is not None
        assert read_until(process.stdout.fileno(), b"y\ny\n").startswith(b"y\ny\n")
        process.stdout.close()
        assert process.wait(TIMEOUT_S) in (128 + signal.SIGPIPE, -signal.SIGPIPE)
        assert process.stderr.read() == b""
        assert not remaining(mark)


# Statuses.


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_status(code: int) -> None:
    assert run(program("info_exit"), str(code)).status == code


@pytest.mark.parametrize(
    ("name", "argument", "number", "text"),
    [
        ("faults_memory", "read_null", signal.SIGSEGV, "Segmentation fault"),
        ("faults_memory", "beyond_end_of_file", signal.SIGBUS, "Bus error"),
        ("faults_instruction", "ud2", signal.SIGILL, "Illegal instruction"),
        ("faults_instruction", "divide_by_zero", signal.SIGFPE, "Floating point exception"),
        ("faults_instruction", "abort", signal.SIGABRT, "Aborted"),
        ("faults_signals_sent", "TERM", signal.SIGTERM, "Terminated"),
        ("faults_signals_sent", "KILL", signal.SIGKILL, "Killed"),
    ],
)
def test_death_by_signal(tmp_path: Path, name: str, argument: str, number: int, text: str) -> None:
    ended = run(program(name), argument, cwd=tmp_path)
    assert ended.status == 128 + number
    assert ended.stdout == f"before {argument}\n".encode()
    assert ended.stderr == f"{text}\n".encode()


def test_options_after_the_program_are_its_own() -> None:
    ended = run(program("info_arguments"), "--stats", "-h", "--", "--topology")
    assert ended.stdout.startswith(b'5 arguments\n1 "--stats"\n2 "-h"\n3 "--"\n4 "--topology"\n'), ended
    assert ended.stderr == b""


# Signals from outside, through a terminal.


@contextlib.contextmanager
def on_a_terminal(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int, str]]:
    """A command as the foreground of a terminal of its own; gives the terminal's other end."""
    master, slave = pty.openpty()

    def become_foreground() -> None:
        os.setsid()
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    options = {"stdin": slave, "stdout": slave, "stderr": slave, "preexec_fn": become_foreground}
    try:
        with started(*arguments, **options) as (process, mark):
            os.close(slave)
            slave = -1
            yield process, master, mark
    finally:
        os.close(master)
        if slave >= 0:
            os.close(slave)


@pytest.mark.parametrize("what", ["wait", "spin"])
def test_control_c_reaches_the_guest(what: str) -> None:
    with on_a_terminal(*helper(what)) as (process, terminal, mark):
        read_until(terminal, b"ready")
        time.sleep(0.2)
        pressed = time.monotonic()
        os.write(terminal, b"\x03")
        assert process.wait(TIMEOUT_S) in (128 + signal.SIGINT, -signal.SIGINT)
        assert time.monotonic() - pressed < 3
        assert not remaining(mark)


def test_the_guest_sees_a_terminal() -> None:
    with on_a_terminal(*helper("tty")) as (process, terminal, _):
        import fcntl
        import struct
        import termios

        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
        output = read_until(terminal, b"2: tty 1 type 20000 size 111x33")
        assert b"0: tty 1 type 20000 size 111x33" in output and b"1: tty 1" in output
        assert process.wait(TIMEOUT_S) == 0


def test_a_conversation_on_a_terminal() -> None:
    with on_a_terminal(*helper("converse")) as (process, terminal, _):
        read_until(terminal, b"ready")
        os.write(terminal, b"hello\n")
        read_until(terminal, b"you said <hello>")
        os.write(terminal, b"\x04")
        read_until(terminal, b"bye")
        assert process.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_command_reaches_the_guest(number: signal.Signals) -> None:
    with started(*helper("wait"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as (process, mark):
        assert process.stdout is not None
        read_until(process.stdout.fileno(), b"ready\n")
        process.send_signal(number)
        assert process.wait(TIMEOUT_S) in (128 + number, -number)
        assert not remaining(mark)


# Options.


def test_environment_and_directory(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    ended = run("--env", "ADDED=a b=c", "--env", "LC_ALL=X", program("info_arguments"), cwd=tmp_path)
    lines = ended.stdout.decode().splitlines()
    assert "ADDED=a b=c" in lines and "LC_ALL=X" in lines and "LC_ALL=C" not in lines
    ended = run("--cwd", str(tmp_path / "inside"), "pwd", cwd=tmp_path)
    assert ended.stdout.decode() == f"{tmp_path}/inside\n", ended


def test_the_current_directory_can_be_written_to(tmp_path: Path) -> None:
    ended = run(program("machine_write"), "made", "3", cwd=tmp_path)
    assert ended.status == 0 and (tmp_path / "made").stat().st_size == 3072, ended


def test_mounts_and_root(tmp_path: Path) -> None:
    root, data = tmp_path / "root", tmp_path / "data"
    (root / "bin").mkdir(parents=True)
    data.mkdir()
    shutil.copy(program("machine_write"), root / "bin/write")
    ended = run("--root", root, "--mount", f"{data}:/data:rw", "/bin/write", "/data/made", "1")
    assert ended.status == 0 and (data / "made").stat().st_size == 1024, ended
    ended = run("--root", root, "write", "/made", "1")
    assert ended.status == 0 and (root / "made").stat().st_size == 1024, ended
    assert run("--root", root, "--mount", f"{data}:/data:ro", "write", "/data/made", "1").stdout == b"open: EROFS\n"


def test_path_is_searched(tmp_path: Path) -> None:
    shutil.copy(program("info_exit"), tmp_path / "a-name-of-its-own")
    assert run("--env", f"PATH=/nowhere:{tmp_path}", "a-name-of-its-own", "7").status == 7
    assert run("a-name-of-its-own", "7", cwd=tmp_path).status == 127
    assert run("./a-name-of-its-own", "7", cwd=tmp_path).status == 7


def test_machine_file_and_options_that_win(tmp_path: Path) -> None:
    path, statistics = tmp_path / "machine.toml", tmp_path / "stats.json"
    path.write_text('topology = "1P-2M-1S"\nexcache = "1MiB"\nways = 8\nseed = 5\ninproc = true\n')
    tomllib.loads(path.read_text())
    ended = lego("run", "--machine", path, "--ways", "4", "--stats-json", statistics, program("info_exit"), "3")
    assert ended.status == 3, ended
    found = json.loads(statistics.read_text())
    assert found["processors"][0]["excache"]["lines"] == 256
    assert found["processors"][0]["excache"]["ways"] == 4
    assert len(found["memories"]) == 2


def test_a_machine_whose_instructions_take_no_time(tmp_path: Path) -> None:
    """Programs of the C library read the time stamp counter when they start."""
    (tmp_path / "fast.toml").write_text("instruction_ps = 0\nsyscall_ns = 0\nzero_fill_ns = 0\nnetwork = 'none'\n")
    ended = run("--machine", tmp_path / "fast.toml", "echo", "on time")
    assert (ended.status, ended.stdout, ended.stderr) == (0, b"on time\n", b"")


def test_statistics(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    ended = run("--stats-json", path, "--stats", program("memory_columns"), cwd=tmp_path)
    assert ended.status == 0, ended
    assert b"misses" in ended.stderr or b"instructions" in ended.stderr
    found = json.loads(path.read_text())
    assert found["exit_code"] == 0 and found["wall_seconds"] > 0
    for kind in ("processors", "memories", "storages", "links"):
        assert isinstance(found[kind], list) and found[kind], kind
    (processor,) = found["processors"]
    assert processor["instructions"] > 10_000 and processor["syscalls"]["mmap"] >= 1
    assert processor["syscalls"]["exit_group"] == 1
    counted = processor["excache"]
    for name in ("lines", "ways", "misses", "evictions", "flushes", "zero_fills", "piggybacks"):
        assert isinstance(counted[name], int) and counted[name] >= 0, name
    assert counted["misses"] > 0 and counted["zero_fills"] >= 96


def test_strace(tmp_path: Path) -> None:
    ended = run("--strace", program("machine_write"), "missing/file", "1", cwd=tmp_path)
    assert ended.status == 1 and ended.stdout == b"open: ENOENT\n"
    line = next(each for each in ended.message.splitlines() if "missing/file" in each)
    assert "openat(AT_FDCWD, " in line and "-1 ENOENT" in line, line


def test_syscalls() -> None:
    ended = lego("syscalls")
    assert ended.status == 0 and b"mmap" in ended.stdout
    rows = json.loads(lego("syscalls", "--json").stdout)
    by_name = {each["name"]: each for each in rows}
    assert by_name["mmap"]["number"] == 9 and by_name["openat"]["number"] == 257
    assert len({each["number"] for each in rows}) == len(rows)


def test_doctor() -> None:
    ended = lego("doctor")
    assert ended.status in (0, 1) and ended.stdout, ended


def test_help_and_version() -> None:
    for arguments in (["--help"], ["run", "--help"], ["--version"]):
        ended: Ended = lego(*arguments)
        assert ended.status == 0 and ended.stdout and not ended.stderr, ended
    text = lego("run", "--help").stdout.decode()
    for option in ("topology", "excache", "ways", "memory", "mount", "root", "cwd", "env", "seed", "inproc", "stats"):
        assert f"--{option}" in text


@pytest.mark.parametrize("cwd", ["/proc", "/proc/self/fd", "/dev", "/dev/shm", "/sys"])
def test_a_made_up_directory_to_start_in(cwd: str) -> None:
    ended = lego("run", "--inproc", "--cwd", cwd, "sh", "-c", "pwd && cd . && ls . >&2 && cd .. && pwd")
    here = cwd.replace("self", "1")
    assert (ended.status, ended.stdout.decode().split()) == (0, [here, os.path.dirname(here)]), ended.message
    assert ended.message or cwd == "/dev/shm", "what ls finds"
