"""System V objects without a machine: identifiers, permissions, order of sleepers, adjustments, message types."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from lego.linux.errno import E, LinuxError
from lego.observe.clock import Meter
from pcomponent.credentials import Credentials
from pcomponent.ipc.queues import MSG_COPY, MSG_EXCEPT, Message, MessageQueue, MessageQueues, Receiver
from pcomponent.ipc.registry import IPC_CREAT, IPC_EXCL, IPC_NOWAIT, READ, WRITE, Permissions, Registry, check_access
from pcomponent.ipc.semaphores import SEM_UNDO, Operation, Semaphores, Sleeper, process_ended
from pcomponent.waiting import Wait


def new_task(pid: int = 10, uid: int = 0, kernel: Any = None) -> Any:
    if kernel is None:
        queue = SimpleNamespace(unpark=lambda task: None, push=lambda task: None)
        kernel = SimpleNamespace(turns=0, stirred=False, processes={}, realtime_ns=lambda task: 5 * 10**9, queue=queue)
    who = Credentials.of(uid, uid, uid, uid)
    process = SimpleNamespace(pid=pid, undo={}, credentials=who)
    kernel.processes[pid] = process
    return SimpleNamespace(
        process=process, kernel=kernel, credentials=who, meter=Meter(100), wait=Wait(), wake=None, turn=0
    )


def errno_of(action: Callable[[], Any]) -> int:
    with pytest.raises(LinuxError) as refused:
        action()
    return refused.value.errno


class Thing:
    def __init__(self, task: Any, key: int, mode: int) -> None:
        self.permissions = Permissions(task, key, mode)


def test_identifiers_are_not_soon_used_again() -> None:
    task, registry = new_task(), Registry[Thing](100)
    seen = []
    for _ in range(200):
        thing = registry.get(task, 0, 0o600, lambda: Thing(task, 0, 0o600))
        seen.append(thing.permissions.identifier)
        registry.remove(thing)
    assert len(set(seen)) == 200 and seen[:3] == [0, 1, 2] and seen[64] == 1 << 15
    assert errno_of(lambda: registry.find(seen[-1])) == E.EINVAL
    thing = registry.get(task, 0, 0o600, lambda: Thing(task, 0, 0o600))
    stale = thing.permissions.identifier - (1 << 15)
    assert errno_of(lambda: registry.find(stale)) == E.EIDRM
    assert registry.at(thing.permissions.index) is thing


def test_keys_and_the_limit() -> None:
    task, registry = new_task(), Registry[Thing](2)

    def get(key: int, flags: int) -> Thing:
        return registry.get(task, key, flags, lambda: Thing(task, key, flags))

    assert errno_of(lambda: get(7, 0o600)) == E.ENOENT
    thing = get(7, IPC_CREAT | 0o600)
    assert get(7, 0) is thing and get(7, IPC_CREAT) is thing
    assert errno_of(lambda: get(7, IPC_CREAT | IPC_EXCL)) == E.EEXIST
    get(0, 0o600)
    assert errno_of(lambda: get(0, 0o600)) == E.ENOSPC


def test_permissions_of_owner_group_and_others() -> None:
    owner, other = new_task(uid=5), new_task(uid=6)
    permissions = Permissions(owner, 1, 0o640)
    check_access(owner, permissions, READ | WRITE)
    assert errno_of(lambda: check_access(other, permissions, READ)) == E.EACCES
    other.process.credentials.groups = [5]
    check_access(other, permissions, READ)
    assert errno_of(lambda: check_access(other, permissions, WRITE)) == E.EACCES
    permissions.change(permissions.pack()[:4] + (6).to_bytes(4, "little") + permissions.pack()[8:])
    check_access(other, permissions, READ | WRITE)  # The owner now; and the creator still may too.
    check_access(owner, permissions, WRITE)
    assert errno_of(lambda: permissions.change(b"\xff" * 48)) == E.EINVAL


def test_those_who_wait_for_zero_come_first_and_the_others_in_order() -> None:
    first = new_task(1)
    kernel = first.kernel
    semaphores = Semaphores()
    found = semaphores.make(first, 0, 0o600, 2)
    found.values[1] = 1
    order: list[int] = []

    def sleep(pid: int, *operations: Operation) -> Sleeper:
        sleeper = Sleeper(new_task(pid, kernel=kernel), list(operations))
        blocked = found.attempt(sleeper.task, sleeper.operations)
        assert blocked is not None
        sleeper.blocking = blocked
        found.sleepers.append(sleeper)
        return sleeper

    two = sleep(2, Operation(0, -2, 0))
    one = sleep(3, Operation(0, -1, 0), Operation(1, 1, 0))
    zero = sleep(4, Operation(1, 0, 0))
    assert [found.waiting(0, False), found.waiting(1, True), found.waiting(1, False)] == [2, 1, 0]
    assert found.attempt(first, [Operation(0, 1, 0), Operation(1, -1, 0)]) is None
    found.update(first)
    order = [each.task.turn for each in (zero, one)]
    assert [zero.done, one.done, two.done] == [True, True, False] and order[0] < order[1]
    assert list(found.values) == [0, 1] and found.pids == {0: 3, 1: 3}
    semaphores.registry.get(first, 0, 0, lambda: found)
    semaphores.remove(first, found)
    assert two.done and two.errno == E.EIDRM and not found.sleepers


def test_all_operations_or_none_and_adjustments() -> None:
    task = new_task()
    found = Semaphores().make(task, 0, 0o600, 2)
    operations = [Operation(0, 5, SEM_UNDO), Operation(1, -1, IPC_NOWAIT)]
    assert errno_of(lambda: found.attempt(task, operations)) == E.EAGAIN
    assert list(found.values) == [0, 0] and not task.process.undo
    assert found.attempt(task, [Operation(0, 5, SEM_UNDO), Operation(0, -2, SEM_UNDO)]) is None
    assert task.process.undo[found] == {0: -3}
    assert errno_of(lambda: found.attempt(task, [Operation(0, 32767, 0)])) == E.ERANGE
    found.values[0] = 1
    process_ended(task, task.process)
    assert list(found.values) == [0, 0] and task.process.undo == {}  # Never below zero.


def test_messages_by_type_and_receivers_in_order() -> None:
    task = new_task(1)
    queues = MessageQueues()
    queue = queues.registry.get(task, 0, 0o600, lambda: MessageQueue(task, 0, 0o600))
    for kind in (3, 1, 2, 1):
        queue.send(task, Message(kind, b"%d" % kind))
    found = [
        queue.find(kind, flags) for kind, flags in ((0, 0), (2, 0), (-2, 0), (3, MSG_EXCEPT), (9, 0), (2, MSG_COPY))
    ]
    assert [message and message.kind for message in found] == [3, 2, 1, 1, None, 2]
    while queue.messages:
        queue.take(task, queue.messages[0])
    assert queue.bytes == 0
    waiting = [Receiver(new_task(pid, kernel=task.kernel), kind, 4, 0) for pid, kind in ((2, 7), (3, 0), (4, 0))]
    queue.receivers = list(waiting)
    queue.send(task, Message(1, b"long one"))
    assert [each.errno for each in waiting] == [0, E.E2BIG, E.E2BIG] and len(queue.messages) == 1
    queue.send(task, Message(7, b"x"))
    assert waiting[0].message == Message(7, b"x") and queue.last_receiver == 2 and not queue.receivers
    queues.remove(task, queue)
    assert len(queues.registry) == 0 and queue.removed
