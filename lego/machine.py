"""A machine in Python: builds the components on a runtime, runs programs, gathers what was counted.

    with Machine(MachineConfig(ways=8), runtime="inproc") as machine:
        result = machine.run(["grep", "-c", "root", "/etc/passwd"])

A program that ends, however it ends, is a `Result`. A program that cannot be executed is a `LinuxError` with
execve's errno. A machine that fails is a `MachineFailed`, after which it is closed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from gmanager.messages import Exited, Lost, Place, PlacedReply, Started, Statistics as ManagerStatistics
from lego.component import MANAGER, VNODE, component_names
from lego.config import ConfigError, MachineConfig, checked, describe, guest_environment, host_cwd
from lego.console.buffer import BufferConsole
from lego.console.gate import GateMonitor
from lego.fabric.endpoint import Endpoint, Monitor
from lego.fabric.errors import FabricError, PeerDown, PeerTimeout
from lego.invocation import Argument, Invocation, invocation, texts
from lego.linux.errno import E, LinuxError
from lego.lookup import find_program
from lego.observe.difference import difference
from lego.runtime.base import Runtime
from lego.signals import SignalRelay
from mcomponent.messages import Statistics as MemoryStatistics
from pcomponent.messages import (
    Signal,
    Start,
    StartReply,
    Statistics as ProcessorStatistics,
    TerminalHangUp,
    TerminalInput,
    TerminalResize,
    TerminalSetup,
    Wait,
    WaitReply,
)
from scomponent.messages import Statistics as StorageStatistics

if TYPE_CHECKING:
    from lego.console.host_terminal import HostTerminal

WAIT_MS = 100
"""How long one `Wait` lasts: what a signal from outside may be late."""
ANSWER_S = 5.0
"""A processor that does not take a signal, or answer a `Wait` when it is over, for so long has failed."""
NEWS_S = 1.0
"""How long to wait for the reason when a connection breaks."""

RuntimeName = Literal["inproc", "ray"]


class MachineFailed(FabricError):
    """The machine broke under a program: `component` is which part, `why` what happened."""


class Result(NamedTuple):
    """How a program ended and what it wrote. Exactly one of `exit_code` and `signal` is meant: a program that a
    signal killed has the shell's 128 + n as its exit code."""

    exit_code: int
    signal: int
    """The signal that killed it, or 0."""
    stdout: bytes
    stderr: bytes
    statistics: dict[str, Any]
    """See docs/stats.md."""


