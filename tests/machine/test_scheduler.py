"""The scheduler asks parked threads only after what they said they wait for: nobody sleeps through anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import all_programs
from test_determinism import config, once

from lego.observe.clock import current
from pcomponent import scheduler

GROUPS = (
    "talk_",
    "process_wait",
    "signals_",
    "threads_signals",
    "threads_processes",
    "process_pidfd",
    "process_timers",
)
CASES = [(each.name, run) for each in all_programs() if each.name.startswith(GROUPS) for run in each.runs]


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=[" ".join((name, *run)) for name, run in CASES])
def test_nobody_sleeps_through_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, arguments: tuple[str, ...]
) -> None:
    ask = scheduler.Scheduler._ask
    missed: list[tuple[int, int]] = []

    def ask_all(self: scheduler.Scheduler) -> None:
        ask(self)
        queue = self._kernel.queue
        for task in list(queue._listening):
            if (
                task.wait is None
                or task in queue._asked
                or task.process.signals.stopped
                or task.process.status is not None
            ):
                continue
            assert task.wait.ready is not None
            before_ns, current.meter = task.meter.now_ns, task.meter
            if task.wait.ready(0):
                missed.append((task.tid, task.number))
            task.meter.now_ns = before_ns

    monkeypatch.setattr(scheduler.Scheduler, "_ask", ask_all)
    once(config(tmp_path, quantum_instructions=5000), name, *arguments)
    assert not missed


def test_who_is_handed_something_begins_soon(tmp_path: Path) -> None:
    """Not when the turn of the one who hands it on is over, which may be long while nobody else can run."""

    def computing_ns(cores: int) -> int:
        ended = once(config(tmp_path, cores=cores), "machine_handed_on")
        assert ended.exit_code == 0
        return int(ended.statistics["virtual_ns"])

    alone, together = computing_ns(1), computing_ns(2)
    assert alone - together > 500_000, "each computes for 0.6 ms, at the same time when there are two cores"
