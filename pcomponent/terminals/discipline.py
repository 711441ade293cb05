"""The line discipline, Linux's N_TTY: what becomes of typed bytes, and what a program reads of them.

    discipline = Discipline(modes, port)
    taken = discipline.receive(b"ls\\x7fs\\n")      # edits, echoes, sends signals; fewer bytes when it is full
    discipline.available()                        # whether a read would find something
    data = discipline.take(100)                   # a line, in canonical mode; b"" is the end of file
    taken = discipline.output.write(b"text\\n")

It knows neither processes nor files: a `Port` is what it stands on. Source: drivers/tty/n_tty.c; the names of its
functions are given. Parity and breaks do not exist on a pseudo-terminal.
"""

from __future__ import annotations

from lego.linux.signal import Sig
from lego.linux.termios import (
    DISABLED,
    ECHO,
    ECHOCTL,
    ECHOE,
    ECHOK,
    ECHOKE,
    ECHONL,
    ECHOPRT,
    EXTPROC,
    ICANON,
    ICRNL,
    IEXTEN,
    IGNCR,
    INLCR,
    ISIG,
    ISTRIP,
    IUCLC,
    IXANY,
    IXON,
    NOFLSH,
    PARMRK,
    VEOF,
    VEOL,
    VEOL2,
    VERASE,
    VINTR,
    VKILL,
    VLNEXT,
    VMIN,
    VQUIT,
    VREPRINT,
    VSTART,
    VSTOP,
    VSUSP,
    VTIME,
    VWERASE,
    Modes,
)
from pcomponent.terminals.output import NEWLINE, RETURN, TAB, Output, is_control, is_upper, is_word
from pcomponent.terminals.port import Port

INPUT_MAX = 4096
"""N_TTY_BUF_SIZE: bytes of input kept, of which the last is room for the end of a line (MAX_CANON)."""
_SIGNALS = ((VINTR, Sig.INT), (VQUIT, Sig.QUIT), (VSUSP, Sig.TSTP))


