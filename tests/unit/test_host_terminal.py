"""The terminal that a guest gets: when it does, and what raw mode is. Handing it over is in tests/machine."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

from lego.console.host_terminal import raw_modes
from lego.linux import termios as t
from lego.linux.termios import STANDARD

ROOT = str(Path(__file__).parents[2])
ASK = (
    "from lego.console.host_terminal import HostTerminal; import os; found = HostTerminal.find(); "
    "os.write(3, repr(found and (found.streams(), found.size())).encode())"
)


def asked(session: bool = True, **streams: int) -> str:
    """What `find` says in a child, whose streams are a terminal unless something else is given."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (20, 30))
    read_end, write_end = os.pipe()
    wanted = {"stdin": slave, "stdout": slave, "stderr": slave, **streams}

    def prepare() -> None:
        if session:
            os.setsid()
            import fcntl

            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        os.dup2(write_end, 3)

    try:
        subprocess.run(
            [sys.executable, "-c", ASK], cwd=ROOT, pass_fds=(3, write_end, slave), preexec_fn=prepare, timeout=30,
            check=True, **wanted,
        )  # fmt: skip
        return os.read(read_end, 1000).decode()
    finally:
        for descriptor in (master, slave, read_end, write_end):
            os.close(descriptor)


def test_a_terminal_on_both_sides_is_found() -> None:
    assert asked() == "([0, 1, 2], (20, 30, 0, 0))"
    assert asked(stderr=subprocess.DEVNULL) == "([0, 1], (20, 30, 0, 0))"


def test_with_something_else_on_a_side_there_is_none() -> None:
    assert asked(stdin=subprocess.DEVNULL) == "None"
    assert asked(stdout=subprocess.DEVNULL) == "None"


def test_who_is_not_in_the_foreground_has_none() -> None:
    assert asked(session=False) == "None"


def test_raw_mode_passes_every_byte() -> None:
    raw = raw_modes(STANDARD.changed(STANDARD.pack()))
    assert not raw.iflag and not raw.oflag & t.OPOST
    assert not raw.lflag & (t.ICANON | t.ECHO | t.ISIG | t.IEXTEN)
    assert (raw.cc[t.VMIN], raw.cc[t.VTIME]) == (1, 0)
    assert raw.cflag == STANDARD.cflag and raw.ospeed == STANDARD.ospeed
