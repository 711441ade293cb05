"""The end of a process takes virtual time, and nobody notices anything of it sooner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_determinism import config, counted, once

from lego.config import Topology

END_NS, THREAD_NS = 3_000_000, 400_000
SLACK_NS = 250_000
"""For what is not the end: misses, messages, system calls, and how far clocks are apart within a turn."""
HOW = ("exit", "killed", "fault", "thread")
WHAT = ("wait", "pipe", "lock", "signal", "pidfd", "look")
SHAPES = {"one": Topology(1, 1, 1), "spread": Topology(3, 1, 1)}


def measured(tmp_path: Path, *arguments: str, **options: Any) -> tuple[int, int]:
    ended = once(
        config(tmp_path, exit_ns=END_NS, thread_exit_ns=THREAD_NS, placement="spread", **options),
        "machine_ending",
        *arguments,
    )
    assert ended.exit_code == 0
    first, second = map(int, ended.stdout.split())
    return first, second


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("how", "what"), [(how, "wait") for how in HOW] + [("killed", what) for what in WHAT])
def test_nobody_notices_an_end_before_it_is_over(tmp_path: Path, shape: str, how: str, what: str) -> None:
    early, took_ns = measured(tmp_path, how, what, topology=SHAPES[shape])
    assert not early
    assert END_NS <= took_ns <= END_NS + SLACK_NS


@pytest.mark.parametrize("shape", SHAPES)
def test_a_parent_in_vfork_goes_on_when_the_end_begins(tmp_path: Path, shape: str) -> None:
    """Its child has no memory to give back."""
    released_ns, took_ns = measured(tmp_path, "vfork", "wait", topology=SHAPES[shape])
    assert released_ns <= SLACK_NS and THREAD_NS <= took_ns <= THREAD_NS + SLACK_NS


@pytest.mark.parametrize("shape", SHAPES)
def test_a_thread_is_joined_when_its_end_is_over(tmp_path: Path, shape: str) -> None:
    _, took_ns = measured(tmp_path, "join", "it", topology=SHAPES[shape])
    assert THREAD_NS <= took_ns <= THREAD_NS + SLACK_NS


@pytest.mark.parametrize("shape", SHAPES)
def test_execve_waits_for_the_ends_of_threads(tmp_path: Path, shape: str) -> None:
    alone, crowd = (
        once(
            config(tmp_path, exit_ns=0, thread_exit_ns=ns, placement="spread", topology=SHAPES[shape]),
            "machine_ending", "exec", "wait",
        )
        for ns in (0, THREAD_NS)
    )  # fmt: skip
    took_ns = [int(each.stdout.split()[1]) for each in (alone, crowd)]
    assert THREAD_NS <= took_ns[1] - took_ns[0] <= THREAD_NS + SLACK_NS


def test_a_run_takes_the_time_of_its_end_too(tmp_path: Path) -> None:
    now, later = (once(config(tmp_path, exit_ns=ns), "info_exit", "3") for ns in (0, END_NS))
    assert later.exit_code == 3
    assert later.statistics["virtual_ns"] == now.statistics["virtual_ns"] + END_NS


def test_what_a_run_leaves_running_ends_with_it(tmp_path: Path) -> None:
    """Also what is at its own end just then."""
    results = [once(config(tmp_path, exit_ns=END_NS), "machine_left_behind") for _ in range(2)]
    assert counted(results[0]) == counted(results[1])
