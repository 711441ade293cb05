"""Whole machines on Ray: the same results as in process, and failures that end the run. Ray starts once."""

import os
import signal
import socket
import threading
import time

import psutil
import pytest
from command import program

from lego import Machine, MachineConfig, MachineFailed, Topology
from lego.config import Publication

pytest.importorskip("ray")


@pytest.fixture(scope="module")
def ray():
    """A Ray of this host that all machines of these tests use."""
    import ray

    from lego.runtime.ray import connected

    with connected():
        yield ray


def config(**changes):
    return MachineConfig(excache_bytes=1 << 20, ways=8, memory_bytes=256 << 20, **changes)


def comparable(statistics):
    """What must be the same in any two runs: all but host time, bytes that carry it, and the counters of the emulator's
    own TLB, which it sizes by the host's clock."""
    kept = {
        key: value for key, value in statistics.items() if key not in ("wall_seconds", "startup_seconds", "runtime")
    }
    kept["processors"] = [
        {**row, "excache": {name: each for name, each in row["excache"].items() if not name.startswith("tlb_")}}
        for row in kept["processors"]
    ]
    kept["links"] = [link for link in kept["links"] if link["to"] != "console"]
    return kept


def test_the_same_program_counts_the_same_on_both_runtimes(ray, tmp_path):
    text = tmp_path / "text"
    text.write_bytes(b"the quick brown fox\n" * 20_000)
    results = []
    for runtime in ("inproc", "ray"):
        with Machine(config(topology=Topology(1, 2, 1)), runtime=runtime) as machine:
            results.append(machine.run(["wc", str(text)]))
    assert results[0].stdout == results[1].stdout == b" 20000  80000 400000 %s\n" % os.fsencode(text)
    assert comparable(results[0].statistics) == comparable(results[1].statistics)


def test_several_processors_count_the_same_on_both_runtimes(ray):
    script = "seq 1 50 | sort -n | tail -3 | sed s/$/./ | cat; (exit 4) & wait $!; echo $?"
    results = []
    for runtime in ("inproc", "ray"):
        with Machine(config(topology=Topology(3, 2, 1), placement="spread"), runtime=runtime) as machine:
            results.append(machine.run(["bash", "-c", script]))
    assert results[0].stdout == results[1].stdout == b"48.\n49.\n50.\n4\n"
    assert comparable(results[0].statistics) == comparable(results[1].statistics)
    assert len(results[1].statistics["manager"]["placed_on"]) == 3


def test_a_killed_processor_that_another_keeps_processes_for_is_named(ray):
    with Machine(config(topology=Topology(2, 1, 1), placement="spread"), runtime="ray") as machine:
        timer = threading.Timer(1.5, os.kill, [components(machine)["P1"], signal.SIGKILL])
        timer.start()
        with pytest.raises(MachineFailed) as caught:
            machine.run(["sh", "-c", "(while :; do :; done)"])
    assert caught.value.component == "P1"


def test_large_input_and_output(ray):
    data = os.urandom(1 << 20)
    with Machine(config(), runtime="ray") as machine:
        assert machine.run(["cat"], stdin=data).stdout == data
        assert machine.run(["sh", "-c", "exit 9"]).exit_code == 9


def components(machine):
    return machine._runtime.pids()


@pytest.mark.parametrize("victim", ["G", "S0", "M0", "P0"])
def test_a_killed_component_is_named_within_two_seconds(ray, victim):
    died = []

    def kill(pid):
        died.append(time.monotonic())
        os.kill(pid, signal.SIGKILL)

    with Machine(config(), runtime="ray") as machine:
        pids = components(machine)
        timer = threading.Timer(1.0, kill, [pids[victim]])
        timer.start()
        with pytest.raises(MachineFailed) as caught:
            machine.run(["sh", "-c", "while :; do :; done"])
        assert time.monotonic() - died[0] < 2
    assert caught.value.component == victim
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for pid in pids.values()):
        assert time.monotonic() < deadline, "a component still runs"
        time.sleep(0.05)


def test_a_published_port_leads_to_a_server_on_ray(ray):
    server = str(program("machine_serve"))
    with Machine(config(publish=(Publication("127.0.0.1", 0, 8000),)), runtime="ray") as machine:
        results = []
        running = threading.Thread(target=lambda: results.append(machine.run([server])))
        running.start()
        end = time.monotonic() + 60
        while True:
            try:
                caller = socket.create_connection(machine.published[0], timeout=60)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < end, "it does not listen"
                time.sleep(0.05)
        with caller:
            caller.sendall(b"bye")
            assert caller.recv(9) == b"bye"
            caller.shutdown(socket.SHUT_WR)
            assert caller.recv(9) == b""
        running.join(60)
        assert results[0].exit_code == 0