class Discipline:
    """One terminal's. `modes` is changed by `set_modes` only."""

    def __init__(self, modes: Modes, port: Port) -> None:
        self.modes = modes
        self.output = Output(modes, port.room, port.send)
        self._port = port
        self._input = bytearray()
        """What was typed and not read, from the oldest on."""
        self._ends: set[int] = set()
        """Places in it that end a line; a DISABLED byte there is an end of file, and not read."""
        self._complete = 0
        """How much of it belongs to complete lines (canon_head)."""
        self._literal = False
        """The next character is taken as it is (lnext)."""
        self._erasing = False
        """Within the \\.../ of ECHOPRT."""
        self.stopped = False
        """Output is stopped by Ctrl-S."""
        self._special: frozenset[int] = frozenset()
        self._prepare()

    # ---- modes ---------------------------------------------------------------------------------------

    @property
    def canonical(self) -> bool:
        """Whether input is given out in lines."""
        return bool(self.modes.lflag & ICANON)

    def set_modes(self, modes: Modes) -> None:
        """n_tty_set_termios(): what is in the buffer stays there, as one line when lines are wanted from now on."""
        before, self.modes, self.output.modes = self.modes, modes, modes
        if (before.lflag ^ modes.lflag) & (ICANON | EXTPROC):
            self._ends.clear()
            self._complete = 0
            if self.canonical and self._input:
                self._ends.add(len(self._input) - 1)
                self._complete = len(self._input)
            self._erasing = self._literal = False
        self._prepare()
        if before.iflag & IXON and not modes.iflag & IXON:
            self.start()

    def _prepare(self) -> None:
        """Which characters mean something (char_map)."""
        iflag, lflag, cc = self.modes.iflag, self.modes.lflag, self.modes.cc
        special: set[int] = set()
        if iflag & (IGNCR | ICRNL):
            special.add(RETURN)
        if iflag & INLCR:
            special.add(NEWLINE)
        if lflag & ICANON:
            special |= {cc[VERASE], cc[VKILL], cc[VEOF], NEWLINE, cc[VEOL]}
            if lflag & IEXTEN:
                special |= {cc[VWERASE], cc[VLNEXT], cc[VEOL2]}
                if lflag & ECHO:
                    special.add(cc[VREPRINT])
        if iflag & IXON:
            special |= {cc[VSTART], cc[VSTOP]}
        if lflag & ISIG:
            special |= {cc[VINTR], cc[VQUIT], cc[VSUSP]}
        self._special = frozenset(special - {DISABLED})
        self._raw = not (
            iflag & (ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK) or lflag & (ICANON | ISIG | ECHO)
        )

    # ---- what is typed -------------------------------------------------------------------------------

    def receive(self, data: bytes) -> int:
        """Takes typed bytes; returns how many. Fewer when the buffer is full (n_tty_receive_buf_common): then a line
        that is not complete still takes characters over its last one, so that it can be ended or erased."""
        done = 0
        while done < len(data):
            room = INPUT_MAX - len(self._input)
            if self.modes.iflag & PARMRK:
                room = -(-room // 3)
            room -= 1
            if room <= 0:
                if not self.canonical or self._complete:
                    break
                if room < 0:
                    del self._input[-1]
                room = 1
            part = data[done : done + room]
            self._receive(part)
            done += len(part)
        return done

    def _receive(self, data: bytes) -> None:
        if self._raw:
            self._input += data
            return
        iflag, lflag = self.modes.iflag, self.modes.lflag
        for code in data:
            if iflag & ISTRIP:
                code &= 0x7F
            if iflag & IUCLC and lflag & IEXTEN and is_upper(code):
                code += 0x20
            if self._literal:
                self._literal = False
                self._plain(code)
            elif lflag & EXTPROC:
                self._input.append(code)
            elif code in self._special:
                self._meaning(code)
            else:
                self._plain(code)
        if self.modes.lflag & (ECHO | ECHONL):
            self.output.flush()

    def _plain(self, code: int) -> None:
        """n_tty_receive_char()."""
        self._restart_by_any()
        if self.modes.lflag & ECHO:
            self._echo(code)
        self._put(code)

    def _echo(self, code: int) -> None:
        self._finish_erasing()
        if self._complete == len(self._input):
            self.output.note_canon_column()
        self.output.echo(code)
        self.output.commit()

    def _put(self, code: int) -> None:
        if code == 0xFF and self.modes.iflag & PARMRK:
            self._input.append(code)
        self._input.append(code)

    def _restart_by_any(self) -> None:
        if self.stopped and self.modes.iflag & IXON and self.modes.iflag & IXANY:
            self.start()

    def _meaning(self, code: int) -> None:
        """n_tty_receive_char_special()."""
        iflag, lflag, cc = self.modes.iflag, self.modes.lflag, self.modes.cc
        if iflag & IXON:
            if code == cc[VSTART]:
                self.start()
                return
            if code == cc[VSTOP]:
                self.stop()
                return
        if lflag & ISIG:
            for place, number in _SIGNALS:
                if code == cc[place]:
                    self._signal(number, code)
                    return
        self._restart_by_any()
        if code == RETURN:
            if iflag & IGNCR:
                return
            if iflag & ICRNL:
                code = NEWLINE
        elif code == NEWLINE and iflag & INLCR:
            code = RETURN
        if lflag & ICANON and self._edit(code):
            return
        if lflag & ECHO:
            if code == NEWLINE:
                self._finish_erasing()
                self.output.echo_raw(b"\n")
                self.output.commit()
            else:
                self._echo(code)
        self._put(code)

    def _signal(self, number: int, code: int) -> None:
        """isig(): unless NOFLSH is set, what was typed and what was not shown yet is lost."""
        self._port.signal(number)
        if not self.modes.lflag & NOFLSH:
            self.output.forget()
            self._port.discard_output()
            self.discard_input()
        if self.modes.iflag & IXON:
            self._go_on()
        if self.modes.lflag & ECHO:
            self.output.echo(code)
            self.output.commit()
        else:
            self.output.flush()

    def _edit(self, code: int) -> bool:
        """n_tty_receive_char_canon(): whether the character was an order to the line discipline, or ended a line."""
        lflag, cc = self.modes.lflag, self.modes.cc
        extended = bool(lflag & IEXTEN)
        if code in (cc[VERASE], cc[VKILL]) or (code == cc[VWERASE] and extended):
            self._erase(code)
            self.output.commit()
        elif code == cc[VLNEXT] and extended:
            self._literal = True
            if lflag & ECHO:
                self._finish_erasing()
                if lflag & ECHOCTL:
                    self.output.echo_raw(b"^\b")
                    self.output.commit()
        elif code == cc[VREPRINT] and lflag & ECHO and extended:
            self._finish_erasing()
            self.output.echo(code)
            self.output.echo_raw(b"\n")
            for each in self._input[self._complete :]:
                self.output.echo(each)
            self.output.commit()
        elif code == NEWLINE:
            if lflag & (ECHO | ECHONL):
                self.output.echo_raw(b"\n")
                self.output.commit()
            self._end_line(code)
        elif code == cc[VEOF]:
            self._end_line(DISABLED)
        elif code == cc[VEOL] or (code == cc[VEOL2] and extended):
            if lflag & ECHO:
                if self._complete == len(self._input):
                    self.output.note_canon_column()
                self.output.echo(code)
                self.output.commit()
            if code == 0xFF and self.modes.iflag & PARMRK:
                self._input.append(code)
            self._end_line(code)
        else:
            return False
        return True

    def _end_line(self, code: int) -> None:
        self._ends.add(len(self._input))
        self._input.append(code)
        self._complete = len(self._input)

    # ---- erasing -------------------------------------------------------------------------------------

    def _finish_erasing(self) -> None:
        if self._erasing:
            self.output.echo_raw(b"/")
            self._erasing = False

    def _erase(self, order: int) -> None:
        """eraser(): a character, a word or the line."""
        lflag, cc = self.modes.lflag, self.modes.cc
        if len(self._input) == self._complete:
            return
        erases, word = order == cc[VERASE], order == cc[VWERASE] and order != cc[VERASE]
        if not erases and not word:
            shown = ECHOK | ECHOKE | ECHOE
            if not lflag & ECHO or lflag & shown != shown:
                del self._input[self._complete :]
                if lflag & ECHO:
                    self._finish_erasing()
                    self.output.echo(cc[VKILL])
                    if lflag & ECHOK:
                        self.output.echo_raw(b"\n")
                return
        in_word = False
        while len(self._input) > self._complete:
            head = len(self._input) - 1
            while self.output.continues(self._input[head]) and head > self._complete:
                head -= 1
            code = self._input[head]
            if self.output.continues(code):
                break  # Half a character, whose beginning was read already.
            if word:
                if is_word(code):
                    in_word = True
                elif in_word:
                    break
            gone = bytes(self._input[head:])
            del self._input[head:]
            if lflag & ECHO:
                self._show_erased(gone, erases)
            if erases:
                break
        if len(self._input) == self._complete and lflag & ECHO:
            self._finish_erasing()

    def _show_erased(self, gone: bytes, one: bool) -> None:
        lflag, code = self.modes.lflag, gone[0]
        if lflag & ECHOPRT:
            if not self._erasing:
                self.output.echo_raw(b"\\")
                self._erasing = True
            self.output.echo(code)
            for each in gone[1:]:
                self.output.echo_raw(bytes((each,)))
                self.output.echo_back()
        elif one and not lflag & ECHOE:
            self.output.echo(self.modes.cc[VERASE])
        elif code == TAB:
            self.output.erase_tab(*self._columns())
        else:
            if is_control(code) and lflag & ECHOCTL:
                self.output.echo_raw(b"\b \b")
            if not is_control(code) or lflag & ECHOCTL:
                self.output.echo_raw(b"\b \b")

    def _columns(self) -> tuple[int, bool]:
        """How many columns the line has, from its beginning or from its last tab; and which of them."""
        columns = 0
        for code in reversed(self._input[self._complete :]):
            if code == TAB:
                return columns, True
            if is_control(code):
                columns += 2 if self.modes.lflag & ECHOCTL else 0
            elif not self.output.continues(code):
                columns += 1
        return columns, False

    # ---- flow ----------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ctrl-S: no output until it is started again."""
        self.stopped = True
        self._port.set_stopped(True)

    def start(self) -> None:
        """Ctrl-Q, or what stands for it."""
        self._go_on()
        self.output.flush()

    def _go_on(self) -> None:
        if self.stopped:
            self.stopped = False
            self._port.set_stopped(False)

    # ---- what is read --------------------------------------------------------------------------------

    @property
    def _by_line(self) -> bool:
        return self.canonical and not self.modes.lflag & EXTPROC

    def available(self, polled: bool = False) -> bool:
        """Whether there is something to read (input_available_p): a line, or bytes; `polled` asks for VMIN of them,
        unless VTIME limits how long a read would wait for the rest."""
        if self._by_line:
            return self._complete > 0
        least = self.modes.cc[VMIN] if polled and not self.modes.cc[VTIME] else 1
        return len(self._input) >= max(1, least)

    def take(self, length: int) -> bytes:
        """Removes what a read gets: at most `length` bytes, in canonical mode up to the end of a line."""
        if not self._by_line:
            data = bytes(self._input[:length])
            self._drop(len(data))
            return data
        length = min(length, self._complete)
        place = min((each for each in self._ends if each < length), default=None)
        if place is None:
            data = bytes(self._input[:length])
            self._drop(length)
            if self._complete and 0 in self._ends and self._input[0] == DISABLED:
                self._drop(1)  # The end of file that ends this line is not another one (canon_skip_eof).
            return data
        end_of_file = self._input[place] == DISABLED
        data = bytes(self._input[: place if end_of_file else place + 1])
        self._drop(place + 1)
        return data

    def _drop(self, count: int) -> None:
        del self._input[:count]
        self._ends = {each - count for each in self._ends if each >= count}
        self._complete = max(0, self._complete - count)

    def give_back(self, data: bytes) -> None:
        """Puts back the end of what was read, which the reader had no room for."""
        count = len(data)
        self._input[:0] = data
        self._ends = {each + count for each in self._ends}
        if self._by_line:
            self._complete += count
            if data.endswith(b"\n"):
                self._ends.add(count - 1)

    def count(self) -> int:
        """FIONREAD: bytes that can be read (inq_canon): of complete lines in canonical mode."""
        if not self._by_line:
            return len(self._input)
        return self._complete - sum(self._input[each] == DISABLED for each in self._ends if each < self._complete)

    def discard_input(self) -> None:
        """Forgets what was typed (reset_buffer_flags)."""
        self._input.clear()
        self._ends.clear()
        self._complete = 0
        self._literal = self._erasing = False
