"""The line discipline: what it does with each setting, and the same as the host's own on anything that is typed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import time
from typing import Any

from hypothesis import given, settings, strategies as st

from lego.linux import termios as t
from lego.linux.signal import Sig
from lego.linux.termios import STANDARD, Modes
from pcomponent.terminals.discipline import INPUT_MAX, Discipline


class Side:
    """The other side of a terminal, which takes everything but while output is stopped."""

    def __init__(self) -> None:
        self.shown = b""
        self.signals: list[int] = []
        self.stopped = False
        self.limit = 1 << 20

    def room(self) -> int:
        return 0 if self.stopped else self.limit - len(self.shown)

    def send(self, data: bytes) -> None:
        self.shown += data

    def signal(self, number: int) -> None:
        self.signals.append(number)

    def discard_output(self) -> None:
        """What was shown was taken."""

    def set_stopped(self, stopped: bool) -> None:
        self.stopped = stopped


def new(modes: Modes = STANDARD, **flags: int) -> tuple[Discipline, Side]:
    side = Side()
    return Discipline(changed(modes, **flags), side), side


def changed(modes: Modes, **flags: int) -> Modes:
    """With other flags; `on` and `off` are bits of c_lflag."""
    lflag = (modes.lflag | flags.get("on", 0)) & ~flags.get("off", 0)
    return Modes(flags.get("iflag", modes.iflag), flags.get("oflag", modes.oflag), modes.cflag, lflag, modes.cc)


def lines(discipline: Discipline, length: int = 4096) -> list[bytes]:
    found = []
    while discipline.available():
        found.append(discipline.take(length))
    return found


def typed(data: bytes, **flags: int) -> tuple[list[bytes], bytes]:
    """What is read, and what is shown."""
    discipline, side = new(**flags)
    assert discipline.receive(data) == len(data)
    return lines(discipline), side.shown


def test_a_line_is_read_when_it_is_complete() -> None:
    discipline, side = new()
    discipline.receive(b"one")
    assert not discipline.available() and discipline.count() == 0
    discipline.receive(b"\rtwo\n")
    assert discipline.count() == 8
    assert discipline.take(2) == b"on" and discipline.take(100) == b"e\n" and discipline.take(100) == b"two\n"
    assert side.shown == b"one\r\ntwo\r\n"


def test_editing() -> None:
    assert typed(b"abx\x7fc\n") == ([b"abc\n"], b"abx\b \bc\r\n")
    assert typed(b"\x7fa\n") == ([b"a\n"], b"a\r\n")
    assert typed(b"ls -l  \x17x\n") == ([b"ls -x\n"], b"ls -l  " + b"\b \b" * 3 + b"x\r\n")
    assert typed(b"gone\x15kept\n") == ([b"kept\n"], b"gone" + b"\b \b" * 4 + b"kept\r\n")
    assert typed(b"a\x01\x7f\n") == ([b"a\n"], b"a^A\b \b\b \b\r\n")
    assert typed(b"ab\tc\x7f\x7f\n") == ([b"ab\n"], b"ab\tc\b \b" + b"\b" * 6 + b"\r\n")
    assert typed(b"ab\x12\n") == ([b"ab\n"], b"ab^R\r\nab\r\n")
    assert typed(b"a\x16\x7f\x16\x03\n") == ([b"a\x7f\x03\n"], b"a^\b^?^\b^C\r\n")


def test_editing_without_an_erasing_echo() -> None:
    assert typed(b"ab\x7f\n", off=t.ECHOE)[1] == b"ab^?\r\n"
    assert typed(b"ab\x15c\n", off=t.ECHOKE) == ([b"c\n"], b"ab^U\r\nc\r\n")
    assert typed(b"ab\x15c\n", off=t.ECHOK | t.ECHOKE)[1] == b"ab^Uc\r\n"
    assert typed(b"abc\x7f\x7fd\n", on=t.ECHOPRT)[1] == b"abc\\cb/d\r\n"
    assert typed(b"ab\x15c\n", off=t.ECHO) == ([b"c\n"], b"")
    assert typed(b"a\n", off=t.ECHO, on=t.ECHONL)[1] == b"\r\n"
    assert typed(b"a\x17\x12\n", off=t.IEXTEN) == ([b"a\x17\x12\n"], b"a^W^R\r\n")


def test_characters_of_several_bytes_are_erased_whole() -> None:
    text = "aé€".encode()
    assert typed(text + b"\x7f\x7f\n", iflag=STANDARD.iflag | t.IUTF8) == ([b"a\n"], text + b"\b \b" * 2 + b"\r\n")
    assert typed(b"a\xc3\xa9\x7f\n")[0] == [b"a\xc3\n"]


def test_end_of_file() -> None:
    assert typed(b"\x04") == ([b""], b"")
    assert typed(b"ab\x04cd\n")[0] == [b"ab", b"cd\n"]
    discipline, _ = new()
    discipline.receive(b"ab\x04cd\n")
    assert discipline.count() == 5
    assert discipline.take(2) == b"ab", "a buffer that is just full"
    assert discipline.take(9) == b"cd\n", "and no second end of file"


def test_signals() -> None:
    discipline, side = new()
    discipline.receive(b"half a line\x03")
    discipline.receive(b"\x1c\x1a")
    assert side.signals == [Sig.INT, Sig.QUIT, Sig.TSTP]
    assert side.shown == b"^C^Z", "what was typed with a signal character is not shown, nor kept"
    discipline.receive(b"\n")
    assert lines(discipline) == [b"\n"]
    discipline, side = new(on=t.NOFLSH)
    discipline.receive(b"kept\x03\n")
    assert side.shown == b"kept^C\r\n" and lines(discipline) == [b"kept\n"]
    discipline, side = new(off=t.ISIG)
    discipline.receive(b"\x03\n")
    assert side.signals == [] and lines(discipline) == [b"\x03\n"]


def test_stop_and_start() -> None:
    discipline, side = new()
    discipline.receive(b"a\x13b\n")
    assert (side.shown, discipline.output.write(b"text")) == (b"", 0)
    discipline.receive(b"c\n\x11")
    assert side.shown == b"ab\r\nc\r\n"
    discipline.receive(b"\x13")
    discipline.set_modes(changed(STANDARD, iflag=t.ICRNL))
    assert discipline.output.write(b"text") == 4, "without IXON nothing is stopped"
    discipline, side = new(iflag=STANDARD.iflag | t.IXANY)
    discipline.receive(b"\x13")
    discipline.receive(b"x")
    assert side.shown == b"x"


def test_output_processing() -> None:
    def shown(data: bytes, oflag: int) -> bytes:
        discipline, side = new(oflag=oflag)
        assert discipline.output.write(data) == len(data)
        return side.shown

    assert shown(b"a\nb\r\n", t.OPOST | t.ONLCR) == b"a\r\nb\r\r\n"
    assert shown(b"a\nb", 0) == b"a\nb"
    assert shown(b"ab\tc", t.OPOST | t.XTABS) == b"ab      c"
    assert shown(b"\ra\r", t.OPOST | t.ONOCR) == b"a\r"
    assert shown(b"a\r", t.OPOST | t.OCRNL) == b"a\n"
    assert shown(b"ab\xe9", t.OPOST | t.OLCUC) == b"AB\xc9"


def test_output_takes_what_there_is_room_for() -> None:
    discipline, side = new()
    side.limit = 4
    assert discipline.output.write(b"a\nb\nc") == 3, "a newline needs room for two"
    discipline.receive(b"echo")
    assert side.shown == b"a\r\nb" and discipline.output.pending
    side.limit = 100
    discipline.output.push()
    assert side.shown == b"a\r\nbecho"


def test_input_flags() -> None:
    assert typed(b"a\rb\n", iflag=t.IGNCR)[0] == [b"ab\n"]
    assert typed(b"a\nb\x04", iflag=t.INLCR)[0] == [b"a\rb"]
    assert typed(b"\xe1B\n", iflag=t.ISTRIP | t.IUCLC)[0] == [b"ab\n"]
    assert typed(b"a\xffb\n", iflag=t.PARMRK)[0] == [b"a\xff\xffb\n"]


def test_a_full_buffer_takes_the_end_of_a_line() -> None:
    discipline, _ = new(off=t.ECHO)
    assert discipline.receive(b"x" * 5000) == 5000
    discipline.receive(b"\n")
    assert discipline.take(9999) == b"x" * (INPUT_MAX - 1) + b"\n"
    discipline, _ = new(off=t.ICANON | t.ECHO)
    assert discipline.receive(b"y" * 5000) == INPUT_MAX - 1
    assert discipline.take(10) == b"y" * 10
    assert discipline.receive(b"z" * 20) == 10


def test_changing_modes_keeps_what_was_typed() -> None:
    raw = changed(STANDARD, off=t.ICANON | t.ECHO)
    discipline, _ = new()
    discipline.receive(b"half")
    discipline.set_modes(raw)
    assert discipline.take(2) == b"ha"
    discipline.set_modes(STANDARD)
    assert discipline.available() and discipline.take(100) == b"lf"
    discipline.receive(b"ab\x04")
    discipline.set_modes(raw)
    assert discipline.take(100) == b"ab\0"


def test_what_a_reader_had_no_room_for() -> None:
    discipline, _ = new()
    discipline.receive(b"first\nsecond\n")
    discipline.give_back(discipline.take(100)[2:])
    assert lines(discipline) == [b"rst\n", b"second\n"]


# ---- the host's own ------------------------------------------------------------------------------------------

_LFLAGS = (
    t.ISIG, t.ICANON, t.ECHO, t.ECHOE, t.ECHOK, t.ECHONL, t.NOFLSH, t.ECHOCTL, t.ECHOPRT, t.ECHOKE, t.IEXTEN,
)  # fmt: skip
_IFLAGS = (t.ISTRIP, t.INLCR, t.IGNCR, t.ICRNL, t.IUCLC, t.IXON, t.IXANY, t.IUTF8, t.PARMRK)
_OFLAGS = (t.OPOST, t.OLCUC, t.ONLCR, t.OCRNL, t.ONOCR, t.ONLRET, t.XTABS)
_KEYS = [bytes((code,)) for code in t.CONTROL_CHARACTERS if code not in (0, 1)]
_KEYS += [b"\n", b"\r", b"\t", b" ", b"a", b"Z", b"_", b"-", b"\0", b"\xff", b"\x80", b"\x01", b"\x08"]
_KEYS += ["é".encode(), "€".encode(), b"\xc0", b"\xa9"]


def _flags(standard: int, choices: tuple[int, ...]) -> st.SearchStrategy[int]:
    """Mostly the usual ones, some turned."""
    return st.lists(st.sampled_from(choices), max_size=3, unique=True).map(
        lambda turned: standard ^ sum(turned) if turned else standard
    )


_MODES = st.builds(
    lambda iflag, oflag, lflag: Modes(iflag, oflag, STANDARD.cflag, lflag, STANDARD.cc),
    _flags(STANDARD.iflag, _IFLAGS), _flags(STANDARD.oflag, _OFLAGS), _flags(STANDARD.lflag, _LFLAGS),
)  # fmt: skip
_TEXT = st.lists(st.sampled_from(_KEYS), max_size=12).map(b"".join)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("type"), _TEXT, st.sampled_from([1, 3, 100])),
        st.tuples(st.just("write"), _TEXT, st.just(0)),
        st.tuples(st.just("modes"), _MODES, st.just(0)),
    ),
    min_size=1,
    max_size=6,
)


def _apart(steps: list[Any]) -> list[Any]:
    """A signal character drops output that is on its way. What that is depends on the host's timing unless everything
    before it has arrived: so it begins a step of its own."""
    found = []
    for kind, what, size in steps:
        if kind == "type":
            found += [("type", part, size) for part in re.split(rb"(?=[\x03\x1c\x1a])", what) if part]
        elif what:
            found.append((kind, what, size))
    return found


def _on_the_host(modes: Modes, steps: list[Any], patience_s: float) -> list[Any]:
    master, slave = os.openpty()
    try:
        for descriptor in (master, slave):
            os.set_blocking(descriptor, False)
        fcntl.ioctl(slave, t.TCSETS, modes.pack())
        seen: list[Any] = []
        for kind, what, size in steps:
            if kind == "type":
                os.write(master, what)
                time.sleep(patience_s)
                seen.append(_drained(slave, size, modes))
            elif kind == "write":
                try:
                    seen.append(os.write(slave, what))
                except BlockingIOError:
                    seen.append(0)
            elif kind == "modes":
                modes = what
                fcntl.ioctl(slave, t.TCSETS, modes.pack())
            time.sleep(patience_s)
            seen.append(b"".join(_drained(master, 4096, None)))
            (count,) = struct.unpack("<i", fcntl.ioctl(slave, t.FIONREAD, bytes(4)))
            seen.append(count)
        return seen
    finally:
        os.close(slave)
        os.close(master)


def _drained(descriptor: int, size: int, modes: Modes | None) -> list[bytes]:
    found: list[bytes] = []
    with contextlib.suppress(BlockingIOError):
        while len(found) < 1000:
            found.append(os.read(descriptor, size))
    return found


def _here(modes: Modes, steps: list[Any]) -> list[Any]:
    discipline, side = new(modes)
    seen: list[Any] = []
    for kind, what, size in steps:
        if kind == "type":
            assert discipline.receive(what) == len(what)
            seen.append(lines(discipline, size))
        elif kind == "write":
            discipline.output.flush()
            seen.append(discipline.output.write(what))
        elif kind == "modes":
            discipline.set_modes(what)
        seen.append(side.shown)
        side.shown = b""
        seen.append(discipline.count())
    return seen


@settings(max_examples=150, deadline=None, derandomize=True)
@given(_MODES, _STEPS)
def test_as_on_the_host(modes: Modes, steps: list[Any]) -> None:
    """The host's kernel works on what is typed behind the writer's back, so a difference is looked at again slowly."""
    steps = _apart(steps)
    expected = _here(modes, steps)
    for patience_s in (0.0, 0.02, 0.1):
        got = _on_the_host(modes, steps, patience_s)
        if got == expected:
            return
    assert got == expected
