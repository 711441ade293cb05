"""The first line of a script: `#!interpreter [argument]`.

Linux reads 256 bytes. The interpreter's path must end within them; the rest of the line is one argument, blanks
within it included, and may be cut off. Blanks are spaces and tabs; a NUL ends either.

Source: fs/binfmt_script.c; execve(2), "Interpreter scripts".
"""

from __future__ import annotations

from typing import NamedTuple

from lego.linux.errno import E, LinuxError

BUFFER_BYTES = 256  # BINPRM_BUF_SIZE.
LEVELS_MAX = 5
"""How often a script's interpreter may itself be a script; one more is ELOOP (fs/exec.c, exec_binprm)."""

_BLANKS = b" \t"


class Shebang(NamedTuple):
    """What the first line asks for."""

    interpreter: bytes
    argument: bytes | None


def parse(start: bytes) -> Shebang | None:
    """Reads the line from the first bytes of a file; None when the file does not start with "#!".

    Raises `LinuxError(ENOEXEC)` when no interpreter is named, or its name might be cut off.
    """
    if not start.startswith(b"#!"):
        return None
    buffer = start[:BUFFER_BYTES].ljust(BUFFER_BYTES, b"\0")
    end = buffer.find(b"\n")
    if end < 0:
        end = BUFFER_BYTES - 1
        name = buffer[2:].lstrip(_BLANKS)
        if not name:
            raise LinuxError(E.ENOEXEC, "a script whose #! line is blank for 256 bytes")
        if not any(byte in b" \t\0" for byte in name):
            raise LinuxError(E.ENOEXEC, "a script whose interpreter's path is longer than 253 bytes")
    line = buffer[2:end].rstrip(_BLANKS)
    first = line.lstrip(_BLANKS)
    if not first:
        raise LinuxError(E.ENOEXEC, "a script whose #! line names no interpreter")
    return _split(first)


def _split(text: bytes) -> Shebang:
    """Cuts a line without outer blanks into a path and the rest."""
    for index, byte in enumerate(text):
        if byte == 0:
            return Shebang(text[:index], None)
        if byte in _BLANKS:
            argument = text[index:].lstrip(_BLANKS).partition(b"\0")[0]
            return Shebang(text[:index], argument)
    return Shebang(text, None)
