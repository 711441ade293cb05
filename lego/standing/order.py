"""What `lego up` and the caretaker that it starts tell each other."""

from __future__ import annotations

import msgspec

from lego.config import MachineConfig


class Order(msgspec.Struct, frozen=True):
    """What `lego up` tells its caretaker."""

    name: str
    config: MachineConfig
    follows: bool
    ray: str = ""
    """The address of a Ray to join; empty to start one."""


class Answer(msgspec.Struct, frozen=True):
    """What the caretaker tells `lego up`: the machine is up, or why not."""

    failure: str = ""
    component: str = ""
    usage: bool = False
    """Whether the failure is a mistake of the caller's."""
