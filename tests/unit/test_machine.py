import os
import signal
import threading
import time

import fake_components
import pytest
from fake_components import MADE

from lego import ConfigError, Machine, MachineConfig, MachineFailed, Topology
from lego.linux.errno import E, LinuxError
from lego.lookup import find_program


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    fake_components.install(monkeypatch)


@pytest.fixture
def machine():
    with Machine(MachineConfig(topology=Topology(1, 2, 1))) as machine:
        yield machine


def test_a_run(machine):
    result = machine.run(["echo", "hello", "there"])
    assert (result.exit_code, result.signal, result.stdout, result.stderr) == (0, 0, b"hello there", b"")
    assert machine.statistics() is result.statistics
    found = result.statistics
    assert [found["exit_code"], found["signal"], found["virtual_ns"]] == [0, 0, 1500]
    assert found["wall_seconds"] > 0 and found["config"]["topology"] == "1P-2M-1S"
    assert [row["name"] for row in found["memories"]] == ["M0", "M1"]
    assert found["processors"] == [{"name": "P0", "virtual_ns": 1500, "syscalls": {"write": 2}}]
    assert [(link["from"], link["to"], link["messages"]) for link in found["links"]] == [("P0", "console", 1)]
    assert found["manager"]["name"] == "G"


def test_components_register_with_the_manager(machine):
    members = MADE["G"].members
    assert sorted(members) == ["M0", "M1", "P0", "S0"]
    assert members["M0"].capacity == 1 << 30 and members["P0"].capacity == 16384


def test_input_output_and_status(machine):
    assert machine.run(["cat"], stdin=b"\0\xff\r\n").stdout == b"\0\xff\r\n"
    result = machine.run(["exit", "42"])
    assert (result.exit_code, result.stderr) == (42, b"going")
    result = machine.run(["kill", "11"])
    assert (result.exit_code, result.signal) == (139, 11)


def test_what_the_processor_is_told(machine, monkeypatch):
    monkeypatch.setenv("ONLY_HERE", "1")
    machine.run(["/usr/bin/echo", "a\udcff"], cwd="/home", trace=True)
    start = MADE["P0"].started
    assert (start.path, start.directory, start.trace) == ("/usr/bin/echo", "/home", True)
    assert start.arguments == [b"/usr/bin/echo", b"a\xff"]
    assert b"ONLY_HERE=1" in start.environment
    assert (start.memory, start.memories, start.storage, start.console) == ("M0", ["M0", "M1"], "S0", "console")
    machine.run(["/usr/bin/echo"], environment={"A": "b"})
    assert MADE["P0"].started.environment == [b"A=b"]


def test_programs_that_cannot_be_executed_leave_no_pid_behind(machine):
    for name, number in (("script", E.ENOEXEC), ("missing", E.ENOENT), ("plain", E.EACCES), ("./nothing", E.ENOENT)):
        with pytest.raises(LinuxError) as caught:
            machine.run([name], environment={"PATH": "/usr/bin"})
        assert caught.value.errno == number
    assert not MADE["G"].alive
    assert machine.run(["echo"]).exit_code == 0, "the machine is as good as before"
    with pytest.raises(ValueError, match="empty"):
        machine.run([])


@pytest.mark.parametrize("cwd", ["/missing", "/usr/bin/echo"])
def test_a_working_directory_that_is_none(machine, cwd):
    with pytest.raises(ConfigError, match="guest's tree"):
        machine.run(["echo"], cwd=cwd)
    assert not MADE["G"].alive
    assert machine.run(["echo"], cwd="/proc").exit_code == 0


def test_lookup(machine):
    def find(name, path, cwd="/"):
        return find_program(machine._runtime.endpoint, "S0", 1, name, path, cwd)

    assert find("echo", "/bin:/usr/bin") == "/usr/bin/echo"
    assert find("echo", None) == "/usr/bin/echo"
    assert find("tool", "/bin::/usr/bin", "/home") == "/home/tool"
    assert find("tool", "home") == "/home/tool"
    assert find("./echo", "/usr/bin") == "./echo"
    for name, path, number in (
        ("tool", "/usr/bin", E.ENOENT),
        ("folder", "/usr/bin", E.ENOENT),
        ("plain", "/usr/bin", E.EACCES),
        ("", "/usr/bin", E.ENOENT),
        ("self", "/proc", E.ENOENT),
    ):
        with pytest.raises(LinuxError) as caught:
            find(name, path)
        assert caught.value.errno == number


