"""gmanager.monitor, over the loopback as the other components see it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from gmanager.messages import (
    Exited,
    Load,
    Lost,
    Member,
    Members,
    PickMemory,
    Place,
    PlacedReply,
    Register,
    Reseat,
    Started,
    Statistics,
)
from gmanager.monitor import ManagerMonitor
from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint
from lego.fabric.loopback import Loopback
from lego.fabric.network import Network
from lego.fabric.wire import Request
from lego.linux.errno import E, LinuxError

GiB = 1 << 30


class Machine:
    """A manager and somebody who asks it."""

    def __init__(self, *members: str, **config: Any) -> None:
        self.loopback = loopback = Loopback()
        self.monitor = ManagerMonitor(MachineConfig(**config))
        loopback.attach(self.monitor)
        self.endpoint = Endpoint("front", loopback, Network())
        for name in members:
            self.ask(Register(Member(name, "", GiB if name.startswith("M") else 0)))

    def ask(self, request: Request) -> Any:
        return self.endpoint.call("G", request)[0]

    def errno(self, request: Request) -> int:
        with pytest.raises(LinuxError) as error:
            self.ask(request)
        return error.value.errno

    def counters(self) -> dict[str, Any]:
        return dict(json.loads(self.ask(Statistics()).json))


def test_a_first_process_has_pid_1_and_all_it_needs() -> None:
    machine = Machine("S0", "M1", "M0", "P0")
    assert machine.ask(Place(vnode=1)) == PlacedReply(1, "P0", "M0", ["M0", "M1"], "S0", "P0")


def test_placement_follows_threads_and_free_memory() -> None:
    machine = Machine("S0", "M0", "M1", "P0", "P1")
    machine.ask(Load("M0", free_bytes=100))
    machine.ask(Load("P0", threads=3))
    first = machine.ask(Place(vnode=1))
    assert (first.processor, first.seat, first.memory) == ("P0", "P1", "M1")
    machine.ask(Load("M1", free_bytes=100))
    machine.ask(Load("P1", threads=7))
    second = machine.ask(Place(vnode=1))
    assert (second.processor, second.seat, second.memory) == ("P0", "P0", "M0")


def test_a_child_stays_beside_its_parent() -> None:
    machine = Machine("S0", "M0", "M1", "P0", "P1")
    parent = machine.ask(Place(vnode=1))
    machine.ask(Load(parent.memory, free_bytes=1))
    child = machine.ask(Place(vnode=1, parent=parent.pid))
    assert (child.seat, child.memory, child.pid) == (parent.seat, parent.memory, parent.pid + 1)
    assert machine.errno(Place(vnode=1, parent=77)) == E.ESRCH
    machine.ask(Lost(parent.memory, "killed"))
    assert machine.errno(Place(vnode=1, parent=parent.pid)) == E.ENODEV


def test_a_machine_that_spreads_gives_children_the_emptiest_seat() -> None:
    machine = Machine("S0", "M0", "P0", "P1", "P2", placement="spread")
    first = machine.ask(Place(vnode=1))
    places = [machine.ask(Place(vnode=1, parent=first.pid)) for _ in range(4)]
    assert [first.seat, *(each.seat for each in places)] == ["P0", "P1", "P2", "P0", "P1"]
    assert {each.processor for each in places} == {"P0"} and {each.memory for each in places} == {"M0"}
    assert machine.ask(Place(vnode=1, parent=places[1].pid, stays=True)).seat == "P2"
    assert machine.counters()["placed_on"] == {"P0": 2, "P1": 2, "P2": 2}


def test_an_execve_moves_a_process_that_is_not_alone() -> None:
    machine = Machine("S0", "M0", "P0", "P1", placement="spread")
    first = machine.ask(Place(vnode=1))
    assert machine.ask(Reseat(first.pid)).seat == "P0"
    second = machine.ask(Place(vnode=1, parent=first.pid, stays=True))
    assert [machine.ask(Reseat(second.pid)).seat for _ in range(2)] == ["P1", "P1"]
    assert machine.counters()["moved_to"] == {"P1": 1}
    machine.ask(Load("P1", threads=9))
    assert machine.ask(Reseat(second.pid)).seat == "P1", "its own threads end"
    machine.ask(Load("P1", threads=9))
    third = machine.ask(Place(vnode=1, parent=second.pid, stays=True))
    assert (third.seat, machine.ask(Reseat(third.pid)).seat) == ("P1", "P0")
    assert machine.errno(Reseat(99)) == E.ESRCH


def test_without_spreading_an_execve_moves_nobody() -> None:
    machine = Machine("S0", "M0", "P0", "P1")
    first = machine.ask(Place(vnode=1))
    machine.ask(Load("P0", threads=9))
    assert machine.ask(Reseat(first.pid)).seat == "P0"
    assert machine.counters()["moved_to"] == {}


def test_the_limit_is_eagain_until_somebody_leaves() -> None:
    machine = Machine("S0", "M0", "P0", threads_max=2)
    pids = [machine.ask(Place(vnode=1)).pid for _ in range(2)]
    assert machine.errno(Place(vnode=1)) == E.EAGAIN
    assert machine.ask(Place(vnode=2)).pid == 3
    machine.ask(Exited(pids[0], "P0"))
    assert machine.ask(Place(vnode=1)).pid == 4
    assert machine.counters()["refused"] == 1


@pytest.mark.parametrize("missing", ["P0", "M0", "S0"])
def test_a_kind_that_is_missing_is_enodev(missing: str) -> None:
    machine = Machine(*({"P0", "M0", "S0"} - {missing}))
    assert machine.errno(Place(vnode=1)) == E.ENODEV


def test_members_and_losses_are_told() -> None:
    machine = Machine("P0", "M0", "S0")
    assert machine.errno(Register(Member("P0", ""))) == E.EEXIST
    machine.ask(Lost("M0", "killed by signal 9"))
    reply = machine.ask(Members())
    assert [member.name for member in reply.members] == ["P0", "S0"]
    assert reply.lost == {"M0": "killed by signal 9"}
    assert machine.errno(Lost("M5", "")) == E.ENODEV
    assert machine.errno(PickMemory("M0", 1)) == E.ENODEV


def test_a_lost_component_gets_no_new_work_and_gives_back_its_own() -> None:
    machine = Machine("S0", "S1", "M0", "M1", "P0", "P1")
    assert machine.ask(Place(vnode=1)).processor == "P0"
    for name in ("P0", "M0", "S0"):
        machine.ask(Lost(name, "killed"))
    assert machine.ask(Place(vnode=1)) == PlacedReply(2, "P1", "M1", ["M1"], "S1", "P1")
    counters = machine.counters()
    assert (counters["processes"], counters["members"], counters["exited"]) == (1, 3, 1)
    machine.ask(Exited(1, "P0"))  # On its way when P0 was declared lost.
    machine.ask(Load("P0", threads=4))
    assert machine.counters()["exited_unknown"] == 1
    machine.ask(Register(Member("P0", "elsewhere")))
    assert machine.ask(Place(vnode=1)).processor == "P0"


def test_vregions_go_where_there_is_room() -> None:
    machine = Machine("P0", "M0", "M1", "S0")
    assert machine.ask(PickMemory("M0", GiB)).memory == "M0"
    machine.ask(Load("M0", free_bytes=GiB - 1))
    reply = machine.ask(PickMemory("M0", GiB))
    assert (reply.memory, reply.free_bytes) == ("M1", GiB)
    assert machine.errno(PickMemory("M0", 2 * GiB)) == E.ENOMEM
    assert machine.counters()["vregions_refused"] == 1


def test_vregions_are_spread_on_request() -> None:
    machine = Machine("P0", "M0", "M1", "M2", "S0", memory_placement="spread")
    assert [machine.ask(PickMemory("M1", 4096)).memory for _ in range(4)] == ["M0", "M1", "M2", "M0"]


def test_a_report_of_a_stranger_is_enodev() -> None:
    assert Machine("P0").errno(Load("P3")) == E.ENODEV


def test_after_a_thousand_runs_the_gauges_are_where_they_began() -> None:
    machine = Machine("S0", "M0", "P0")
    before = machine.counters()
    for expected in range(1, 1001):
        placed = machine.ask(Place(vnode=1))
        assert placed.pid == expected
        machine.ask(Exited(placed.pid, placed.processor))
    after = machine.counters()
    assert (after["placed"], after["exited"], after["exited_unknown"]) == (1000, 1000, 0)
    assert after["processes"] == before["processes"] == 0


def test_requests_from_many_threads_get_distinct_pids() -> None:
    machine = Machine("S0", "M0", "P0", "P1")
    pids: list[int] = []

    def place() -> None:
        for _ in range(50):
            reply, _ = machine.monitor.handle("P0", Place(vnode=1), b"")
            assert isinstance(reply, PlacedReply)
            pids.append(reply.pid)

    threads = [threading.Thread(target=place) for _ in range(4)]
    with machine.monitor._lock:  # Whoever asks meanwhile has to wait.
        for thread in threads:
            thread.start()
        threads[0].join(0.05)
        assert not pids
    for thread in threads:
        thread.join(10)
    assert sorted(pids) == list(range(1, 201))
    assert machine.counters()["placed_on"] == {"P0": 100, "P1": 100}


def test_what_a_front_end_was_given_and_never_used_is_taken_back() -> None:
    machine = Machine("P0", "M0", "S0")
    front, other = (Endpoint(name, machine.loopback, Network()) for name in ("front.1", "front.2"))
    used, unused, others = (each.call("G", Place(1))[0].pid for each in (front, front, other))
    front.call("G", Started(used))
    child = machine.ask(Place(1, parent=used)).pid
    machine.monitor.departed("front.1")
    assert sorted(machine.monitor._processes._placed) == [used, others, child] and unused not in (used, others)
    for pid in (used, others, child):
        machine.ask(Exited(pid, "P0"))
    assert not len(machine.monitor._processes)
    with pytest.raises(LinuxError) as error:
        front.call("G", Started(unused))
    assert error.value.errno == E.ESRCH
