"""The door of a caretaker: the process that `lego up` leaves behind to watch over a machine."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from lego.fabric.wire import Done, Door, Request


class HealthReply(msgspec.Struct, array_like=True, frozen=True):
    """Whether the machine works: `component` is the first that was lost, empty when none was."""

    component: str = ""
    why: str = ""


class Health(Request, frozen=True):
    """How the machine is; waits up to `wait_ms` for bad news."""

    Reply: ClassVar = HealthReply
    wait_ms: int = 0


class Stop(Request, frozen=True):
    """Ends the machine: the answer comes when that has begun."""

    Reply: ClassVar = Done


DOOR = Door("caretaker", [Health, Stop])
