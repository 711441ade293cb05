"""What Lego does not have: every call of Linux is in the table, or in the list with a reason."""

from __future__ import annotations

from lego.linux.numbers import NAMES, NUMBERS
from pcomponent.syscalls import load_all
from pcomponent.syscalls.absent import ABSENT, absent
from pcomponent.syscalls.table import TABLE

load_all()


def test_every_call_of_linux_is_accounted_for() -> None:
    assert set(NAMES) == set(TABLE) | set(absent())
    assert not [name for name, why in absent().values() if not why]
    assert not [name for name in ABSENT if name not in NUMBERS]
    names = {call.name for call in TABLE.values()}
    assert not [name for name in ABSENT if name in names], "there is a handler now: the reason is not needed any more"


def test_levels_say_what_is_missing() -> None:
    for call in TABLE.values():
        assert call.support in ("full", "partial")
        assert (call.support == "partial") == bool(call.note), call.name
        assert call.name == NAMES[call.number]
