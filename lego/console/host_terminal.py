"""The terminal that this process runs in, while a guest has it: in raw mode, every byte passed on.

    terminal = HostTerminal.find()                 # None when input or output is no terminal
    with terminal.handed_over(send, resized, hung_up):
        ...                                        # what is typed goes to `send`, on a thread of its own

The guest has a line discipline of its own, so Ctrl-C, Ctrl-Z and editing are its matter. However the block ends, the
terminal gets its modes back. When this process is stopped (kill -TSTP) the shell gets a sane terminal, and the
guest gets it again when it is continued in the foreground. Source: termios(3), tty_ioctl(4).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from lego.console.terminal import TCGETS2, TERMIOS2_BYTES, WINSIZE_BYTES
from lego.linux.termios import (
    ECHO,
    ECHONL,
    ICANON,
    IEXTEN,
    ISIG,
    IUTF8,
    OPOST,
    STANDARD,
    TCSETSW2,
    TIOCGWINSZ,
    VMIN,
    VTIME,
    Modes,
)

INPUT, OUTPUT = 0, 1
READ_BYTES = 4096
RETRY_S = 0.02
"""When the guest's buffer is full, or this process is in the background: how long until the next try."""
Size = tuple[int, int, int, int]


class HostTerminal:
    """Standard input and output, when they are one terminal whose foreground this process is."""

    def __init__(self, modes: bytes) -> None:
        self.modes = modes
        """As it was found: struct termios2."""
        self._device = os.fstat(INPUT).st_rdev
        self._raw = False

    @staticmethod
    def find() -> HostTerminal | None:
        """The terminal, if a guest can have it. With a pipe or a file on one side it stays the host's: another
        program of a pipeline may use it as well."""
        try:
            if not (os.isatty(INPUT) and os.isatty(OUTPUT)) or os.fstat(INPUT).st_rdev != os.fstat(OUTPUT).st_rdev:
                return None
            if _in_background() is not False:
                return None
            return HostTerminal(bytes(fcntl.ioctl(INPUT, TCGETS2, bytes(TERMIOS2_BYTES))))
        except OSError:
            return None

    def streams(self) -> list[int]:
        """Which of the standard streams it is."""
        found = []
        for stream in range(3):
            with contextlib.suppress(OSError):
                if os.isatty(stream) and os.fstat(stream).st_rdev == self._device:
                    found.append(stream)
        return found

    def size(self) -> Size:
        """Rows, columns, and the same in pixels; zeros when it is gone."""
        try:
            raw = fcntl.ioctl(INPUT, TIOCGWINSZ, bytes(WINSIZE_BYTES))
        except OSError:
            return 0, 0, 0, 0
        rows, columns, width, height = struct.unpack("<4H", raw)
        return rows, columns, width, height

    # ---- modes ---------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Raw mode. Does nothing in the background, where changing modes would stop this process."""
        if _in_background() is False:
            with contextlib.suppress(OSError):
                fcntl.ioctl(INPUT, TCSETSW2, raw_modes(STANDARD.changed(self.modes)).pack2())
                self._raw = True

    def leave(self) -> None:
        """The modes that were found. In the background the terminal is another's, who has seen to that."""
        if self._raw and _in_background() is False:
            with contextlib.suppress(OSError):  # It may be gone.
                fcntl.ioctl(INPUT, TCSETSW2, self.modes)
        self._raw = False

    # ---- while a guest has it ------------------------------------------------------------------------

    @contextlib.contextmanager
    def handed_over(self, send: Callable[[bytes], int], hung_up: Callable[[], None]) -> Iterator[None]:
        """Raw mode, and what is typed goes to `send`, which says how many bytes it took, until the end of the block;
        `hung_up` is told when the terminal is gone. Both may raise when the guest is; then this is over."""
        typist = _Typist(send, hung_up)
        before = self._handlers()
        try:
            self.enter()
            typist.start()
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            typist.stop()
            self.leave()

    def _handlers(self) -> dict[int, Any]:
        """Stopping and continuing this process, from its main thread; in another one nothing can be caught."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        wanted = {signal.SIGTSTP: self._stop, signal.SIGCONT: self._continue}
        chosen = {number: each for number, each in wanted.items() if signal.getsignal(number) is not signal.SIG_IGN}
        return {number: signal.signal(number, handler) or signal.SIG_DFL for number, handler in chosen.items()}

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.leave()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _continue(self, number: int, frame: FrameType | None) -> None:
        self.enter()


def _in_background() -> bool | None:
    """Whether another process group has the terminal; None when there is no terminal any more."""
    try:
        return os.tcgetpgrp(INPUT) != os.getpgrp()
    except OSError:
        return None


def raw_modes(modes: Modes) -> Modes:
    """Every byte as it is, at once (cfmakeraw). What is not about bytes (speeds, IUTF8) stays."""
    characters = bytearray(modes.cc)
    characters[VMIN], characters[VTIME] = 1, 0
    return Modes(
        modes.iflag & IUTF8,
        modes.oflag & ~OPOST,
        modes.cflag,
        modes.lflag & ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN),
        bytes(characters),
        modes.line,
        modes.ispeed,
        modes.ospeed,
    )


class _Typist:
    """The thread that reads the terminal and hands on what is typed."""

    def __init__(self, send: Callable[[bytes], int], hung_up: Callable[[], None]) -> None:
        self._send = send
        self._hung_up = hung_up
        self._wake_out, self._wake_in = os.pipe()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)

    def start(self) -> None:
        """Begins to read. Signals are for the main thread."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def stop(self) -> None:
        """Ends the thread; what is typed from now on is somebody else's."""
        self._ended = True
        os.write(self._wake_in, b".")
        if self._thread.is_alive():
            self._thread.join(5.0)
        for descriptor in (self._wake_out, self._wake_in):
            os.close(descriptor)

    def _run(self) -> None:
        try:
            while not self._ended:
                data = self._read()
                if data is None:
                    self._hung_up()
                    return
                self._hand_on(data)
        except Exception:
            return  # The guest is gone, or the machine: the main thread knows how.

    def _read(self) -> bytes | None:
        """What was typed; b"" when it is time to look again; None when the terminal is gone."""
        poller = select.poll()
        poller.register(self._wake_out, select.POLLIN)
        poller.register(INPUT, select.POLLIN)
        found = dict(poller.poll())
        if self._ended or not found.get(INPUT, 0):
            return b""
        if _in_background():
            time.sleep(RETRY_S)  # Reading from the background would stop this process.
            return b""
        try:
            return os.read(INPUT, READ_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:
            return b"" if _in_background() else None

    def _hand_on(self, data: bytes) -> None:
        while data and not self._ended:
            taken = self._send(data)
            data = data[taken:]
            if data:
                time.sleep(RETRY_S)
