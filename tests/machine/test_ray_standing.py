"""`lego up`, `run --on`, `ps`, `kill` and `down`, as a person uses them. Most tests share a machine on a Ray that is
somebody else's."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import resource
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from command import TIMEOUT_S, Ended, command_line, environment, program

from lego import MachineConfig
from lego.standing import record
from lego.standing.launch import take_down

pytest.importorskip("ray")

NAME = "shared"
SPIN = "echo ready; while :; do :; done"


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder of these tests' own."""
    path = tmp_path_factory.mktemp("state") / "lego"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEGO_STATE_DIR", str(path))
        yield path
        for found in record.find_all():  # What a test that failed has left up.
            take_down(found)


def lego(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> Ended:
    result = subprocess.run(
        command_line(*arguments), input=stdin, capture_output=True, cwd=cwd, env=environment(""), timeout=TIMEOUT_S,
        check=False,
    )  # fmt: skip
    return Ended(result.returncode, result.stdout, result.stderr)


def on(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> Ended:
    return lego("run", "--on", NAME, *arguments, stdin=stdin, cwd=cwd)


@contextlib.contextmanager
def running(name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that has said that it is ready."""
    child = subprocess.Popen(
        command_line("run", "--on", name, *arguments), env=environment(""), start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        yield child
    finally:
        child.kill()
        child.communicate()


def up(name: str, *options: str | Path) -> None:
    ended = lego("up", "--name", name, "--memory", "128M", "--excache", "4M", *options, cwd=Path("/"))
    assert ended.status == 0 and f"the machine '{name}' is up".encode() in ended.stdout, ended
    assert ended.stderr == b""


def listing(name: str = NAME) -> list[dict[str, object]]:
    processes: list[dict[str, object]] = json.loads(lego("ps", name, "--json").stdout)["processes"]
    return processes


def alive(pid: int) -> bool:
    """Whether a process of the host is there; one that nobody has asked for yet is not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until_nothing_runs(name: str = NAME, patience_s: float = 10.0) -> None:
    deadline = time.monotonic() + patience_s
    while found := listing(name):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@pytest.fixture(scope="module")
def ray(folder: Path) -> Iterator[str]:
    """The address of a Ray that these tests have not started for a machine."""
    import ray

    from lego.runtime.ray import connected

    with connected() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN_PATH", f"{directory}/token")
        yield ray.get_runtime_context().gcs_address


@pytest.fixture(scope="module")
def shared(ray: str) -> Iterator[str]:
    """A machine; one of that name was up until the host restarted."""
    import ray as api

    record.write(
        record.Record(
            name=NAME, caretaker="127.0.0.1:1", key=bytes(32), host="127.0.0.1", addresses={}, pids={}, follows=True,
            config=MachineConfig(), since_s=0.0, ray="", namespace="", directory="/var/tmp/lego-of-before",
        )
    )  # fmt: skip
    ended = lego("run", "--on", NAME, "true")
    assert ended.status == 2 and b"'shared' is gone" in ended.stderr
    assert b"`lego up --name shared` starts it anew, `lego down shared` forgets it" in ended.stderr
    up(NAME, "--ray", ray, "--env", "MADE=here")
    found = json.loads(lego("ps", NAME, "--json").stdout)
    names = {each["name"] for each in api.util.list_named_actors(all_namespaces=True)}
    assert names == {"G", "S0", "M0", "P0"} == set(found["components"])
    yield NAME
    with running(NAME, "sh", "-c", SPIN) as child:
        ended = lego("down", NAME)
        assert ended == (0, b"the machine 'shared' is down; 1 program that ran on it was ended\n", b"")
        assert not alive(found["caretaker_pid"])
        assert child.wait(5) == 143
    assert not api.util.list_named_actors(all_namespaces=True), "its actors have ended, and that Ray has not"
    assert not any(alive(pid) for pid in found["components"].values())


def test_streams_statuses_and_options(shared: str, tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    ended = on("--env", "B=c", "--stats-json", path, "--stats", "sh", "-c", "echo $MADE $B; cat; exit 7", stdin=b"in\0")
    assert (ended.status, ended.stdout) == (7, b"here c\nin\0") and b"virtual time" in ended.stderr
    assert json.loads(path.read_text())["manager"]["placed"] == 2, "the shell and cat, and nobody before them"
    assert on("--cwd", "/etc", "pwd").stdout == b"/etc\n"
    assert on("pwd", cwd=tmp_path).stdout == f"{tmp_path}\n".encode()
    assert on("no-such-program") == (127, b"", b"lego: no-such-program: command not found\n")
    assert on("/etc/passwd").status == 126
    assert on("--cwd", "/nowhere", "true").status == 2
    ended = on("sh", "-c", "kill -SEGV $$")
    assert (ended.status, ended.stderr) == (139, b"Segmentation fault\n")
    for option in (["--excache", "1M"], ["--root", "/"], ["--machine", "x.toml"], ["--seed", "3"]):
        ended = on(*option, "true")
        assert ended.status == 2 and f"{option[0]} and --on".encode() in ended.stderr, ended


def test_it_is_up_once(shared: str) -> None:
    ended = lego("up", "--name", NAME)
    assert ended == (2, b"", b"lego: a machine 'shared' is up already; `lego down shared` ends it\n")


def test_a_program_starts_in_a_moment(shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its start may take 0.7 s; the whole command takes less processor time than that, on however busy a host. What
    would take seconds is not even imported."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert on(program("info_exit"), "0").status == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.7
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in on("true").message.splitlines()}
    assert "msgspec" in imported and not imported & {"ray", "numpy", "unicorn", "pcomponent.cpu"}


def test_several_at_once_and_who_is_there(shared: str) -> None:
    with running(NAME, "sh", "-c", f"trap 'exit 5' USR1; {SPIN}") as spins, running(
        NAME, "sh", "-c", "echo ready; read x; echo got $x"
    ) as reads:  # fmt: skip
        text = lego("ps").stdout.decode().splitlines()
        assert text[0].split() == [
            "PID",
            "PPID",
            "PGID",
            "SID",
            "TTY",
            "STAT",
            "THREADS",
            "P",
            "HOME",
            "TIME",
            "COMMAND",
        ]
        assert len(text) == 3 and "Rs" in text[1] and "Ss" in text[2] and "sh -c trap 'exit 5' USR1" in text[1]
        rows = listing()
        assert [row["pid"] for row in rows] == sorted(int(line.split()[0]) for line in text[1:])
        assert rows[0] == {
            "pid": rows[0]["pid"], "ppid": 0, "pgid": rows[0]["pid"], "sid": rows[0]["pid"], "tty": "", "stat": "Rs",
            "threads": 1, "processor": "P0", "home": "M0", "used_ns": rows[0]["used_ns"], "name": "sh",
            "arguments": ["sh", "-c", f"trap 'exit 5' USR1; {SPIN}"],
        }  # fmt: skip
        assert on("echo", "a third").stdout == b"a third\n"
        assert reads.communicate(b"it\n", timeout=20)[0] == b"got it\n" and reads.returncode == 0
        assert lego("kill", "-s", "0", str(rows[0]["pid"])) == (0, b"", b"")
        ended = lego("kill", "-s", "usr1", "999999", str(rows[0]["pid"]), "--on", NAME)
        assert ended == (1, b"", b"lego: (999999): No such process\n")
        assert spins.wait(10) == 5
    until_nothing_runs()


def test_a_front_end_that_is_killed_and_one_that_is_interrupted(shared: str) -> None:
    with running(NAME, "sh", "-c", f"trap '' HUP; sleep 1000 & {SPIN}") as child:
        child.kill()
        child.wait()
        until_nothing_runs(patience_s=5.0)
    with running(NAME, "sh", "-c", SPIN) as child:
        os.killpg(child.pid, signal.SIGINT)  # As a terminal does.
        assert child.wait(10) == 130
    until_nothing_runs()


def test_only_this_host_is_listened_to(shared: str) -> None:
    """Neither by the components nor by Ray itself."""
    import ray

    addresses = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    addresses.add(connection.laddr.ip.removeprefix("::ffff:"))
    assert ray.is_initialized() and addresses == {"127.0.0.1"}


def test_a_front_end_on_a_terminal(shared: str) -> None:
    """Its run has the terminal, and is hung up with it."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        command_line("run", "--on", NAME, "sh", "-c", "echo ready; cat"), env=environment(""), start_new_session=True,
        stdin=slave, stdout=slave, stderr=slave, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(slave)
    with open(master, "rb", buffering=0) as terminal:
        seen = b""
        while b"ready" not in seen:
            seen += terminal.read(100)
        end = time.monotonic() + 5.0
        while (shown := [(row["tty"], row["stat"]) for row in listing()]) != [("pts/0", "Ss+"), ("pts/0", "S+")]:
            assert time.monotonic() < end, shown  # It is not asleep yet.
        child.kill()
        child.wait()
        until_nothing_runs(patience_s=5.0)


def test_from_python(shared: str) -> None:
    import lego as api

    with api.Machine.attach(NAME) as machine:
        result = machine.run(["wc", "-c"], stdin=b"12345")
        assert result.stdout == b"5\n" and result.statistics["virtual_ns"] > 0
        assert machine.run(["pwd"], cwd="/").stdout == b"/\n"
    with pytest.raises(api.ConfigError, match="no machine 'other' is up; there are: shared"):
        api.Machine.attach("other")


def test_a_machine_that_breaks(folder: Path) -> None:
    """A component dies, then the caretaker: both are told, and `down` ends what is left."""
    up("own")
    directory = Path(json.loads((folder / "own.json").read_text())["directory"])
    with running("own", "sh", "-c", SPIN) as child:
        found = json.loads(lego("ps", "own", "--json").stdout)
        os.kill(found["components"]["M0"], signal.SIGKILL)
        assert child.wait(10) == 125
        told = child.stderr.read() if child.stderr else b""
    assert told == b"lego: the machine failed: M0: its process died; `lego down own` ends what is left of it\n"
    ended = lego("ps", "own")
    assert ended.status == 125 and b"'own' is broken: M0: its process died" in ended.stderr
    ended = lego("run", "--on", "own", "true")
    assert ended.status == 125 and b"M0: its process died" in ended.stderr
    os.kill(found["caretaker_pid"], signal.SIGKILL)
    while psutil.pid_exists(found["caretaker_pid"]):
        time.sleep(0.02)
    ended = lego("ps", "own")
    assert ended.status == 125 and b"'own' is gone: its caretaker was killed" in ended.stderr
    assert lego("down", "own").stdout == b"the machine 'own' was gone already, and is forgotten\n"
    assert not directory.exists() and not [each for each in folder.iterdir() if each.name.startswith("own")]
    deadline = time.monotonic() + 10
    while left := [pid for pid in found["components"].values() if psutil.pid_exists(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
