"""What memory components ask of each other: home to owner, owner to home, home to cache.

These requests are part of the door (`mcomponent.messages`), but no other kind of component sends them.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Request
from lego.regions import ObjectId, Region


class OwnerAssign(Request, frozen=True):
    """The owner's part of a mapping: regions, cut to its vRegions, that now exist there; `removed` first."""

    Reply: ClassVar = Done
    space: int
    removed: list[tuple[int, int]]
    added: list[Region]


class OwnerForget(Request, frozen=True):
    """The owner's part of madvise(MADV_DONTNEED): private pages of the ranges are forgotten."""

    Reply: ClassVar = Done
    space: int
    ranges: list[tuple[int, int]]


class TakeReply(msgspec.Struct, array_like=True, frozen=True):
    """Pages that have contents, which are the payload."""

    addresses: list[int]


class OwnerTake(Request, frozen=True):
    """Reads pages of a range for a move to another owner. They stay until the range is removed, so that a move that
    finds no room has lost nothing."""

    Reply: ClassVar = TakeReply
    space: int
    start: int
    end: int


class OwnerMove(Request, frozen=True):
    """The owner's part of mremap within it: pages of [start, start + length) go to `to`."""

    Reply: ClassVar = Done
    space: int
    start: int
    to: int
    length: int


class OwnerFork(Request, frozen=True):
    """The owner's part of fork."""

    Reply: ClassVar = Done
    space: int
    child: int


class OwnerExit(Request, frozen=True):
    """The owner's part of the end of a space."""

    Reply: ClassVar = Done
    space: int


class GrowReply(msgspec.Struct, array_like=True, frozen=True):
    """The stack's region as it is now; None when the address is in reach of no stack."""

    region: Region | None


class Grow(Request, frozen=True):
    """An owner met a miss outside every region: its home says whether a stack grows, and assigns the new part."""

    Reply: ClassVar = GrowReply
    space: int
    address: int


class ObjectSync(Request, frozen=True):
    """Asked of an object's cache when a writable mapping of it ends: writes its dirty pages to storage, through
    `handle`. Errors of writing are kept for the next `FileSync`."""

    Reply: ClassVar = Done
    object: ObjectId
    handle: int


class ResidentReply(msgspec.Struct, array_like=True, frozen=True):
    """Frames in use."""

    pages: list[int]


class OwnerResident(Request, frozen=True):
    """How many frames a space uses at this owner in each of the ranges."""

    Reply: ClassVar = ResidentReply
    space: int
    ranges: list[tuple[int, int]]
