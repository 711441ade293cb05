"""What leaves a terminal: output processing (OPOST) and echo. Source: drivers/tty/n_tty.c.

    output = Output(modes, room, send)
    taken = output.write(b"text\\n")          # as much as there is room for
    output.echo(3); output.commit()           # "^C"

An echo is noted when its character is received, and goes out when the whole of what was received with it has been dealt
with, when a program writes, or when 256 bytes of it are waiting. A signal character drops those before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from lego.linux.termios import ECHOCTL, IUTF8, OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY, XTABS, Modes

COMMIT_BYTES = 256
"""ECHO_COMMIT_WATERMARK: so many waiting bytes of echo are sent without waiting for the rest."""
ECHO_MAX = 4096 - COMMIT_BYTES
"""Bytes of echo that wait at most, when output is stopped; older ones are sent off whatever becomes of them."""
BACKSPACE, TAB, NEWLINE, RETURN = 0x08, 0x09, 0x0A, 0x0D


def is_control(code: int) -> bool:
    """iscntrl() of the kernel: lib/ctype.c knows Latin-1, whose C1 range is no control characters there."""
    return code < 0x20 or code == 0x7F


def is_upper(code: int) -> bool:
    """isupper() of the kernel, likewise."""
    return 0x41 <= code <= 0x5A or (0xC0 <= code <= 0xDE and code != 0xD7)


def is_lower(code: int) -> bool:
    """islower() of the kernel."""
    return 0x61 <= code <= 0x7A or (0xDF <= code <= 0xFF and code != 0xF7)


def is_word(code: int) -> bool:
    """What VWERASE takes for a letter: isalnum() and the underscore."""
    return is_upper(code) or is_lower(code) or 0x30 <= code <= 0x39 or code == 0x5F


class _Note:
    """One thing to echo: what, and how many bytes the kernel's buffer would need for it."""

    __slots__ = ("bytes", "kind", "value")

    def __init__(self, kind: str, value: int = 0, size: int = 1) -> None:
        self.kind = kind
        self.value = value
        self.bytes = size


