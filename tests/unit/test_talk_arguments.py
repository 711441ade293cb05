"""Wrong arguments to everything that talks: each call returns, waits or fails with an errno, and leaves none open."""

from __future__ import annotations

import random
from typing import Any

import pytest
from kerneltask import new_task
from talk_rig import Blocked

from pcomponent.syscalls.table import TABLE

NAMES = [
    "pipe",
    "pipe2",
    "eventfd",
    "eventfd2",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "signalfd",
    "signalfd4",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "socket",
    "socketpair",
    "bind",
    "listen",
    "connect",
    "accept",
    "accept4",
    "getsockname",
    "getpeername",
    "shutdown",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "getsockopt",
    "setsockopt",
    "splice",
    "tee",
    "vmsplice",
    "read",
    "write",
    "dup",
    "close",
    "fcntl",
    "ioctl",
    "poll",
    "lseek",
    "fstat",
    "readv",
]
CALLS = {call.name: call for call in TABLE.values()}


def arguments(chance: random.Random, name: str, base: int) -> list[int]:
    """Some that make sense, most that do not."""
    wild = (0, 1, 2, 3, 5, 8, 12, 16, 24, 110, 0x40, 0x800, 0x7FFFFFFFFFFF, 1 << 63, (1 << 64) - 1, base, base + 512)
    values = [
        chance.choice([*wild, chance.randrange(16), chance.randrange(16), base + 8 * chance.randrange(64)])
        for _ in CALLS[name].kinds
    ]
    if name in ("sendmmsg", "recvmmsg"):
        values[2] = chance.randrange(4)
    elif name in ("pipe", "pipe2"):
        values[0] = base
    elif name in ("socket", "socketpair"):
        values[:3] = [chance.choice([1, 1, 2, 2, 16]), chance.choice([1, 2, 5, 0x801, 3]), 0]
        values[3:] = [base] * (len(values) - 3)
    elif name in ("sendto", "write", "read", "recvfrom"):
        values[2] = chance.choice([0, 1, 8, 100, 5000, 70000])
    return values


@pytest.mark.parametrize("seed", range(30))
def test_every_call_ends_in_a_result_an_errno_or_a_wait(seed: int) -> None:
    chance, task = random.Random(seed), new_task()
    base = task.memory.put(b"", room=65536)
    task.memory.write(base, bytes(chance.choice([0, 0, 0, 1, 2, chance.randrange(256)]) for _ in range(4096)))
    waiting: list[Any] = []
    for _ in range(60):
        name = chance.choice(NAMES)
        values = arguments(chance, name, base)
        if name != "close" or values[0] > 2:
            waiting.append(Blocked(task, name, *values))
            waiting[-1].look()
    task.process.files.close_all(task)
    assert not task.kernel.rendezvous.sockets
    assert not task.kernel.rendezvous.ports.held_bytes
    left = [
        each
        for table in ((task.process.vnode, 6), (task.process.vnode, 17))
        for each in task.kernel.rendezvous.ports.sockets(table)
    ]
    assert all(each.expires_ns for each in left)
    assert not task.kernel.rendezvous.fifos
