"""Who is next, who is asked, and what is due."""

from __future__ import annotations

import heapq
import random
from typing import Any

from kerneltask import FakeKernel, new_process, new_task

from pcomponent.changes import Change
from pcomponent.process import Thread
from pcomponent.run_queue import RunQueue
from pcomponent.waiting import Wait, Wake
from pcomponent.waking import queue_up, wake


def threads(count: int) -> list[Any]:
    task = new_task()
    for number in range(count - 1):
        task.process.threads[100 + number] = Thread(task.process, 100 + number)
    return list(task.process.threads.values())


def start_ns(task: Any) -> int:
    return task.meter.now_ns


def park(task: Any, wait: Wait) -> None:
    task.wait = wait
    task.kernel.queue.park(task)


def test_the_order_is_that_of_looking_at_all() -> None:
    """Against the plain rule, with threads that run, sleep, wake and move between cores."""
    tasks = threads(20)
    queue, random_ = tasks[0].kernel.queue, random.Random(7)
    for task in tasks:
        queue_up(task)
    for _ in range(600):
        runnable = [task for task in tasks if task.wait is None]
        expected = min(runnable, key=lambda task: (task.meter.now_ns, task.turn), default=None)
        found = queue.first(start_ns)
        assert found is expected
        others = [task for task in runnable if task is not found]
        assert queue.first(start_ns, but=found) is min(
            others, key=lambda task: (task.meter.now_ns, task.turn), default=None
        )
        if found is not None:
            found.meter.now_ns += random_.randrange(50)
            if random_.random() < 0.4:
                park(found, Wait(until_ns=random_.choice([None, found.meter.now_ns + 40])))
            else:
                found.kernel.turns += 1
                found.turn = found.kernel.turns
                queue.push(found)
        asleep = [task for task in tasks if task.wait is not None]
        if asleep and random_.random() < 0.5:
            wake(random_.choice(asleep), 10)
        due = [(task.wait.until_ns, task.turn, task) for task in tasks if task.wait and task.wait.until_ns]
        assert queue.next_deadline() == (None if not due else (min(due)[0], min(due)[2]))
        if random_.random() < 0.2:
            moved = random_.choice(tasks)
            moved.attributes.affinity = random_.choice([0, 1, 2])
            queue.rebound(moved)


def test_only_those_are_asked_whom_it_concerns() -> None:
    first, second, third = threads(3)
    queue: RunQueue = first.kernel.queue
    one, other = Change(), Change()
    park(third, Wait(ready=lambda _: False, changes=lambda: [one]))
    park(first, Wait(ready=lambda _: False, changes=lambda: [one, other]))
    park(second, Wait(ready=lambda _: False))
    assert queue.to_ask(False) == [first, second, third]  # Once, whatever happened before they were parked.
    assert queue.to_ask(False) == [second]  # It did not say what it waits for.
    other.happened(third)
    assert queue.to_ask(False) == [first, second]
    one.stir()
    wake(second, 0)
    assert queue.to_ask(False) == [first, third]
    wake(first, 0, Wake.SIGNAL)
    wake(third, 0)
    one.stir()
    assert queue.to_ask(False) == [] and not len(queue) and not one.listeners


def test_what_a_thread_waits_for_can_change() -> None:
    (task,) = threads(1)
    queue: RunQueue = task.kernel.queue
    sets = [[Change()], [Change()]]
    current = 0
    park(task, Wait(ready=lambda _: False, changes=lambda: sets[current]))
    assert queue.to_ask(False) == [task]
    current = 1
    queue.not_ready(task)
    sets[0][0].stir()
    assert queue.to_ask(False) == []
    sets[1][0].stir()
    assert queue.to_ask(False) == [task]


def test_the_outside_is_asked_when_it_is_its_turn() -> None:
    (task,) = threads(1)
    queue: RunQueue = task.kernel.queue
    park(task, Wait(ready=lambda _: False, outside=True))
    assert queue.to_ask(False) == [] and queue.to_ask(True) == [task] == queue.outside()


def test_a_stopped_process_is_left_out_until_it_goes_on() -> None:
    kernel: Any = FakeKernel()
    task, other = new_process(kernel, 10), new_process(kernel, 11)
    queue: RunQueue = kernel.queue
    queue_up(task)
    queue_up(other)
    task.process.due_ns = 5
    queue.timer(task.process)
    task.process.signals.stopped = True
    assert queue.first(start_ns) is other and queue.next_deadline() is None
    task.process.attention = True
    assert list(queue.attentive()) == []
    task.process.signals.stopped = False
    assert list(queue.attentive()) == [task.process]
    assert queue.first(start_ns) is task and queue.next_deadline() == (5, task)


def test_old_entries_do_not_pile_up() -> None:
    (task,) = threads(1)
    queue: RunQueue = task.kernel.queue
    for _ in range(1000):
        park(task, Wait(until_ns=10**15))
        wake(task, 0)
        task.process.due_ns += 1
        queue.timer(task.process)
    assert len(queue._deadlines) < 200 and len(queue._timers) < 200
    assert queue.next_deadline() == (task.process.due_ns, task)
    assert heapq.nsmallest(1, queue._timers)
