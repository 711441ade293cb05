"""The command line as its users meet it: statuses, one line for each error, streams, signals and terminals."""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEGO = [sys.executable, "-m", "lego.cli.main"]
RUN = [*LEGO, "run", "--inproc", "--memory", "128M"]


@pytest.fixture(autouse=True, scope="module")
def no_machines(tmp_path_factory):
    """A state folder of these tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEGO_STATE_DIR", str(tmp_path_factory.mktemp("state") / "lego"))
        yield


def lego(*arguments, command=LEGO, **options):
    environment = {**os.environ, "PYTHONPATH": ROOT, **options.pop("env", {})}
    return subprocess.run(
        [*command, *arguments], capture_output=True, timeout=60, env=environment, check=False, **options
    )


def run(*arguments, **options):
    return lego(*arguments, command=RUN, **options)


def only_line(done):
    text = done.stderr.decode()
    assert text.startswith("lego: ") and text.endswith("\n") and text.count("\n") == 1, text
    assert done.stdout == b""
    return text.removeprefix("lego: ").rstrip()


def test_version_and_help():
    assert lego("--version").stdout.startswith(b"lego 0.")
    for command in ([], ["run"], ["syscalls"], ["doctor"], ["up"], ["ps"], ["kill"], ["down"]):
        done = lego(*command, "--help")
        assert done.returncode == 0 and b"Usage" in done.stdout
    done = lego()
    assert done.returncode == 2 and b"Commands" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "PROG"),
        (["run", "--bogus", "true"], "--bogus"),
        (["run", "--ways", "many", "true"], "--ways"),
        (["run", "--ways", "0", "true"], "--ways: 0 is too few"),
        (["run", "--topology", "1P-1M", "true"], "--topology: '1P-1M'"),
        (["run", "--topology", "1P-1M-2S", "true"], "only one storage"),
        (["run", "--excache", "4096", "true"], "--excache: 4KiB is too small"),
        (["run", "--excache", "huge", "true"], "--excache: 'huge'"),
        (["run", "--memory", "1", "true"], "--memory: 1 is too small"),
        (["run", "--mount", "/a", "true"], "--mount: '/a' is not a mount"),
        (["run", "--mount", "/nonexistent:/x", "true"], "/nonexistent: no such file"),
        (["run", "--root", "/nonexistent", "true"], "--root: /nonexistent"),
        (["run", "--cwd", "here", "true"], "--cwd: 'here' must be an absolute path"),
        (["run", "--env", "NAME", "true"], "--env: 'NAME'"),
        (["run", "--machine", "/nonexistent.toml", "true"], "/nonexistent.toml: No such file"),
        (["run", "--stats-json", "/nonexistent/x", "true"], "--stats-json: /nonexistent/x"),
        (["rum"], "rum"),
        (["run", "--on", "nowhere", "true"], "no machine 'nowhere' is up; `lego up` starts one"),
        (["run", "--on", "nowhere", "--ways", "3", "true"], "--ways and --on: the machine is made by `lego up`"),
        (["run", "--on", "nowhere", "--inproc", "true"], "--inproc and --on"),
        (["run", "--on", "nowhere", "--env", "A", "true"], "env: 'A' is not of the form K=V"),
        (["run", "--on", "../x", "true"], "cannot be a machine's name"),
        (["ps", "nowhere"], "no machine 'nowhere' is up"),
        (["down"], "no machine is up"),
        (["down", "nowhere"], "no machine 'nowhere' is up"),
        (["kill", "1"], "no machine is up"),
        (["kill", "one"], "PID...': Input should be a valid integer"),
        (["kill"], "PID"),
        (["kill", "-s", "FOO", "1"], "'FOO' is no signal"),
        (["kill", "-s", "65", "1"], "'65' is no signal"),
        (["up", "--name", "a/b"], "cannot be a machine's name"),
        (["up", "--ways", "0"], "--ways: 0 is too few"),
        (["syscalls", "extra"], "extra"),
    ],
)
def test_mistakes_are_one_line_and_status_2(arguments, words):
    done = lego(*arguments)
    assert done.returncode == 2
    assert words in only_line(done)


def test_machine_file_errors_say_where(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text("seed = 1\nwayz = 2\n")
    done = lego("run", "--machine", str(path), "true")
    assert done.returncode == 2
    assert f"{path}:2: unknown key 'wayz'; did you mean 'ways'?" in only_line(done)


def test_what_follows_the_program_is_the_programs():
    assert run("echo", "--stats", "--", "-n", "--ways=0").stdout == b"--stats -- -n --ways=0\n"
    assert run("--", "echo", "-n", "x").stdout == b"x"


def test_exit_statuses():
    assert run("true").returncode == 0
    assert run("sh", "-c", "exit 42").returncode == 42
    done = run("sh", "-c", "kill -SEGV $$")
    assert (done.returncode, done.stderr) == (139, b"Segmentation fault\n")
    done = run("sh", "-c", "kill -TERM $$")
    assert (done.returncode, done.stderr) == (143, b"Terminated\n")
    done = run("sh", "-c", "kill -INT $$")
    assert (done.returncode, done.stderr) == (130, b"")


def test_programs_that_cannot_run(tmp_path):
    for name, status, words in (
        ("no-such-program", 127, "command not found"),
        ("/no/such/program", 127, "/no/such/program: No such file"),
        ("", 127, "empty"),
        (str(tmp_path), 126, str(tmp_path)),
        ("/etc/passwd", 126, "/etc/passwd"),
    ):
        done = run(name)
        assert done.returncode == status
        assert words in only_line(done)
    done = run("--cwd", "/no/such/directory", "true")
    assert done.returncode == 2 and "/no/such/directory" in only_line(done)


def test_streams_are_binary_clean_and_streamed():
    data = bytes(range(256)) * 300
    assert run("cat", input=data).stdout == data
    done = run("sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    with subprocess.Popen(
        [*RUN, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ROOT}
    ) as child:
        for line in (b"one\n", b"two\n"):
            child.stdin.write(line)
            child.stdin.flush()
            assert child.stdout.readline() == line, "before the input ends"
        child.stdin.close()
        assert child.wait(20) == 0


def test_a_reader_that_leaves_ends_the_program():
    command = " ".join(RUN) + " yes | head -n 1; echo ${PIPESTATUS[0]}"
    done = lego("-c", command, command=["bash"])
    assert done.stdout == b"y\n141\n"
    assert done.stderr == b""


def test_redirected_files_have_positions(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"first\nsecond\n")
    with path.open("rb") as file:
        assert run("head", "-n", "1", stdin=file).stdout == b"first\n"
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 6, "head gives back what it did not use, as on Linux"


def test_statistics(tmp_path):
    path = tmp_path / "stats.json"
    done = run("--stats", "--stats-json", str(path), "sh", "-c", "exit 3")
    assert done.returncode == 3
    found = json.loads(path.read_text())
    assert found["exit_code"] == 3 and found["virtual_ns"] > 0 and found["wall_seconds"] > 0
    processor = found["processors"][0]
    assert processor["instructions"] > 1000 and processor["syscalls"]["exit_group"] == 1
    assert {"lines", "ways", "misses", "evictions", "flushes", "zero_fills", "piggybacks"} <= set(processor["excache"])
    assert b"virtual time" in done.stderr and b"instructions" in done.stderr


@pytest.mark.parametrize(("program", "status"), [("no-such-program", 127), ("/etc/passwd", 126)])
def test_no_statistics_of_what_never_ran(tmp_path, program, status):
    path = tmp_path / "stats.json"
    assert run("--stats-json", str(path), program).returncode == status
    assert not list(tmp_path.iterdir())
    path.write_text("before")
    assert run("--stats-json", str(path), program).returncode == status
    assert path.read_text() == "before"


def test_no_machine_is_up():
    assert lego("ps").stdout == b"NAME  SHAPE  PROCESSES  SINCE  STATE\n"
    assert json.loads(lego("ps", "--json").stdout) == {"machines": []}


def test_options_reach_the_machine(tmp_path):
    (tmp_path / "machine.toml").write_text('env = ["A=file", "B=file"]\nseed = 3\n')
    path = tmp_path / "stats.json"
    done = run(
        "--machine", str(tmp_path / "machine.toml"), "--env", "B=flag", "--topology", "1P-3M-1S", "--excache", "1M",
        "--ways", "4", "--seed", "9", "--stats-json", str(path), "--mount", f"{tmp_path}:/mnt:rw", "--cwd", "/mnt",
        "sh", "-c", "echo $A $B; pwd; echo made > new",
    )  # fmt: skip
    assert done.stdout == b"file flag\n/mnt\n", done.stderr
    assert (tmp_path / "new").read_text() == "made\n"
    used = json.loads(path.read_text())["config"]
    assert (used["topology"], used["excache_lines"], used["ways"], used["seed"]) == ("1P-3M-1S", 256, 4, 9)


def test_the_default_tree_is_read_only_but_for_tmp_and_here(tmp_path):
    done = run("sh", "-c", "echo x > /etc/lego-test-file", cwd="/")
    assert done.returncode != 0 and b"Read-only file system" in done.stderr
    assert not os.path.exists("/etc/lego-test-file")
    done = run("sh", "-c", "echo x > here", cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "here").exists()


def test_syscalls():
    calls = json.loads(lego("syscalls", "--json").stdout)
    by_name = {call["name"]: call for call in calls}
    assert by_name["read"]["number"] == 0 and by_name["read"]["support"] == "full"
    assert [call["number"] for call in calls] == sorted(call["number"] for call in calls)
    assert all(bool(call["note"]) == (call["support"] == "partial") for call in calls)
    text = lego("syscalls").stdout.decode()
    assert all(name in text for name in by_name)


def test_doctor():
    done = lego("doctor")
    assert done.returncode == 0, done.stdout
    for subject in ("python", "unicorn", "ray", "cores", "memory", "/dev/shm", "C compiler", "qemu-x86_64"):
        assert f" {subject} ".encode() in done.stdout
    assert b"Lego can run here." in done.stdout


# ---- signals and terminals ---------------------------------------------------------------------------------


@contextlib.contextmanager
def started(*arguments):
    child = subprocess.Popen(
        [*RUN, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_reach_the_guest(number):
    with started("sh", "-c", f"trap 'echo caught; exit 6' {number.value}; echo ready; while :; do :; done") as child:
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(number)
        assert child.stdout.readline() == b"caught\n"
        assert child.wait(20) == 6


def test_a_program_that_only_computes_dies_of_ctrl_c():
    with started("sh", "-c", "echo ready; while :; do :; done") as child:
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == 130
        assert child.stderr.read() == b""


def test_a_program_that_ignores_ctrl_c_goes_on():
    with started("sh", "-c", "trap '' INT; echo ready; read line; echo got $line") as child:
        assert child.stdout.readline() == b"ready\n"
        for _ in range(3):
            child.send_signal(signal.SIGINT)
            time.sleep(0.15)
        child.stdin.write(b"it\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"got it\n"
        assert child.wait(20) == 0


@contextlib.contextmanager
def on_terminal(*arguments):
    child, master = pty.fork()
    if child == 0:
        os.environ["PYTHONPATH"] = ROOT
        os.execv(RUN[0], [*RUN, *arguments])
    try:
        yield child, master
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os.close(master)


def read_until(master, text, timeout_s=20):
    got = b""
    deadline = time.monotonic() + timeout_s
    while text not in got and time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                got += os.read(master, 10_000)
            except OSError:
                break
    assert text in got, got
    return got


def test_a_terminal_is_a_terminal():
    with on_terminal("sh", "-c", "test -t 0 && test -t 1 && echo is-a-tty; read x; echo [$x]") as (child, master):
        read_until(master, b"is-a-tty")
        os.write(master, b"typed\n")
        read_until(master, b"[typed]")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_ctrl_c_and_end_of_input_on_a_terminal():
    with on_terminal("cat") as (child, master):
        os.write(master, b"line\n")
        read_until(master, b"line\r\nline\r\n")
        os.write(master, b"\x04")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with on_terminal("cat") as (child, master):
        os.write(master, b"line\n")
        read_until(master, b"line\r\nline\r\n")
        os.write(master, b"\x03")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