class Machine:
    """One disaggregated computer; a context manager. Programs run one after the other: of threads that run some at the
    same time, the others wait."""

    def __init__(self, config: MachineConfig | None = None, *, runtime: RuntimeName = "inproc") -> None:
        """Raises `ConfigError` for a machine that cannot be."""
        if config is not None and not isinstance(config, MachineConfig):
            what = "a MachineConfig describes a machine, as in Machine(MachineConfig(ways=8))"
            raise TypeError(f"config is of type {type(config).__name__}; {what}")
        self._prepare(checked(config if config is not None else MachineConfig()), runtime)
        self._make: Callable[[], Runtime] = lambda: _make_runtime(runtime, self.config)

    @classmethod
    def attach(cls, name: str) -> Machine:
        """The machine of that name that `lego up` keeps running; to be used like any other.

        Others may run programs on it at the same time. Its mounts are what they were made; closing it here leaves it
        up. `statistics` are of what it did while the program ran. Raises `ConfigError` when there is none.
        """
        from lego.standing.attached import Attached, reachable

        found = reachable(name)
        machine = cls.__new__(cls)
        machine._prepare(found.config, "ray")
        machine._make = lambda: Attached(found)
        machine.name, machine._follows = found.name, found.follows
        return machine

    def starts_in(self) -> str:
        """Where a program starts of which nothing else is said, a path of the guest: this process's directory on a
        machine that is up and has the host's tree, else the machine's."""
        return host_cwd() if self._follows else self.config.cwd

    def _prepare(self, config: MachineConfig, runtime: RuntimeName) -> None:
        self.config = config
        self.runtime_name = runtime
        self.name = ""
        """That of a machine that stays up."""
        self._runtime: Runtime | None = None
        self._gate: GateMonitor | None = None
        self._turn = threading.Lock()
        self._failure: MachineFailed | None = None
        self._follows = False
        self._startup_s = 0.0
        self._statistics: dict[str, Any] = {}

    def __enter__(self) -> Machine:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint(self) -> Endpoint:
        """The front end's own: for asking components what the methods here do not."""
        return self._running().endpoint

    def start(self) -> None:
        """Starts the components; raises `MachineFailed`, or `ConfigError` when a port to be published is not free."""
        if self._runtime is not None:
            raise RuntimeError("the machine is running already")
        began = time.perf_counter()
        if self.config.publish and not self.name:  # Otherwise its caretaker has them.
            self._gate = GateMonitor(self.config.publish)
        self._runtime = self._make()
        try:
            self._runtime.start()
            if self._gate is not None:
                self._runtime.open_console(self._gate)
        except FabricError as error:
            raise self._fail(error) from error
        except BaseException:
            self.close()
            raise
        self._startup_s = time.perf_counter() - began

    def close(self) -> None:
        """Ends the components; nothing is left running."""
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None
        if self._gate is not None:
            self._gate.close()
            self._gate = None

    @property
    def published(self) -> list[tuple[str, int]]:
        """The address and port of the host for each of `config.publish`, while the machine runs."""
        return self._gate.addresses if self._gate is not None else []

    def run(
        self,
        argv: Sequence[Argument],
        *,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        cwd: str | None = None,
        capture: bool = True,
        trace: bool = False,
        relay_signals: bool = False,
        trace_output: int = 2,
    ) -> Result:
        """Runs a program to its end.

        `argv[0]` is looked up in the guest's PATH. `environment` replaces the configured one, `cwd` (absolute) the
        configured directory. With `capture`, `stdin` is the input and the output is in the result; without, the
        program has this process's own standard streams and `stdin` must be empty. `relay_signals` sends Ctrl-C and
        the like to the program instead of to this process (main thread only); if the streams are a terminal, the
        program has it for the time of the run (`lego.console.host_terminal`). `trace` shows system calls as --strace
        does, in the standard error, or without `capture` on the descriptor `trace_output`. Raises `LinuxError` when
        it cannot be executed, `ConfigError` when there is no such working directory, `MachineFailed` when the machine
        breaks.
        """
        if not isinstance(stdin, (bytes, bytearray, memoryview)):
            raise TypeError(f"stdin is of type {type(stdin).__name__}; it is bytes, as in b'text'")
        if stdin and not capture:
            raise ValueError("a program that is not captured reads this process's own input, not `stdin`")
        if relay_signals and threading.current_thread() is not threading.main_thread():
            raise ValueError("relay_signals: only the main thread of a process gets its signals")
        variables = guest_environment(self.config, dict(os.environ)) if environment is None else texts(environment)
        program = invocation(argv, variables, self.config.cwd if cwd is None else cwd)
        with self._turn:
            if capture:
                console: BufferConsole = BufferConsole(bytes(stdin), name=self._running().console_name)
                result = self._run_on(console, program, trace, relay_signals)
                return result._replace(stdout=console.stdout, stderr=console.stderr)
            from lego.console.host_terminal import HostTerminal
            from lego.console.monitor import ConsoleMonitor

            terminal = HostTerminal.find() if relay_signals else None
            with ConsoleMonitor(self._running().console_name, trace=trace_output) as streams:
                return self._run_on(streams, program, trace, relay_signals, terminal)

    def statistics(self) -> dict[str, Any]:
        """What the last run counted, as one object of plain values (see docs/stats.md)."""
        return self._statistics

    def _run_on(
        self,
        console: Monitor,
        program: Invocation,
        trace: bool,
        relay_signals: bool,
        terminal: HostTerminal | None = None,
    ) -> Result:
        runtime = self._running()
        began = time.perf_counter()
        try:
            before = self._snapshot() if runtime.shared else None
            runtime.open_console(console)
            placed = self._start_program(console, program, trace, terminal)
            ended = self._await_end(placed, relay_signals, terminal)
            wall_s = time.perf_counter() - began
            self._statistics = self._gather(ended, wall_s, before)
        except FabricError as error:
            raise self._fail(error) from error
        finally:
            if self._runtime is not None:
                runtime.close_console(console)
        return Result(self._statistics["exit_code"], ended.signal, b"", b"", self._statistics)

    def _running(self) -> Runtime:
        if self._failure is not None:
            raise MachineFailed(self._failure.component, self._failure.why)
        if self._runtime is None:
            raise RuntimeError("the machine is not running: use it in a `with` statement, or call start()")
        return self._runtime

    def _start_program(
        self,
        console: Monitor,
        program: Invocation,
        trace: bool,
        terminal: HostTerminal | None,
    ) -> PlacedReply:
        endpoint = self._running().endpoint
        placed: PlacedReply = endpoint.call(MANAGER, Place(VNODE))[0]
        try:
            start = Start(
                pid=placed.pid,
                memory=placed.memory,
                memories=placed.memories,
                storage=placed.storage,
                console=console.name,
                vnode=VNODE,
                path=find_program(endpoint, placed.storage, VNODE, program.name, program.path, program.cwd),
                arguments=program.arguments,
                environment=program.variables,
                directory=program.cwd,
                trace=trace or self.config.trace,
                seat=placed.seat,
                terminal=TerminalSetup(terminal.streams(), terminal.modes, terminal.size()) if terminal else None,
            )
            reply: StartReply = endpoint.call(placed.processor, start)[0]
            if reply.directory_errno:
                why = os.strerror(reply.directory_errno)
                raise ConfigError("cwd", f"{program.cwd}: {why} in the guest's tree")
            endpoint.call(MANAGER, Started(placed.pid))
        except (LinuxError, ConfigError):
            with contextlib.suppress(LinuxError):  # The processor may have given the pid back already.
                endpoint.call(MANAGER, Exited(placed.pid, placed.processor))
            raise
        except (KeyboardInterrupt, SystemExit):
            self._give_up(placed)
            raise
        return placed

    def _await_end(self, placed: PlacedReply, relay_signals: bool, terminal: HostTerminal | None = None) -> WaitReply:
        """Waits for the program, handing on signals and what is typed, and watching the components."""
        runtime = self._running()
        relay = SignalRelay() if relay_signals else None
        typing = contextlib.ExitStack()
        try:
            if terminal is not None:
                typing.enter_context(self._typing(placed, terminal))
            while True:
                for number in relay.take() if relay else ():
                    self._relay(placed, number, terminal)
                reply = self._wait(placed)
                if reply.lost:
                    raise PeerDown(reply.lost, reply.why)
                if reply.ended:
                    return reply
                lost = runtime.lost()
                if lost is not None:
                    raise PeerDown(*lost)
        except LinuxError as error:
            if error.errno != E.ESRCH:
                raise
            return WaitReply(True, signal=signal.SIGHUP)  # It did not hear from this process for long: it hung up.
        except (KeyboardInterrupt, SystemExit):
            self._give_up(placed)
            raise
        finally:
            typing.close()
            if relay is not None:
                relay.close()

    def _wait(self, placed: PlacedReply) -> WaitReply:
        """Asks once whether the program has ended. Who was stopped while waiting for the answer finds it late, and asks
        again."""
        runtime, wait = self._running(), Wait(placed.pid, WAIT_MS)
        try:
            reply: WaitReply = runtime.endpoint.call(placed.processor, wait, timeout_s=ANSWER_S + WAIT_MS / 1000)[0]
        except PeerTimeout:
            if runtime.lost() is not None:
                raise
            reply = runtime.endpoint.call(placed.processor, wait, timeout_s=ANSWER_S + WAIT_MS / 1000)[0]
        return reply

    def _give_up(self, placed: PlacedReply) -> None:
        """This process is to end, or to do something else: kills the program, and asks how it ended since nobody else
        will."""
        endpoint = self._running().endpoint
        with contextlib.suppress(FabricError):
            try:
                endpoint.call(placed.processor, Signal(placed.pid, signal.SIGKILL), timeout_s=ANSWER_S)
                endpoint.call(placed.processor, Wait(placed.pid, int(ANSWER_S * 1000)), timeout_s=2 * ANSWER_S)
            except LinuxError:  # It was not started, or is given up by the processor too.
                with contextlib.suppress(LinuxError):
                    endpoint.call(MANAGER, Exited(placed.pid, placed.processor))

    def _typing(self, placed: PlacedReply, terminal: HostTerminal) -> contextlib.AbstractContextManager[None]:
        """The program has the terminal for as long as this lasts."""
        endpoint = self._running().endpoint

        def send(data: bytes) -> int:
            reply = endpoint.call(placed.processor, TerminalInput(placed.pid), data, timeout_s=ANSWER_S)[0]
            count: int = reply.count
            return count

        def hung_up() -> None:
            endpoint.call(placed.processor, TerminalHangUp(placed.pid), timeout_s=ANSWER_S)

        return terminal.handed_over(send, hung_up)

    def _relay(self, placed: PlacedReply, number: int, terminal: HostTerminal | None) -> None:
        """A signal to this process is the program's; what tells of its terminal is for the program's own terminal."""
        if terminal is None or number not in (signal.SIGWINCH, signal.SIGHUP):
            self._signal(placed, number)
            return
        hangs_up = number == signal.SIGHUP
        with contextlib.suppress(LinuxError):  # It has ended: the next Wait says how.
            request = TerminalHangUp(placed.pid) if hangs_up else TerminalResize(placed.pid, terminal.size())
            self._running().endpoint.call(placed.processor, request, timeout_s=ANSWER_S)

    def _signal(self, placed: PlacedReply, number: int) -> None:
        try:
            self._running().endpoint.call(placed.processor, Signal(placed.pid, number), timeout_s=ANSWER_S)
        except LinuxError:
            return  # It has ended: the next Wait says how.

    def _fail(self, error: FabricError) -> MachineFailed:
        """Ends the machine after a failure, and says what it was in the words of whoever knows best."""
        component, why = error.component, error.why
        if self._runtime is not None:
            known = self._runtime.lost(NEWS_S if isinstance(error, PeerDown) else 0.0)
            if known is not None:
                component, why = known
            if component != MANAGER and not self._runtime.shared:  # Then its caretaker says so.
                with contextlib.suppress(FabricError, LinuxError):  # The machine ends anyway.
                    self._runtime.endpoint.call(MANAGER, Lost(component, why), timeout_s=NEWS_S)
        self._failure = MachineFailed(component, why)
        self.close()
        return self._failure

    def _snapshot(self) -> dict[str, Any]:
        """Asks every component for its counters."""
        endpoint = self._running().endpoint
        requests = {"P": ProcessorStatistics(), "M": MemoryStatistics(), "S": StorageStatistics()}
        rows: dict[str, list[dict[str, Any]]] = {"P": [], "M": [], "S": [], "G": []}
        links: list[dict[str, Any]] = []
        for name in component_names(self.config):
            reply, _ = endpoint.call(name, requests.get(name[0], ManagerStatistics()))
            row = msgspec.json.decode(reply.json, type=dict[str, Any])
            links += row.pop("links", [])
            rows[name[0]].append({"name": name, **row})
        return {
            "virtual_ns": max((row.get("virtual_ns", 0) for row in rows["P"]), default=0),
            "manager": rows["G"][0],
            "processors": rows["P"],
            "memories": rows["M"],
            "storages": rows["S"],
            "links": links,
        }

    def _gather(self, ended: WaitReply, wall_s: float, before: dict[str, Any] | None) -> dict[str, Any]:
        """What there is to say about a run; on a machine that others use too, what was counted since `before`."""
        counted = self._snapshot()
        if before is not None:
            counted = {**difference(counted, before), "virtual_ns": ended.virtual_ns}
        return {
            "exit_code": 128 + ended.signal if ended.signal else ended.code,
            "signal": ended.signal,
            "wall_seconds": round(wall_s, 6),
            "startup_seconds": round(self._startup_s, 6),
            "runtime": self.runtime_name,
            "config": describe(self.config),
            **counted,
        }


def _make_runtime(name: RuntimeName, config: MachineConfig) -> Runtime:
    if name == "inproc":
        from lego.runtime.inproc import InProcess

        return InProcess(config)
    if name == "ray":
        before = dict(os.environ)
        from lego.runtime.ray import OnRay

        os.environ.clear()  # Ray adds to it when it is imported, and guests would see that.
        os.environ.update(before)
        return OnRay(config)
    raise ValueError(f"{name!r} is no runtime; there are 'inproc' and 'ray'")
