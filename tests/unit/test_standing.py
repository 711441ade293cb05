"""A machine that several front ends use at once, and what becomes of the runs of those that die."""

import os
import threading
import time

import pytest
from standing_rig import Standing

from gmanager.messages import Place, Started
from lego import ConfigError, Machine, MachineFailed
from lego.console.buffer import BufferConsole
from lego.linux.errno import E, LinuxError
from lego.linux.signal import Sig
from lego.machine import VNODE
from lego.standing.attached import Attached
from lego.standing.launch import Visit
from pcomponent import outside
from pcomponent.messages import Start, Wait


@pytest.fixture(scope="module")
def up():
    machine = Standing()
    yield machine
    machine.close()


@pytest.fixture
def attach(up, monkeypatch):
    """Makes `Machine.attach` find it."""
    monkeypatch.setattr("lego.standing.attached.reachable", lambda name: up.record)
    return lambda: Machine.attach("m")


def rows(up):
    with Visit(up.record) as visit:
        return [row for _, row in visit.processes()]


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def gauges(up):
    """What must come back to where it was: pids at G, spaces and handles at M, handles at S, consoles and runs at P."""
    manager = up.shells["G"]._monitor
    outside_of_p = up.shells["P0"]._monitor._outside
    with Machine.attach("m") as machine:
        found = machine._snapshot()
    memory = found["memories"][0]
    return {
        "pids": len(manager._processes),
        **{name: memory[name] for name in ("spaces", "owned_spaces", "handles")},
        "open": found["storages"][0]["open_handles"],
        "consoles": dict(outside_of_p._consoles),
        "runs": dict(outside_of_p._runs),
        "addresses": sorted(up.shells["P0"]._transport.addresses),
    }


class Front:
    """A front end that can be killed: its connections end without a word."""

    def __init__(self, up, stdin=b""):
        self.attached = Attached(up.record)
        self.console = BufferConsole(stdin, name=self.attached.console_name)
        self.attached.open_console(self.console)
        self.placed = self.attached.endpoint.call("G", Place(VNODE))[0]

    def start(self, *arguments):
        place = self.placed
        start = Start(
            place.pid, place.memory, place.memories, place.storage, self.console.name, VNODE, arguments[0],
            [os.fsencode(each) for each in arguments], [], "/",
        )  # fmt: skip
        self.attached.endpoint.call("P0", start)
        self.attached.endpoint.call("G", Started(place.pid))

    def die(self):
        self.attached.close()


def test_runs_one_after_the_other_and_their_statistics(up, attach):
    with attach() as machine:
        assert machine.starts_in() == os.getcwd()
        results = [machine.run(["/bin/echo", "hello"]) for _ in range(3)]
    assert [result.stdout for result in results] == [b"hello\n"] * 3
    second, third = (result.statistics for result in results[1:])
    assert second["processors"][0]["instructions"] == third["processors"][0]["instructions"] > 10_000
    assert second["processors"][0]["syscalls"] == third["processors"][0]["syscalls"]
    assert 0 < third["virtual_ns"] < 10**9 and third["manager"]["placed"] == 1
    assert {link["to"] for link in third["links"]} >= {"console", "M0"}, "consoles are one link"
    assert rows(up) == []


def test_runs_at_the_same_time_have_their_own_streams(up, attach):
    results = {}

    def run(number):
        with attach() as machine:
            command = ["/bin/sh", "-c", f"cat; echo {number} >&2; exit {number}"]
            results[number] = machine.run(command, stdin=b"input %d\n" % number)

    before = gauges(up)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for number, result in results.items():
        expected = (number, b"input %d\n" % number, b"%d\n" % number)
        assert (result.exit_code, result.stdout, result.stderr) == expected
    assert len(results) == 4 and gauges(up) == before


@pytest.mark.parametrize(
    ("program", "grace"),
    [
        (["/bin/sh", "-c", "while :; do :; done"], 0.5),
        (["/bin/sh", "-c", "trap '' HUP; while :; do :; done"], 4.0),
        (["/bin/sh", "-c", "trap '' HUP; while :; do echo more; done"], 4.0),
        (["/bin/sh", "-c", "trap '' HUP; while :; do read x; done"], 4.0),
        (["/bin/sh", "-c", "sleep 1000000 & kill -STOP $$"], 4.0),
    ],
)
def test_a_front_end_that_dies_takes_its_run_along(up, attach, monkeypatch, program, grace):
    monkeypatch.setattr(outside, "HANG_UP_S", 0.2)
    before = gauges(up)
    front = Front(up)
    front.start(*program)
    until(lambda: any(row.used_ns > 30_000 for row in rows(up)))
    front.die()
    until(lambda: not rows(up), grace)
    assert gauges(up) == before


def test_a_hang_up_can_be_caught(up, attach, tmp_path):
    front = Front(up)
    front.start("/bin/sh", "-c", f"trap 'cat; echo $? > {tmp_path}/told; exit' HUP; echo up; while :; do :; done")
    until(lambda: front.console.stdout == b"up\n")
    front.die()
    until(lambda: not rows(up))
    assert (tmp_path / "told").read_text() == "0\n", "reading a console that is gone finds the end"


