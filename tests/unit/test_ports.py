"""Ports: who has one, who is found at one, what an ended connection keeps."""

from __future__ import annotations

from typing import Any

import pytest
from kerneltask import FakeKernel, new_process

from lego.linux.errno import E, LinuxError
from pcomponent.files.inet.addresses import ANY, LOOPBACK, Address
from pcomponent.files.inet.datagram import DatagramSocket
from pcomponent.files.inet.ports import FIRST_EPHEMERAL, LAST_EPHEMERAL, RETIRED_MAX
from pcomponent.files.inet.states import State
from pcomponent.files.inet.stream import StreamSocket

YES = b"\1\0\0\0"
REUSEADDR, REUSEPORT = 2, 15


@pytest.fixture
def task() -> Any:
    return new_process(FakeKernel(), 10)


def stream(task: Any, ip: int = LOOPBACK, **options: int) -> StreamSocket:
    made = StreamSocket(task)
    made.local = Address(ip)
    made.options = dict.fromkeys(options.values(), YES)
    return made


def test_ports_are_given_out_in_order_and_again_when_all_were(task) -> None:
    ports = task.kernel.rendezvous.ports
    for expected in (FIRST_EPHEMERAL, FIRST_EPHEMERAL + 1):
        socket = stream(task)
        ports.choose(socket, 0)
        assert socket.local.port == expected
        ports.release(socket)
    ports._next[socket.table] = LAST_EPHEMERAL - FIRST_EPHEMERAL
    for expected in (LAST_EPHEMERAL, FIRST_EPHEMERAL):
        socket = stream(task)
        ports.choose(socket, 0)
        assert socket.local.port == expected


def test_when_all_ports_are_taken(task, monkeypatch) -> None:
    monkeypatch.setattr("pcomponent.files.inet.ports.LAST_EPHEMERAL", FIRST_EPHEMERAL + 1)
    ports = task.kernel.rendezvous.ports
    taken = [stream(task), stream(task)]
    for each in taken:
        ports.choose(each, 0)
    for connecting, errno in ((False, E.EADDRINUSE), (True, E.EADDRNOTAVAIL)):
        with pytest.raises(LinuxError) as caught:
            ports.choose(stream(task), 0, connecting)
        assert caught.value.errno == errno
    ports.retire(taken[1], until_ns=100)
    again = stream(task)
    ports.choose(again, 0, connecting=True)
    assert again.local.port == taken[1].local.port


@pytest.mark.parametrize(
    ("mine", "others", "listens", "fits"),
    [
        ({}, {}, False, False),
        ({"a": REUSEADDR}, {}, False, False),
        ({"a": REUSEADDR}, {"a": REUSEADDR}, False, True),
        ({"a": REUSEADDR}, {"a": REUSEADDR}, True, False),
        ({"a": REUSEPORT}, {"a": REUSEPORT}, True, True),
        ({"a": REUSEPORT}, {"a": REUSEADDR}, False, False),
    ],
)
def test_who_shares_a_port(task, mine, others, listens, fits) -> None:
    ports = task.kernel.rendezvous.ports
    other, own = stream(task, ANY, **others), stream(task, **mine)
    ports.claim(other, 80, 0)
    if listens:
        other.state = State.LISTEN
    if fits:
        ports.claim(own, 80, 0)
    else:
        with pytest.raises(LinuxError):
            ports.claim(own, 80, 0)
        assert own not in ports.sockets(own.table)


def test_another_address_or_protocol_or_vnode_does_not_matter(task) -> None:
    ports = task.kernel.rendezvous.ports
    datagram, foreign = DatagramSocket(task), stream(task)
    foreign.table = (99, foreign.protocol)
    for each in (stream(task), stream(task, LOOPBACK + 1), datagram, foreign):
        ports.claim(each, 80, 0)


def test_an_ended_connection_keeps_its_port_for_its_time(task) -> None:
    ports = task.kernel.rendezvous.ports
    ended = stream(task)
    ports.claim(ended, 80, 0)
    ports.retire(ended, 50)
    ports.retire(ended, 100)
    with pytest.raises(LinuxError):
        ports.claim(stream(task), 80, 99)
    ports.claim(stream(task), 80, 100)


def test_only_so_many_ended_connections_keep_theirs(task) -> None:
    ports = task.kernel.rendezvous.ports
    for _ in range(RETIRED_MAX + 10):
        ended = stream(task)
        ports.choose(ended, 0)
        ports.retire(ended, 10**12)
    assert len(ports.sockets(ended.table)) == RETIRED_MAX
    ports.reset()
    assert not ports.sockets(ended.table)


def test_who_is_found(task) -> None:
    ports = task.kernel.rendezvous.ports
    source, at = Address(LOOPBACK, 5000), Address(LOOPBACK, 80)
    wide, narrow = stream(task, ANY, a=REUSEPORT), stream(task, LOOPBACK, a=REUSEPORT)
    for each in (wide, narrow):
        ports.claim(each, 80, 0)
        assert ports.listener(each.table, at, source) is not each
        each.state = State.LISTEN
        assert ports.listener(each.table, at, source) is each
    third = stream(task, LOOPBACK, a=REUSEPORT)
    ports.claim(third, 80, 0)
    third.state = State.LISTEN
    found = {ports.listener(third.table, at, Address(LOOPBACK, port)) for port in (5000, 5001)}
    assert found == {narrow, third}
    assert ports.listener(third.table, Address(LOOPBACK + 1, 80), source) is wide
    assert ports.listener(third.table, Address(LOOPBACK, 81), source) is None


def test_which_socket_a_datagram_is_for(task) -> None:
    ports = task.kernel.rendezvous.ports
    source, at = Address(LOOPBACK, 5000), Address(LOOPBACK, 80)
    wide, narrow, connected = (DatagramSocket(task) for _ in range(3))
    for each, ip in ((wide, ANY), (narrow, LOOPBACK), (connected, ANY)):
        each.options = {REUSEADDR: YES}
        each.local = Address(ip)
        ports.claim(each, 80, 0)
    connected.remote = source
    assert ports.receiver(wide.table, at, source) is connected
    assert ports.receiver(wide.table, at, Address(LOOPBACK, 5001)) is narrow
    assert ports.receiver(wide.table, Address(LOOPBACK + 1, 80), Address(LOOPBACK, 5001)) is wide
