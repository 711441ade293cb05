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