@pytest.mark.parametrize("how_far", ["placed", "ended"])
def test_a_front_end_that_dies_before_or_after_its_program_ran(up, attach, how_far):
    before = gauges(up)
    front = Front(up)
    if how_far == "ended":
        front.start("/bin/true")
        until(lambda: [row.state[0] for row in rows(up)] == ["Z"])
    assert up.shells["G"]._monitor._processes.find(front.placed.pid)
    front.die()
    until(lambda: not rows(up) and not len(up.shells["G"]._monitor._processes))
    assert gauges(up) == before


def test_who_is_there_and_signals(up, attach):
    front = Front(up)
    front.start("/bin/sh", "-c", "trap 'exit 5' USR1; echo up; while :; do :; done")
    until(lambda: front.console.stdout == b"up\n")
    (row,) = rows(up)
    pid = front.placed.pid
    assert (row.pid, row.parent, row.group, row.session, row.threads, row.home) == (pid, 0, pid, pid, 1, "M0")
    assert row.state == "Rs" and row.first and row.name == "sh" and row.arguments[:2] == [b"/bin/sh", b"-c"]
    with Visit(up.record) as visit:
        assert visit.front_ends() == 1
        visit.kill(pid, 0)
        for wrong, number in ((pid + 1000, E.ESRCH), (0, E.ESRCH), (-1, E.ESRCH)):
            with pytest.raises(LinuxError) as error:
                visit.kill(wrong, Sig.TERM)
            assert error.value.errno == number
        with pytest.raises(LinuxError) as error:
            visit.kill(pid, 65)
        assert error.value.errno == E.EINVAL
        visit.kill(pid, Sig.USR1)
    reply = front.attached.endpoint.call("P0", Wait(pid, 5000))[0]
    assert (reply.ended, reply.code, reply.signal) == (True, 5, 0) and reply.virtual_ns > 0
    front.die()
    until(lambda: not rows(up))


def test_a_program_that_only_writes_does_not_keep_others_waiting(up, attach, monkeypatch):
    """Its turn, measured in instructions, would take the host many seconds."""
    front = Front(up)
    handle = front.console.handle
    monkeypatch.setattr(front.console, "handle", lambda *words: (time.sleep(0.005), handle(*words))[1])
    front.start("/bin/sh", "-c", "while :; do echo more; done")
    until(lambda: len(front.console.stdout) > 50)
    began = time.monotonic()
    for _ in range(3):
        assert len(rows(up)) == 1
    assert time.monotonic() - began < 5
    front.die()
    until(lambda: not rows(up))


def test_a_console_that_does_not_answer_is_given_up(up, attach, monkeypatch):
    """Others wait for it no longer than they must."""
    monkeypatch.setattr("pcomponent.files.console.ANSWER_S", 0.3)
    monkeypatch.setattr(outside, "HANG_UP_S", 0.2)
    before = gauges(up)
    front, answers = Front(up), threading.Event()
    handle = front.console.handle
    front.start("/bin/sh", "-c", "trap '' HUP; while :; do echo more; done")
    until(lambda: front.console.stdout)
    monkeypatch.setattr(front.console, "handle", lambda *words: (answers.wait(20), handle(*words))[1])
    until(lambda: not rows(up))
    with pytest.raises(LinuxError) as error:
        front.attached.endpoint.call("P0", Wait(front.placed.pid, 0))
    assert error.value.errno == E.ESRCH, "its front end takes that for a hang-up"
    answers.set()
    front.die()
    until(lambda: gauges(up) == before)


def test_what_cannot_be_run_leaves_nothing(up, attach):
    before = gauges(up)
    with attach() as machine:
        for words, number in ((["/no/such"], E.ENOENT), (["/etc/passwd"], E.EACCES)):
            with pytest.raises(LinuxError) as error:
                machine.run(words)
            assert error.value.errno == number
        with pytest.raises(ConfigError, match="guest's tree"):
            machine.run(["/bin/true"], cwd="/no/such")
        assert machine.run(["/bin/true"]).exit_code == 0
    assert gauges(up) == before


def test_a_hundred_runs_leave_nothing(up, attach):
    """Neither processes, nor connections and threads, nor anything that is kept by the name of a console."""

    def run():
        with attach() as machine:
            assert machine.run(["/bin/true"]).exit_code == 0

    def settled():
        until(lambda: threading.active_count() <= threads)
        return gauges(up)

    run()
    time.sleep(0.2)
    threads, before = threading.active_count(), gauges(up)
    for _ in range(100):
        run()
    assert settled() == before
    assert len(up.shells["P0"]._endpoint.links) <= 4


def test_a_lost_component_is_named(attach):
    machine = Standing()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lego.standing.attached.reachable", lambda name: machine.record)
            with Machine.attach("m") as broken:
                threading.Timer(0.3, setattr, [machine.news, "loss", ("M0", "its process died")]).start()
                with pytest.raises(MachineFailed) as caught:
                    broken.run(["/bin/sh", "-c", "while :; do :; done"])
                assert (caught.value.component, caught.value.why) == ("M0", "its process died")
            with pytest.raises(MachineFailed, match="M0: its process died"), Machine.attach("m"):
                pass
            assert "M0" in machine.shells["G"]._monitor._membership.lost(), "the manager was told"
            machine.server.close()
            with pytest.raises(MachineFailed, match="was taken down, or its caretaker died"), Machine.attach("m"):
                pass
    finally:
        machine.close()
