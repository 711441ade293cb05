"""`lego run` at a terminal: shells with job control and line editing, and the host's terminal afterwards.

Each test is a person at a pseudo-terminal of the host: types, and waits for what is to be seen, for a bounded time.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time
import uuid
from collections.abc import Iterator

import pytest
from command import TIMEOUT_S, command_line, environment, program, remaining

PATIENCE_S = 30.0
SIZE = (24, 80)


class Person:
    """Somebody at a terminal at which a command runs."""

    def __init__(self, master: int, slave: int, process: subprocess.Popen[bytes]) -> None:
        self.master, self.slave, self.process = master, slave, process
        self.seen = b""
        """What came since the last wait."""

    def sees(self, text: str, patience_s: float = PATIENCE_S) -> bytes:
        """Waits until the terminal shows something; returns everything up to it."""
        wanted, end = text.encode(), time.monotonic() + patience_s
        while wanted not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{text!r} did not come, but {self.seen!r}"
            self.seen += os.read(self.master, 65536)
        before, found, self.seen = self.seen.partition(wanted)
        return before + found

    def types(self, text: str, then: str = "") -> bytes:
        """Types, and waits for what is to come of it."""
        os.write(self.master, text.encode("latin-1"))
        return self.sees(then) if then else b""

    def repeats(self, text: str, then: str) -> bytes:
        """Types it again and again until something is to be seen that comes by itself in its own time."""
        for _ in range(int(PATIENCE_S)):
            os.write(self.master, text.encode("latin-1"))
            with contextlib.suppress(AssertionError):
                return self.sees(then, 1.0)
        return self.sees(then)

    def ended(self) -> int:
        """The command's exit status. What it still shows is read meanwhile."""
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 65536)
        return self.process.wait(0.1)

    def modes(self) -> list[object]:
        """The host's terminal's own."""
        return termios.tcgetattr(self.slave)


def _take_terminal() -> None:
    os.setsid()
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def at_terminal(*arguments: str, output: int | None = None) -> Iterator[Person]:
    """A command in the foreground of a terminal; afterwards its modes are as before and nothing is left running."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(master, SIZE)
    before, mark = termios.tcgetattr(slave), uuid.uuid4().hex
    variables = {**environment(mark), "TERM": "dumb", "PS1": "$ ", "HOME": "/", "INPUTRC": "/dev/null"}
    variables |= {each.upper(): f"{program('machine_streams')} {each}" for each in ("job", "converse")}
    process = subprocess.Popen(
        command_line(*arguments), env=variables, stdin=slave, preexec_fn=_take_terminal,
        stdout=slave if output is None else output, stderr=slave if output is None else output,
    )  # fmt: skip
    try:
        yield Person(master, slave, process)
        assert process.poll() is not None, "it still runs"
        assert termios.tcgetattr(slave) == before, "the terminal is not as it was"
        assert not remaining(mark)
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def shell(*argv: str) -> list[str]:
    """A run of a shell that the host has."""
    if shutil.which(argv[0]) is None:
        pytest.skip(f"there is no {argv[0]} on this host")
    return ["run", "--inproc", *argv]


BASH = ("bash", "--norc", "--noprofile", "-i")


def test_bash_prompts_and_edits_lines() -> None:
    with at_terminal(*shell(*BASH)) as person:
        person.sees("$ ")
        raw = person.modes()
        assert not raw[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        person.types("echo $((6*7)) $TERM\r", "42 dumb\r\n")
        person.types("echo abx\x7fc\r", "\nabc\r\n")
        person.types("ech left\x1b[D\x1b[D\x1b[D\x1b[D\x1b[Do\r", "\nleft\r\n")
        person.types("\x1b[A", "echo left")
        person.types("\r", "\nleft\r\n")
        person.types("tty; stty size\r", "\n/dev/pts/0\r\n24 80\r\n")
        person.sees("$ ")
        # Between showing something and waiting for a key, readline takes note of the signal and does nothing more.
        person.types("never run", "never run")
        person.repeats("\x03", "$ ")
        person.types("$CONVERSE\r", "ready\r\n")
        person.types("typed\n", "typed\r\nyou said <typed>\r\n")
        person.types("\x04", "bye\r\n$ ")
        person.types("exit 7\r")
        assert person.ended() == 7


def test_bash_controls_jobs() -> None:
    with at_terminal(*shell(*BASH)) as person:
        person.sees("$ ")
        person.types("$JOB\r", "ready\r\n")
        person.types("\x03", "^C")
        person.sees("$ ")
        person.types("echo status $?\r", "\nstatus 130\r\n")
        person.types("$JOB\r", "ready\r\n")
        person.types("\x1a", "Stopped")
        person.types("jobs\r", "Stopped                 $JOB\r\n")
        person.types("fg\r", "\n$JOB\r\n")
        person.sees("ready\r\n")
        person.types("\x1a", "Stopped")
        person.types("bg\r", "[1]+ $JOB &\r\n")
        person.sees("ready\r\n")
        person.types("jobs\r", "Running                 $JOB &\r\n")
        # A job ends later than it is killed: bash does not tell of one that had ended before it got to "wait".
        person.types("kill %1; wait\r", "Terminated")
        person.types("cat &\r", "$ ")
        person.repeats("jobs\r", "Stopped                 cat\r\n")
        person.types("kill -9 %1; sleep 0.1\r", "Killed")
        person.types("exit\r")
        assert person.ended() == 0


@pytest.mark.parametrize(("argv", "end"), [(("dash", "-i"), "\x04"), (("busybox", "sh", "-i"), "exit\r")])
def test_other_shells_control_jobs(argv: tuple[str, ...], end: str) -> None:
    with at_terminal(*shell(*argv)) as person:
        person.sees("$ ")
        person.types("echo $((6*7))\r", "42\r\n")
        person.types("$JOB\r", "ready\r\n")
        person.types("\x1a", "Stopped")
        person.types("fg\r", "ready\r\n")
        person.types("\x03", "$ ")
        person.types(end)
        assert person.ended() == 130


def test_python_converses() -> None:
    with at_terminal(*shell("python3", "-q", "-i", "-S", "-E")) as person:
        person.sees(">>> ")
        person.types("print(6 * 7)\r", "42\r\n")
        person.types("while True: pass\r\r", "... ")
        time.sleep(0.3)
        person.types("\x03", "KeyboardInterrupt")
        person.types("import os; print(os.ttyname(0), os.isatty(1))\r", "/dev/pts/0 True\r\n")
        person.sees(">>> ")
        person.types("\x04")
        assert person.ended() == 0


def test_a_program_alone_is_not_stopped_by_control_z() -> None:
    """Nobody could continue it: it leads its session, as the first process of a container does."""
    with at_terminal("run", "--inproc", str(program("machine_streams")), "converse") as person:
        person.sees("ready")
        person.types("\x1a", "^Z")
        person.types("on\r", "you said <on>\r\n")
        person.types("\x1c", "^\\")
        assert person.ended() == 128 + signal.SIGQUIT


def test_what_lego_says_itself_looks_right() -> None:
    """The host's terminal is in raw mode then; a file gets plain lines."""
    with at_terminal("run", "--inproc", "--strace", str(program("info_exit")), "3") as person:
        assert b"\r\n" in person.sees("+++ exited with 3 +++\r\n")
        assert person.ended() == 3


