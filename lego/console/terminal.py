"""The terminal controls that a console knows: number, direction and size of each.

Numbers: include/uapi/asm-generic/ioctls.h. Sizes: struct termios 36, termio 18, termios2 44, winsize 8 bytes
(include/uapi/asm-generic/termbits.h and termios.h).
"""

from __future__ import annotations

from typing import NamedTuple


class ControlKind(NamedTuple):
    """What a control carries."""

    size: int
    """Bytes of the structure."""
    reads: bool = False
    """The structure comes back; otherwise it goes in."""
    number: bool = False
    """Linux takes the argument itself, not a pointer to it: it travels as 4 bytes, little-endian."""


TERMIOS_BYTES, TERMIO_BYTES, TERMIOS2_BYTES, WINSIZE_BYTES, INT_BYTES = 36, 18, 44, 8, 4

TCGETS, TCSETS, TCSETSW, TCSETSF = 0x5401, 0x5402, 0x5403, 0x5404
TCGETA, TCSETA, TCSETAW, TCSETAF = 0x5405, 0x5406, 0x5407, 0x5408
TCSBRK, TCXONC, TCFLSH, TCSBRKP = 0x5409, 0x540A, 0x540B, 0x5425
TIOCGPGRP, TIOCSPGRP, TIOCGSID = 0x540F, 0x5410, 0x5429
TIOCOUTQ, TIOCGWINSZ, TIOCSWINSZ = 0x5411, 0x5413, 0x5414
FIONREAD, TIOCGETD = 0x541B, 0x5424
TCGETS2, TCSETS2, TCSETSW2, TCSETSF2 = 0x802C542A, 0x402C542B, 0x402C542C, 0x402C542D

CONTROLS: dict[int, ControlKind] = {
    TCGETS: ControlKind(TERMIOS_BYTES, reads=True),
    TCGETA: ControlKind(TERMIO_BYTES, reads=True),
    TCGETS2: ControlKind(TERMIOS2_BYTES, reads=True),
    TIOCGWINSZ: ControlKind(WINSIZE_BYTES, reads=True),
    TIOCSWINSZ: ControlKind(WINSIZE_BYTES),
    TIOCSPGRP: ControlKind(INT_BYTES),
    **{number: ControlKind(INT_BYTES, reads=True) for number in (TIOCGPGRP, TIOCGSID, TIOCOUTQ, FIONREAD, TIOCGETD)},
    **{number: ControlKind(TERMIOS_BYTES) for number in (TCSETS, TCSETSW, TCSETSF)},
    **{number: ControlKind(TERMIO_BYTES) for number in (TCSETA, TCSETAW, TCSETAF)},
    **{number: ControlKind(TERMIOS2_BYTES) for number in (TCSETS2, TCSETSW2, TCSETSF2)},
    **{number: ControlKind(INT_BYTES, number=True) for number in (TCSBRK, TCXONC, TCFLSH, TCSBRKP)},
}
