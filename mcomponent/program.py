"""What the loader hands to the memory monitor: a program's image, before it is mapped."""

from __future__ import annotations

import msgspec

from lego.regions import Region


class Program(msgspec.Struct, frozen=True):
    """An image that is ready to be mapped into a space."""

    regions: list[Region]
    """All mappings. Those of files carry the file's `object` and an open `handle` of this component; a
    handle may serve several regions, and is given back when the last of them is gone."""
    contents: list[tuple[int, bytes]]
    """(address, bytes) to be stored into private pages once they are mapped, over what the file says or
    zeros: the stack, and the zeros between the end of .data and the end of its page."""
    entry: int
    stack_pointer: int
    brk: int
    """The start of the heap, page-aligned."""
    path: str
    """The absolute path of the file that was loaded, for /proc/PID/exe."""
    command: str
    """At most 15 bytes, for /proc/PID/comm."""
    arguments: list[bytes]
    """argv as the program sees it."""
    strings: int = 0
    """The address of the first of its strings; those of the environment follow."""
