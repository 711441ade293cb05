"""Random but well-formed calls on AF_INET sockets by two processes: nothing breaks, and all is given back."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from kerneltask import call
from talk_rig import Blocked, two_tasks

from pcomponent.files.inet.addresses import LOOPBACK, Address
from pcomponent.waiting import Wake

AF_INET, STREAM, DATAGRAM, NONBLOCK = 2, 1, 2, 0x800
IPS = (0, 0, LOOPBACK, LOOPBACK, LOOPBACK, LOOPBACK + 4, 0x0A000001, 0x08080808, 0xFFFFFFFF)
FLAGS = (0, 0, 0x40, 0x2, 0x42, 0x100, 0x20, 0x4000, 0x8000, 0x2040, 0x1)
OPTIONS = (
    (1, 2, 4),
    (1, 15, 4),
    (1, 13, 8),
    (1, 7, 4),
    (1, 8, 4),
    (0, 11, 4),
    (0, 8, 4),
    (17, 1, 4),
    (6, 1, 4),
    (1, 4, 4),
)


def address(chance: random.Random) -> bytes:
    if chance.random() < 0.05:
        return bytes(16)
    return Address(chance.choice(IPS), chance.choice((0, 2000, 2000, 2001, 32768))).pack()


def arguments(chance: random.Random, task: Any, name: str) -> list[Any]:
    descriptors = [fd for fd, _ in task.process.files.descriptors() if fd > 2]
    fd, place = chance.choice([*descriptors, 99]), address(chance)
    if name == "socket":
        return [AF_INET, chance.choice((STREAM, STREAM, DATAGRAM)) | chance.choice((0, NONBLOCK)), 0]
    if name in ("bind", "connect"):
        return [fd, place, 16]
    if name == "setsockopt":
        level, number, length = chance.choice(OPTIONS)
        return [fd, level, number, struct.pack("<ii", chance.choice((0, 1, 5000)), 0), length]
    if name == "sendto":
        to = chance.random() < 0.5
        return [fd, bytes(9000), chance.choice((0, 1, 9000)), chance.choice(FLAGS), place if to else 0, 16 if to else 0]
    if name == "recvfrom":
        return [fd, bytes(9000), chance.choice((0, 1, 9000)), chance.choice(FLAGS), 0, 0]
    if name == "accept":
        return [fd, 0, 0]
    return [fd, chance.randrange(3)]


NAMES = (
    "socket", "bind", "bind", "listen", "listen", "connect", "connect", "connect", "accept", "accept", "sendto",
    "sendto", "recvfrom", "recvfrom", "setsockopt", "shutdown", "close",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_nothing_breaks_and_all_is_given_back(seed: int) -> None:
    chance, tasks = random.Random(seed), two_tasks()
    waiting: list[Blocked] = []
    server = call(tasks[0], "socket", AF_INET, STREAM | NONBLOCK, 0)
    call(tasks[0], "bind", server, Address(0, 2000).pack(), 16)
    call(tasks[0], "listen", server, 1)
    for _ in range(200):
        task, name = chance.choice(tasks), chance.choice(NAMES)
        if name == "socket" and chance.random() < 0.5:
            caller = call(task, "socket", AF_INET, STREAM, 0)
            waiting.append(Blocked(task, "connect", caller, Address(LOOPBACK, 2000).pack(), 16))
            waiting.append(Blocked(tasks[0], "accept4", server, 0, 0, chance.choice((0, NONBLOCK))))
        made = Blocked(task, name, *arguments(chance, task, name)[: 1 if name == "close" else None])
        if made.blocked:
            waiting.append(made)
        for each in list(waiting):
            if not each.blocked:
                waiting.remove(each)
            elif chance.random() < 0.2:
                each.go_on(chance.choice((Wake.SIGNAL, Wake.TIMEOUT)))
        for each in tasks:
            for file in each.process.files.files():
                file.poll(each, 0xFFFF)
                file.serial(0xFFFF)
    for task in tasks:
        task.process.files.close_all(task)
    ports = tasks[0].kernel.rendezvous.ports
    assert ports.held_bytes == 0
    for protocol in (6, 17):
        assert all(each.expires_ns for each in ports.sockets((tasks[0].process.vnode, protocol)))
