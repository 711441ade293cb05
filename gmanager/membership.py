"""Who is a member of the machine: components that registered, and those that were lost.

    membership.register(member)      # EEXIST while a member of that name is alive
    membership.lose(name, why)       # from now on it is in nobody's choice
    membership.alive("M")            # Members of a kind, by number: M0, M2, M10

A component's kind is the first letter of its name. One that was lost may register again: it is a new
component with an old name.
"""

from __future__ import annotations

import re

from gmanager.messages import Member
from lego.linux.errno import E, LinuxError

KINDS = {"P": "processor", "M": "memory", "S": "storage"}

_NAME = re.compile(r"([PMS])(0|[1-9][0-9]*)")


def name_order(name: str) -> tuple[str, int]:
    """Sorts names by kind, then by number: "M2" before "M10"."""
    return name[:1], int(name[1:])


class Membership:
    """The members of one machine."""

    def __init__(self) -> None:
        self._alive: dict[str, Member] = {}
        self._lost: dict[str, str] = {}

    def register(self, member: Member) -> None:
        """Takes a component in. EEXIST when its name is taken, EINVAL when that is no name of a component or the
        capacity is negative."""
        if _NAME.fullmatch(member.name) is None:
            raise LinuxError(E.EINVAL, f"{member.name!r} is no component's name, such as P0, M0 or S0")
        if member.capacity < 0:
            raise LinuxError(E.EINVAL, f"{member.name} cannot have a capacity of {member.capacity}")
        if member.name in self._alive:
            raise LinuxError(E.EEXIST, f"{member.name} is a member already, at {self._alive[member.name].address!r}")
        self._lost.pop(member.name, None)
        self._alive[member.name] = member

    def lose(self, name: str, why: str) -> bool:
        """Takes a component out; the first reason counts. Returns whether it was alive; ENODEV when it never was."""
        if name in self._lost:
            return False
        if self._alive.pop(name, None) is None:
            raise LinuxError(E.ENODEV, f"{name!r} was never a member")
        self._lost[name] = why
        return True

    def is_alive(self, name: str) -> bool:
        """Whether it is a member now."""
        return name in self._alive

    def was_lost(self, name: str) -> bool:
        """Whether it was a member and is none any more."""
        return name in self._lost

    def alive(self, kind: str = "") -> list[Member]:
        """The members, all or of one kind ("P", "M", "S"), in order."""
        names = sorted((name for name in self._alive if name.startswith(kind)), key=name_order)
        return [self._alive[name] for name in names]

    def names(self, kind: str) -> list[str]:
        """The names of the members of a kind, in order; ENODEV when there is none."""
        names = [member.name for member in self.alive(kind)]
        if not names:
            raise LinuxError(E.ENODEV, f"the machine has no {KINDS[kind]} component")
        return names

    def lost(self) -> dict[str, str]:
        """Who was lost, in order, and why."""
        return {name: self._lost[name] for name in sorted(self._lost, key=name_order)}
