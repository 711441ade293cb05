"""mcomponent.script: the #! line, with the corner cases of fs/binfmt_script.c."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from lego.linux.errno import E, LinuxError
from mcomponent.script import Shebang, parse


@pytest.mark.parametrize(
    ("start", "interpreter", "argument"),
    [
        (b"#!/bin/sh\n", b"/bin/sh", None),
        (b"#! \t/bin/sh \t \necho", b"/bin/sh", None),
        (b"#!/bin/sh -e  x\ty \n", b"/bin/sh", b"-e  x\ty"),
        (b"#!/usr/bin/env\tpython3\n", b"/usr/bin/env", b"python3"),
        (b"#!sh\n", b"sh", None),
        (b"#!/bin/sh\r\n", b"/bin/sh\r", None),
        (b"#!/bin/sh", b"/bin/sh", None),
        (b"#!/bin/sh -x", b"/bin/sh", b"-x"),
        (b"#!/bin/sh ", b"/bin/sh", b""),  # A blank and the end of the file: an empty argument, on Linux too.
        (b"#!/bin/sh -x\0y z", b"/bin/sh", b"-x"),
        (b"#!/bin/sh\0-x\n", b"/bin/sh", None),  # Nothing after a NUL is looked at.
        (b"#!\0\n", b"", None),
        (b"#!/a " + b"x" * 300, b"/a", b"x" * 250),  # An argument may be cut off ...
        (b"#!/" + b"a" * 251 + b" ", b"/" + b"a" * 251, None),
        (b"#!/" + b"a" * 252 + b"\n", b"/" + b"a" * 252, None),
    ],
)
def test_lines_that_work(start: bytes, interpreter: bytes, argument: bytes | None) -> None:
    assert parse(start) == Shebang(interpreter, argument)


@pytest.mark.parametrize(
    "start",
    [
        b"#!\n",
        b"#! \t \n/bin/sh",
        b"#!" + b" " * 300,
        b"#!" + b" " * 253 + b"/bin/sh\n",
        b"#!/" + b"a" * 253 + b"\n",  # ... but not a path.
        b"#!/" + b"a" * 500,
    ],
)
def test_lines_that_name_no_whole_interpreter(start: bytes) -> None:
    with pytest.raises(LinuxError) as error:
        parse(start)
    assert error.value.errno == E.ENOEXEC


@pytest.mark.parametrize("start", [b"", b"#", b" #!/bin/sh\n", b"\x7fELF", b"!#/bin/sh\n"])
def test_what_is_no_script(start: bytes) -> None:
    assert parse(start) is None


def as_linux_does(start: bytes) -> tuple[bytes, bytes | None] | None:
    """load_script's own steps, index by index; None is ENOEXEC."""
    buffer = bytearray(start[:256].ljust(256, b"\0"))

    def next_non_blank(first: int, last: int) -> int | None:
        return next((i for i in range(first, last + 1) if buffer[i] not in b" \t"), None)

    def next_terminator(first: int, last: int) -> int | None:
        return next((i for i in range(first, last + 1) if buffer[i] in b" \t\0"), None)

    end = next((i for i in range(256) if buffer[i] in b"\n\0"), 255)
    if buffer[end] != 10:
        first = next_non_blank(2, 255)
        if first is None or next_terminator(first, 255) is None:
            return None
        end = 255
    while buffer[end - 1] in b" \t":
        end -= 1
    name = next_non_blank(2, end)
    if name is None or name == end:
        return None
    separator = next_terminator(name, end)
    argument = None
    if separator is not None and buffer[separator] != 0:
        argument = next_non_blank(separator, end)
    buffer[end] = 0
    if argument is not None and separator is not None:
        buffer[separator] = 0
    buffer.append(0)

    def string(at: int) -> bytes:
        return bytes(buffer[at : buffer.index(0, at)])

    return string(name), None if argument is None else string(argument)


@given(st.lists(st.sampled_from([b" ", b"\t", b"\0", b"\n", b"/", b"a", b"a" * 60, b" " * 60]), max_size=12))
def test_any_line_reads_as_on_linux(pieces: list[bytes]) -> None:
    start = b"#!" + b"".join(pieces)
    expected = as_linux_does(start)
    if expected is None:
        with pytest.raises(LinuxError):
            parse(start)
    else:
        assert parse(start) == expected
