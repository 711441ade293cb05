"""Counters: declared in one line, then counted, reported and documented from that line.

    class LinkCounters(Counters):
        messages: int = counter("requests sent")
        by_kind: dict[str, int] = keyed("requests sent, by message type")

    counters = LinkCounters()
    counters.messages += 1
    counters.count("by_kind", "Miss")
    counters.snapshot()     # {"messages": 1, "by_kind": {"Miss": 1}}

A set belongs to one component and is only counted there. Snapshots sort keyed counters by key, so that
two runs that counted the same report the same bytes.
"""

from __future__ import annotations

from typing import Any, ClassVar


class _Declaration:
    def __init__(self, doc: str, keyed: bool) -> None:
        self.doc = doc
        self.keyed = keyed


def counter(doc: str) -> Any:
    """Declares a number that only grows, or a gauge whose text says that it is one."""
    return _Declaration(doc, keyed=False)


def keyed(doc: str) -> Any:
    """Declares a number for each of a set of names that grows as they are met."""
    return _Declaration(doc, keyed=True)


class Counters:
    """The base of every counter set; see the module's text."""

    declared: ClassVar[dict[str, _Declaration]] = {}

    def __init_subclass__(cls) -> None:
        cls.declared = dict(cls.declared)
        for name, value in list(vars(cls).items()):
            if isinstance(value, _Declaration):
                cls.declared[name] = value
                delattr(cls, name)

    def __init__(self) -> None:
        for name, declaration in self.declared.items():
            setattr(self, name, {} if declaration.keyed else 0)

    def count(self, name: str, key: str, amount: int = 1) -> None:
        """Adds to one key of a keyed counter."""
        table: dict[str, int] = getattr(self, name)
        table[key] = table.get(key, 0) + amount

    def snapshot(self) -> dict[str, Any]:
        """All values now, as plain numbers and sorted dictionaries."""
        values: dict[str, Any] = {}
        for name, declaration in self.declared.items():
            value = getattr(self, name)
            values[name] = dict(sorted(value.items())) if declaration.keyed else value
        return values

    @classmethod
    def describe(cls) -> dict[str, str]:
        """Name to text of every counter, for the documentation."""
        return {name: declaration.doc for name, declaration in cls.declared.items()}
