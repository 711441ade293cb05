"""How things are measured: one round after the other, each round once through everything, medians over the rounds.

Machines are shared and noisy, so a figure only means something beside another that was taken in the same round:
what is reported is the median of each figure and the median of the ratios within rounds, with their spread.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """One thing that is measured: seconds for each round."""

    name: str
    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> str:
        return f"{min(self.seconds):.3f} to {max(self.seconds):.3f}"


class Verdict(NamedTuple):
    """A figure against what it should be."""

    text: str
    value: float
    limit: float
    at_most: bool

    @property
    def holds(self) -> bool:
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def line(self) -> str:
        word = "at most" if self.at_most else "at least"
        return f"{'yes' if self.holds else 'NO ':3} {self.text}: {self.value:.2f} ({word} {self.limit:g})"


def rounds(count: int, things: dict[str, Callable[[], float]]) -> dict[str, Row]:
    """Measures everything `count` times, in turns; a first round that nobody counts warms the host up."""
    rows = {name: Row(name, []) for name in things}
    for turn in range(count + 1):
        for name, measure in things.items():
            seconds = measure()
            if turn:
                rows[name].seconds.append(seconds)
    return rows


def ratio(rows: dict[str, Row], over: str, under: str) -> float:
    """The median of the ratios within rounds."""
    return statistics.median(a / b for a, b in zip(rows[over].seconds, rows[under].seconds, strict=True))
