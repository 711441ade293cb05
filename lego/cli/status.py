"""What the front end says when something is wrong: one line, and an exit status that a script can tell apart."""

from __future__ import annotations

import contextlib
import sys

USAGE = 2
"""A mistake on the command line or in a machine file."""
FAILED = 125
"""The machine itself failed."""
NOT_EXECUTABLE = 126
NOT_FOUND = 127


def complain(text: str) -> None:
    """One line on stderr, if there is one; whatever is quoted in it, such as a name with a newline."""
    if sys.stderr is not None:
        line = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
        with contextlib.suppress(OSError):
            print(f"lego: {line}", file=sys.stderr, flush=True)