@pytest.mark.parametrize(("program", "component", "why"), [("lose", "M0", "connection"), ("deaf", "P0", "smoke")])
def test_a_broken_machine_is_named_and_closed(machine, program, component, why):
    with pytest.raises(MachineFailed, match=why) as caught:
        machine.run([program])
    assert caught.value.component == component
    assert list(MADE["G"].lost) == [component]
    with pytest.raises(MachineFailed):
        machine.run(["echo"])
    assert MADE["P0"].closed


def test_a_dead_component_ends_the_run(machine, monkeypatch):
    """A component that nobody calls at the moment: only the runtime knows."""
    news = []
    monkeypatch.setattr(machine._runtime, "lost", lambda patience_s=0.0: news[0] if news else None)
    threading.Timer(0.2, news.append, [("S0", "its process died")]).start()
    began = time.monotonic()
    with pytest.raises(MachineFailed) as caught:
        machine.run(["hang"])
    assert (caught.value.component, caught.value.why) == ("S0", "its process died")
    assert time.monotonic() - began < 2


def send_when(condition, number, times=1):
    def send():
        deadline = time.monotonic() + 10
        for count in range(times):
            while not condition(count) and time.monotonic() < deadline:
                time.sleep(0.01)
            os.kill(os.getpid(), number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def hanging():
    return MADE["P0"].started is not None and MADE["P0"].started.arguments[0] in (b"hang", b"ignore")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_are_the_guests(machine, number):
    before = signal.getsignal(number)
    thread = send_when(lambda _: hanging() and signal.getsignal(number) != before, number)
    result = machine.run(["hang"], relay_signals=True)
    thread.join()
    assert result.signal == number
    assert signal.getsignal(number) == before


def test_a_guest_may_ignore_ctrl_c(machine):
    before = signal.getsignal(signal.SIGINT)

    def turn(count):
        return hanging() and signal.getsignal(signal.SIGINT) != before and len(MADE["P0"].signals) == count

    thread = send_when(turn, signal.SIGINT, times=3)
    assert machine.run(["ignore"], relay_signals=True).exit_code == 7
    thread.join()


def test_ignored_signals_stay_ignored(machine):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        machine.run(["echo"], relay_signals=True)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_c_without_relay_kills_the_guest(machine):
    thread = send_when(lambda _: hanging(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        machine.run(["hang"])
    thread.join()
    assert MADE["P0"].signals == [signal.SIGKILL]


def test_use_outside_of_its_life():
    machine = Machine()
    with pytest.raises(RuntimeError, match="with"):
        machine.run(["echo"])
    machine.start()
    machine.close()
    machine.close()
    machine.start()
    with pytest.raises(RuntimeError, match="running already"):
        machine.start()
    assert machine.run(["echo", "again"]).stdout == b"again"
    machine.close()
    with pytest.raises(ValueError, match="runtime"), Machine(runtime="cloud"):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize(
    ("how", "error"),
    [({"argv": "echo"}, TypeError), ({"argv": ["echo", 1]}, TypeError), ({"argv": ["echo", "\ud800"]}, ValueError),
     ({"stdin": "text"}, TypeError), ({"stdin": b"x", "capture": False}, ValueError), ({"cwd": "home"}, ConfigError),
     ({"cwd": ""}, ConfigError), ({"environment": {"A": 1}}, TypeError), ({"environment": {"A=": "b"}}, ConfigError),
     ({"environment": ["A=b"]}, TypeError)],
)  # fmt: skip
def test_misuse_is_told_before_anything_is_asked_of_the_machine(machine, how, error):
    with pytest.raises(error):
        machine.run(**{"argv": ["echo"], **how})
    assert MADE["G"].pid == 0, "nothing was placed"
    assert machine.run(["echo", "hello"]).stdout == b"hello"


def test_programs_of_several_threads_take_turns(machine):
    results = {}

    def run(number):
        results[number] = machine.run(["cat"], stdin=b"%d" % number).stdout

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {number: b"%d" % number for number in range(8)}


def test_a_thread_cannot_relay_signals(machine):
    caught = []

    def run():
        with pytest.raises(ValueError, match="main thread") as error:
            machine.run(["hang"], relay_signals=True)
        caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert caught and MADE["G"].pid == 0


def test_a_thousand_machines_leave_no_thread():
    before = threading.active_count()
    for _ in range(50):
        with Machine() as machine:
            machine.run(["echo"])
    assert threading.active_count() <= before


@pytest.mark.parametrize("config", [{"ways": 8}, "machine.toml", 4])
def test_what_describes_no_machine(config):
    with pytest.raises(TypeError, match=r"MachineConfig describes a machine, as in Machine\(MachineConfig\(ways=8\)\)"):
        Machine(config)
