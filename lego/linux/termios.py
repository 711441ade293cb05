"""Terminals' modes and requests. Source: include/uapi/asm-generic/termbits.h, termios.h and ioctls.h.

A terminal's settings are kept as `Modes` and travel as one of three structures: struct termios of the system calls
(36 bytes, without speeds), struct termios2 (44 bytes) and the old struct termio (18 bytes).
"""

from __future__ import annotations

import struct

import msgspec

# c_iflag
IGNBRK, BRKINT, IGNPAR, PARMRK, INPCK, ISTRIP, INLCR, IGNCR, ICRNL = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100
IUCLC, IXON, IXANY, IXOFF, IMAXBEL, IUTF8 = 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000
# c_oflag
OPOST, OLCUC, ONLCR, OCRNL, ONOCR, ONLRET = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
TABDLY, XTABS = 0x1800, 0x1800
# c_cflag
CBAUD, CSIZE, CS8, CREAD, PARENB, HUPCL, CLOCAL, B38400 = 0x100F, 0x30, 0x30, 0x80, 0x100, 0x400, 0x800, 0xF
BOTHER, CIBAUD = 0x1000, 0x100F0000
# c_lflag
ISIG, ICANON, ECHO, ECHOE, ECHOK, ECHONL, NOFLSH, TOSTOP = 0x1, 0x2, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100
ECHOCTL, ECHOPRT, ECHOKE, IEXTEN, EXTPROC = 0x200, 0x400, 0x800, 0x8000, 0x10000
# c_cc
VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL = range(12)
VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2 = range(12, 17)
NCCS = 19
DISABLED = 0
"""The character that switches a function off, and marks an end of file in the input."""

TCGETS, TCSETS, TCSETSW, TCSETSF = 0x5401, 0x5402, 0x5403, 0x5404
TCGETA, TCSETA, TCSETAW, TCSETAF = 0x5405, 0x5406, 0x5407, 0x5408
TCGETS2, TCSETS2, TCSETSW2, TCSETSF2 = 0x802C542A, 0x402C542B, 0x402C542C, 0x402C542D
TCSBRK, TCXONC, TCFLSH, TCSBRKP, TIOCSBRK, TIOCCBRK = 0x5409, 0x540A, 0x540B, 0x5425, 0x5427, 0x5428
TIOCEXCL, TIOCNXCL, TIOCGEXCL = 0x540C, 0x540D, 0x80045440
TIOCSCTTY, TIOCNOTTY, TIOCGPGRP, TIOCSPGRP, TIOCGSID = 0x540E, 0x5422, 0x540F, 0x5410, 0x5429
TIOCOUTQ, TIOCSTI, TIOCGWINSZ, TIOCSWINSZ, FIONREAD = 0x5411, 0x5412, 0x5413, 0x5414, 0x541B
TIOCGSOFTCAR, TIOCSSOFTCAR, TIOCSETD, TIOCGETD, TIOCGDEV = 0x5419, 0x541A, 0x5423, 0x5424, 0x80045432
TIOCPKT, TIOCGPKT, TIOCGPTN, TIOCSPTLCK, TIOCGPTLCK = 0x5420, 0x80045438, 0x80045430, 0x40045431, 0x80045439
TIOCGPTPEER, TIOCSIG, TIOCVHANGUP = 0x5441, 0x40045436, 0x5437
TCOOFF, TCOON, TCIOFF, TCION = range(4)
TCIFLUSH, TCOFLUSH, TCIOFLUSH = range(3)
TIOCPKT_DATA, TIOCPKT_FLUSHREAD, TIOCPKT_FLUSHWRITE, TIOCPKT_STOP, TIOCPKT_START = 0, 1, 2, 4, 8
TIOCPKT_NOSTOP, TIOCPKT_DOSTOP, TIOCPKT_IOCTL = 16, 32, 64

_TERMIOS = struct.Struct("<IIIIB19s")
_TERMIOS2 = struct.Struct("<IIIIB19sII")
_TERMIO = struct.Struct("<HHHHB8sx")
TERMIOS_BYTES, TERMIOS2_BYTES, TERMIO_BYTES = _TERMIOS.size, _TERMIOS2.size, _TERMIO.size
WINSIZE = struct.Struct("<HHHH")
"""ws_row, ws_col, ws_xpixel, ws_ypixel."""

_SPEEDS = (0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400)
_FAST = (
    0, 57600, 115200, 230400, 460800, 500000, 576000, 921600,
    1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
)  # fmt: skip


class Modes(msgspec.Struct, array_like=True, frozen=True):
    """struct ktermios: the flags, the special characters (19 bytes) and the speeds, in baud."""

    iflag: int
    oflag: int
    cflag: int
    lflag: int
    cc: bytes
    line: int = 0
    ispeed: int = 38400
    ospeed: int = 38400

    def pack(self) -> bytes:
        """As struct termios."""
        return _TERMIOS.pack(self.iflag, self.oflag, self.cflag, self.lflag, self.line, self.cc)

    def pack2(self) -> bytes:
        """As struct termios2."""
        flags = (self.iflag, self.oflag, self.cflag, self.lflag)
        return _TERMIOS2.pack(*flags, self.line, self.cc, self.ispeed, self.ospeed)

    def pack_old(self) -> bytes:
        """As struct termio: the lower halves of the flags, and eight characters."""
        flags = (each & 0xFFFF for each in (self.iflag, self.oflag, self.cflag, self.lflag))
        return _TERMIO.pack(*flags, self.line, self.cc[:8])

    def changed(self, raw: bytes) -> Modes:
        """The modes after one of the three structures was set over these; its size says which it is."""
        if len(raw) == TERMIOS2_BYTES:
            iflag, oflag, cflag, lflag, line, cc, ispeed, ospeed = _TERMIOS2.unpack(raw)
            return Modes(iflag, oflag, cflag, lflag, cc, line, ispeed, ospeed)
        if len(raw) == TERMIOS_BYTES:
            iflag, oflag, cflag, lflag, line, cc = _TERMIOS.unpack(raw)
        else:
            low = _TERMIO.unpack(raw)
            whole = (self.iflag, self.oflag, self.cflag, self.lflag)
            iflag, oflag, cflag, lflag = (old & ~0xFFFF | new for old, new in zip(whole, low[:4], strict=True))
            line, cc = low[4], low[5] + self.cc[8:]
        ospeed = speed_of(cflag, self.ospeed)
        ispeed = speed_of((cflag & CIBAUD) >> 16, self.ispeed) if cflag & CIBAUD else ospeed
        return Modes(iflag, oflag, cflag, lflag, cc, line, ispeed, ospeed)


def speed_of(cflag: int, other: int) -> int:
    """The speed that CBAUD stands for, in baud; `other` for BOTHER (tty_termios_baud_rate)."""
    if cflag & CBAUD == BOTHER:
        return other
    return _FAST[cflag & 0xF] if cflag & BOTHER else _SPEEDS[cflag & 0xF]


CONTROL_CHARACTERS = bytes((3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0))
STANDARD = Modes(
    iflag=ICRNL | IXON,
    oflag=OPOST | ONLCR,
    cflag=B38400 | CS8 | CREAD,
    lflag=ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    cc=CONTROL_CHARACTERS,
)
"""What a pseudo-terminal begins with (tty_std_termios, drivers/tty/pty.c)."""