def test_the_window_changes() -> None:
    with at_terminal(*shell("sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done")) as person:
        person.sees("ready")
        termios.tcsetwinsize(person.master, (33, 111))
        person.sees("33 111\r\n")
        person.types("\x03")
        assert person.ended() == 128 + signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_put_back_after_a_signal(number: signal.Signals) -> None:
    with at_terminal("run", "--inproc", str(program("machine_streams")), "wait") as person:
        person.sees("ready")
        person.process.send_signal(number)
        assert person.ended() == 128 + number


def test_a_stopped_command_leaves_a_sane_terminal() -> None:
    with at_terminal("run", "--inproc", str(program("machine_streams")), "converse") as person:
        person.sees("ready")
        before = time.monotonic()
        person.process.send_signal(signal.SIGTSTP)
        while not person.modes()[3] & termios.ICANON:  # type: ignore[operator]
            assert time.monotonic() < before + PATIENCE_S
            time.sleep(0.02)
        time.sleep(0.1)
        person.process.send_signal(signal.SIGCONT)
        while person.modes()[3] & termios.ICANON:  # type: ignore[operator]
            assert time.monotonic() < before + PATIENCE_S
            time.sleep(0.02)
        person.types("again\r", "you said <again>\r\n")
        person.types("\x04", "bye")
        assert person.ended() == 0


def test_the_status_does_not_depend_on_whether_it_can_be_told() -> None:
    """The guest dies of the hangup, which is said on a terminal that is no more."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command_line(*shell("sh", "-c", "echo ready; exec cat")),
        env={**environment(uuid.uuid4().hex), "PYTHONUNBUFFERED": ""},
        stdin=slave, stdout=slave, stderr=slave, preexec_fn=_take_terminal,
    )  # fmt: skip
    try:
        person = Person(master, slave, process)
        person.sees("ready")
        os.close(slave)
        os.close(master)
        assert process.wait(TIMEOUT_S) == 128 + signal.SIGHUP
    finally:
        process.kill()
        process.wait()


def test_a_terminal_that_goes_away_hangs_the_guest_up() -> None:
    master, slave = pty.openpty()
    mark = uuid.uuid4().hex
    line = command_line("run", "--inproc", str(program("machine_streams")), "wait")
    process = subprocess.Popen(
        line, env=environment(mark), stdin=slave, stdout=slave, stderr=slave, preexec_fn=_take_terminal
    )
    try:
        os.close(slave)
        seen = b""
        while b"ready" not in seen:
            assert select.select([master], [], [], PATIENCE_S)[0]
            seen += os.read(master, 1000)
        os.close(master)
        assert process.wait(TIMEOUT_S) in (128 + signal.SIGHUP, -signal.SIGHUP)
        assert not remaining(mark)
    finally:
        process.kill()
        process.wait()


def test_with_output_elsewhere_the_terminal_stays_the_hosts() -> None:
    """Another program of the pipeline may use it: the modes are left alone, and Ctrl-C comes as a signal."""
    read_end, write_end = os.pipe()
    with at_terminal("run", "--inproc", str(program("machine_streams")), "converse", output=write_end) as person:
        os.close(write_end)
        assert os.read(read_end, 100) == b"ready\n"
        assert person.modes()[3] & termios.ICANON  # type: ignore[operator]
        person.types("hello\n")
        assert os.read(read_end, 100) == b"you said <hello>\n"
        person.types("\x03")
        assert person.ended() == 128 + signal.SIGINT
    os.close(read_end)