class Output:
    """The output side of one line discipline."""

    def __init__(self, modes: Modes, room: Callable[[], int], send: Callable[[bytes], None]) -> None:
        self.modes = modes
        self._room = room
        """How many bytes can be sent now."""
        self._send = send
        self.column = 0
        self.canon_column = 0
        """Where the line that is being typed begins."""
        self._echoes: deque[_Note] = deque()
        self._waiting = 0
        """Bytes of echo."""
        self._committed = 0
        """How many of the first notes may go out: the rest waits for `commit`."""

    # ---- what programs write -------------------------------------------------------------------------

    def write(self, data: bytes | memoryview) -> int:
        """Sends what there is room for; returns how many bytes of `data` that was."""
        if not self.modes.oflag & OPOST:
            count = min(len(data), self._room())
            if count:
                self._send(bytes(data[:count]))
            return count
        room, done, out = self._room(), 0, bytearray()
        for code in data:
            piece = self._processed(code, room - len(out))
            if piece is None:
                break
            out += piece
            done += 1
        if out:
            self._send(bytes(out))
        return done

    def _processed(self, code: int, room: int) -> bytes | None:
        """One character as it goes out (do_output_char); None when there is no room for it."""
        if room <= 0:
            return None
        flags = self.modes.oflag
        if code == NEWLINE:
            return self._newline(flags, room)
        if code == RETURN:
            if flags & ONOCR and not self.column:
                return b""
            if flags & OCRNL:
                code = NEWLINE
            if code == RETURN or flags & ONLRET:
                self.column = self.canon_column = 0
        elif code == TAB:
            spaces = 8 - (self.column & 7)
            if flags & TABDLY == XTABS:
                if room < spaces:
                    return None
                self.column += spaces
                return b" " * spaces
            self.column += spaces
        elif code == BACKSPACE:
            self.column = max(0, self.column - 1)
        elif not is_control(code):
            if flags & OLCUC and is_lower(code):
                code -= 0x20
            if not self.continues(code):
                self.column += 1
        return bytes((code,))

    def _newline(self, flags: int, room: int) -> bytes | None:
        if flags & ONLRET:
            self.column = 0
        if flags & ONLCR:
            if room < 2:
                return None
            self.column = self.canon_column = 0
            return b"\r\n"
        self.canon_column = self.column
        return b"\n"

    def continues(self, code: int) -> bool:
        """Whether a byte goes on with a character that began before it (is_continuation)."""
        return bool(self.modes.iflag & IUTF8) and code & 0xC0 == 0x80

    # ---- echo ----------------------------------------------------------------------------------------

    def _note(self, kind: str, value: int = 0, size: int = 1) -> None:
        while self._waiting + size > ECHO_MAX and self._echoes:  # Nobody takes it: the oldest are lost.
            self._waiting -= self._echoes.popleft().bytes
            self._committed = max(0, self._committed - 1)
        self._echoes.append(_Note(kind, value, size))
        self._waiting += size

    def echo(self, code: int) -> None:
        """A typed character: with ECHOCTL control characters as ^X (echo_char)."""
        if code == 0xFF:
            self._note("raw", code, 2)
        elif self.modes.lflag & ECHOCTL and is_control(code) and code != TAB:
            self._note("control", code, 2)
        else:
            self._note("plain", code)

    def echo_raw(self, text: bytes) -> None:
        """Characters as they are; output processing still applies (echo_char_raw)."""
        for code in text:
            self._note("raw" if code == 0xFF else "plain", code, 2 if code == 0xFF else 1)

    def echo_back(self) -> None:
        """The column goes back by one with nothing sent (echo_move_back_col)."""
        self._note("back", 0, 2)

    def note_canon_column(self) -> None:
        """The line that is typed begins here (echo_set_canon_col)."""
        self._note("column", 0, 2)

    def erase_tab(self, columns: int, after_tab: bool) -> None:
        """Goes back over a tab that comes after so many columns of the line, or after another tab (echo_erase_tab)."""
        self._note("tab", columns & 7 | (0x80 if after_tab else 0), 3)

    def commit(self) -> None:
        """A whole echo has been noted: enough of them go out at once (commit_echoes)."""
        if self._waiting >= COMMIT_BYTES:
            self.flush()

    def flush(self) -> None:
        """Everything noted may go out now (process_echoes, flush_echoes)."""
        self._committed = len(self._echoes)
        self.push()

    def forget(self) -> None:
        """What was not sent yet is lost (isig)."""
        self._echoes.clear()
        self._waiting = self._committed = 0

    @property
    def pending(self) -> bool:
        """Whether echo waits for room."""
        return self._committed > 0

    def push(self) -> None:
        """Sends what was committed, as far as there is room (__process_echoes)."""
        room, out = self._room(), bytearray()
        while self._committed:
            piece = self._echoed(self._echoes[0], room - len(out))
            if piece is None:
                break
            out += piece
            self._waiting -= self._echoes.popleft().bytes
            self._committed -= 1
        if out:
            self._send(bytes(out))

    def _echoed(self, note: _Note, room: int) -> bytes | None:
        kind, value = note.kind, note.value
        if kind == "column":
            self.canon_column = self.column
            return b""
        if kind == "back":
            self.column = max(0, self.column - 1)
            return b""
        if kind == "tab":
            back = 8 - ((value if value & 0x80 else value + self.canon_column) & 7)
            if back > room:
                return None
            self.column = max(0, self.column - back)
            return b"\b" * back
        if kind == "control":
            if room < 2:
                return None
            self.column += 2
            return bytes((0x5E, value ^ 0x40))
        if kind == "plain" and self.modes.oflag & OPOST:
            return self._processed(value, room)
        if room < 1:
            return None
        self.column += kind == "raw"
        return bytes((value,))
