"""Shared objects on this processor: what processes here map with MAP_SHARED, and the keys of its lines.

An object gets a small number the first time that it is mapped here; its lines carry that number, so each page
has one line whoever maps it. Numbers are not reused.
"""

from __future__ import annotations

from lego.regions import ObjectId
from pcomponent.excache import layout as at


class SharedObject:
    """One object; `handle` is one of the memory component's for it, for misses and write-backs."""

    def __init__(self, thing: ObjectId, number: int) -> None:
        self.thing = thing
        self.base_key = at.OBJECT_BIT | number << at.KEY_SPACE_SHIFT
        self.handle = 0
        self.handle_writable = False


class SharedObjects:
    """All objects that were mapped here."""

    def __init__(self) -> None:
        self._by_id: dict[ObjectId, SharedObject] = {}
        self._by_number: list[SharedObject] = []

    def of(self, thing: ObjectId) -> SharedObject:
        """The object, known from now on."""
        shared = self._by_id.get(thing)
        if shared is None:
            shared = self._by_id[thing] = SharedObject(thing, len(self._by_number))
            self._by_number.append(shared)
        return shared

    def map(self, thing: ObjectId, handle: int, writable: bool) -> None:
        """A region maps the object; dirty lines need the handle of a writable one."""
        shared = self.of(thing)
        if writable or not shared.handle_writable:
            shared.handle, shared.handle_writable = handle, writable

    def known(self, thing: ObjectId) -> SharedObject | None:
        """The object, if anything here ever mapped it."""
        return self._by_id.get(thing)

    def by_key(self, key: int) -> SharedObject:
        """The object that a line's key belongs to."""
        return self._by_number[(key & ~at.OBJECT_BIT) >> at.KEY_SPACE_SHIFT]
