"""Threads on whole machines: seeds and their orders, what cores are worth, and that nothing is kept afterwards."""

from __future__ import annotations

from pathlib import Path

import psutil
from command import program
from harness import ENVIRONMENT
from test_determinism import config, once

from lego.machine import Machine


def test_seeds_change_the_order_and_repeat_it(tmp_path: Path) -> None:
    orders = [
        once(config(tmp_path, seed=seed, quantum_instructions=2000), "machine_threads", "contend", "6").stdout
        for seed in (0, 1, 2, 3, 0, 1, 2, 3)
    ]
    assert orders[:4] == orders[4:]
    assert len(set(orders)) > 1
    assert all(len(order.strip()) == 300 for order in orders)


def test_a_machine_has_no_more_threads_than_it_may(tmp_path: Path) -> None:
    result = once(config(tmp_path, threads_max=10), "machine_threads", "crowd", "30")
    assert result.stdout == b"made = 9\nEAGAIN\n"


def test_a_spinning_thread_starves_nobody_on_one_core(tmp_path: Path) -> None:
    result = once(config(tmp_path, cores=1), "threads_sync")
    assert result.exit_code == 0


def test_cores_share_the_work(tmp_path: Path) -> None:
    def time_ns(cores: int, threads: int) -> int:
        result = once(config(tmp_path, cores=cores), "machine_threads", "compute", str(threads))
        return int(result.statistics["virtual_ns"])

    alone = time_ns(4, 1)
    assert time_ns(1, 4) > 0.9 * alone
    assert 0.2 * alone < time_ns(4, 4) < 0.4 * alone
    assert 0.45 * alone < time_ns(2, 8) < 0.65 * alone


def test_threads_one_after_another_leave_nothing(tmp_path: Path) -> None:
    with Machine(config(tmp_path), runtime="inproc") as machine:
        sizes = []
        for _ in range(3):
            result = machine.run([str(program("machine_threads")), "many", "1500"], environment=ENVIRONMENT)
            assert result.stdout == b"failed = 0\n"
            sizes.append(psutil.Process().memory_info().rss)
        assert sizes[2] - sizes[1] < 4 << 20
