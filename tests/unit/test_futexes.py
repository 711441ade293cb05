"""Queues of futexes: order, bitsets, requeueing, hand-over of locks, and that nothing is left."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lego.linux.errno import E, LinuxError
from lego.observe.clock import Meter
from pcomponent.attributes import ThreadAttributes
from pcomponent.futexes import ALL_BITS, OWNER_DIED, WAITERS, Futexes
from pcomponent.run_queue import RunQueue
from pcomponent.waiting import Wait, Wake

KEY, OTHER = (1, 0x1000), (1, 0x2000)


class Memory:
    """Words in a dictionary."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}

    def write_struct(self, shape: Any, address: int, value: int) -> None:
        self.words[address] = value


class Rig:
    """Parked threads without a machine."""

    def __init__(self) -> None:
        self.futexes = Futexes()
        self.kernel = SimpleNamespace(turns=0, stirred=False, queue=RunQueue())
        self.memory = Memory()

    def task(self, tid: int, now_ns: int = 0) -> Any:
        return SimpleNamespace(
            tid=tid,
            meter=Meter(now_ns),
            wait=Wait(),
            wake=None,
            turn=0,
            kernel=self.kernel,
            memory=self.memory,
            attributes=ThreadAttributes(),
            process=SimpleNamespace(seat=None),
        )


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_first_come_are_the_first_woken_and_time_goes_with_it(rig: Rig) -> None:
    tasks = [rig.task(tid, now_ns) for tid, now_ns in ((5, 10), (6, 900), (7, 20))]
    waiters = [rig.futexes.wait(KEY, task) for task in tasks]
    assert rig.futexes.wake(KEY, 2, ALL_BITS, 500) == 2
    assert [waiter.woken for waiter in waiters] == [True, True, False]
    assert [task.meter.now_ns for task in tasks] == [500, 900, 20]
    assert [task.wake for task in tasks] == [Wake.READY, Wake.READY, None]
    assert tasks[0].turn < tasks[1].turn and rig.kernel.stirred
    rig.futexes.leave(waiters[0])
    rig.futexes.leave(waiters[2])
    assert len(rig.futexes) == 0 and not rig.futexes.waiting(KEY)


def test_only_those_with_a_bit_in_common(rig: Rig) -> None:
    waiters = [rig.futexes.wait(KEY, rig.task(tid), 1 << tid) for tid in range(4)]
    assert rig.futexes.wake(KEY, 9, 0b1010, 0) == 2
    assert [waiter.woken for waiter in waiters] == [False, True, False, True]


def test_requeued_waiters_come_behind_those_that_are_there(rig: Rig) -> None:
    late = [rig.futexes.wait(KEY, rig.task(tid)) for tid in (1, 2, 3)]
    early = rig.futexes.wait(OTHER, rig.task(4))
    assert rig.futexes.requeue(KEY, OTHER, 2) == 2
    assert rig.futexes.waiting(OTHER) == [early, late[0], late[1]]
    assert rig.futexes.waiting(KEY) == [late[2]]
    assert rig.futexes.wake(OTHER, 2, ALL_BITS, 0) == 2 and late[0].woken
    rig.futexes.leave(late[1])
    rig.futexes.leave(late[2])
    assert len(rig.futexes) == 0


def test_a_lock_goes_from_hand_to_hand(rig: Rig) -> None:
    owner, first, second = (rig.task(tid) for tid in (1, 2, 3))
    rig.futexes.wait_for_owner(KEY, owner, first, 0x1000)
    rig.futexes.wait_for_owner(KEY, owner, second, 0x1000)
    assert rig.futexes.hand_over(KEY, 7) == 2 | WAITERS
    assert first.wait is None and second.wait is not None
    rig.futexes.owner_ended(owner, 8)
    assert second.wait is not None, "it does not hold the lock any more"
    rig.futexes.owner_ended(first, 9)
    assert rig.memory.words == {0x1000: 3 | WAITERS | OWNER_DIED} and second.meter.now_ns == 9
    assert rig.futexes.owner(KEY) is None and rig.futexes.hand_over(KEY, 10) == 0


def test_locks_are_not_woken_and_circles_of_them_are_seen(rig: Rig) -> None:
    first, second, third = (rig.task(tid) for tid in (1, 2, 3))
    rig.futexes.wait_for_owner(KEY, first, second, 0x1000)
    waiter = rig.futexes.wait_for_owner(OTHER, second, third, 0x2000)
    for change in (lambda: rig.futexes.wake(KEY, 1, ALL_BITS, 5), lambda: rig.futexes.requeue(KEY, OTHER, 1)):
        with pytest.raises(LinuxError) as caught:
            change()
        assert caught.value.errno == E.EINVAL
    assert second.wait is not None and rig.futexes.owner(KEY) is first
    assert rig.futexes.closes_circle(first, third) and rig.futexes.closes_circle(first, second)
    assert not rig.futexes.closes_circle(third, first)
    rig.futexes.leave(waiter)
    assert not rig.futexes.closes_circle(first, third)
