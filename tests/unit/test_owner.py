"""What a change tells the owners of files, without a program."""

from __future__ import annotations

from typing import Any

from lego.linux.signal import POLL_IN
from pcomponent.changes import Change
from pcomponent.files.base import OpenFile
from pcomponent.files.owner import Owner, get_owner


class Told(Owner):
    def __init__(self, file: OpenFile) -> None:
        kernel: Any = None
        super().__init__(kernel, file)
        self.heard: list[tuple[int, int]] = []

    def tell(self, band: int, now_ns: int) -> None:
        self.heard.append((band, now_ns))


def test_an_owner_hears_of_what_it_watches_and_of_nothing_else() -> None:
    first, second = Change(), Change()
    owner, other = Told(OpenFile(0)), Told(OpenFile(0))
    owner.watch([first])
    other.watch([first, second])
    first.happened_at(5)
    second.happened_at(7)
    owner.watch([])
    first.happened_at(9)
    assert owner.heard == [(POLL_IN, 5)]
    assert other.heard == [(POLL_IN, 5), (POLL_IN, 7), (POLL_IN, 9)]
    other.watch([])
    assert first.told == second.told == ()


def test_a_file_that_nobody_asked_about_has_no_owner() -> None:
    assert get_owner(OpenFile(0)) == 0
