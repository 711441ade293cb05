"""What comes to a processor from outside of the machine: front ends with their consoles, and whoever looks on.

A run belongs to the front end that started it, and a front end is known by the name it calls with. When its
connections end before the run has, it has died, and its console with it. The run is then hung up, as a shell is whose
terminal goes away (tty_ioctl(4), vhangup(2)): its first program and all of that one's group get SIGHUP and SIGCONT,
reading the console gives the end of the input and writing to it EIO. What has not ended `HANG_UP_S` of host
time later is killed, for nobody is left who could ask how it ended.

    outside.meet(sender, request)        a front end's console
    outside.started(sender, process)     a run begins; `collected` when its front end knows how it ended
    outside.departed(sender)             a front end's connections have ended

All but the last run on the scheduler's thread.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from lego.console.messages import GATE
from lego.fabric.errors import FabricError
from lego.linux.errno import E, LinuxError
from lego.linux.signal import NSIG, Sig, SigInfo
from pcomponent import family
from pcomponent.messages import Meet, ProcessesReply, ProcessRow
from pcomponent.signals import send_to_process
from pcomponent.tasks import name_of
from pcomponent.usage import process_times

if TYPE_CHECKING:
    from pcomponent.kernel import Kernel
    from pcomponent.process import Process
    from pcomponent.scheduler import Scheduler

HANG_UP_S = 2.0
"""Host time that a program has to end after its front end has died."""
TERMINAL_SIGNALS = (Sig.HUP, Sig.INT, Sig.QUIT, Sig.TSTP, Sig.CONT, Sig.WINCH)
"""Signals that come from the terminal, as far as the front end can know."""


class Outside:
    """The front ends of the runs on one processor."""

    def __init__(self, kernel: Kernel, scheduler: Scheduler) -> None:
        self._kernel = kernel
        self._scheduler = scheduler
        self._consoles: dict[str, set[str]] = {}
        """By the front end that has them."""
        self._runs: dict[int, str] = {}
        """The front end of each run, by the pid of its first program."""
        self._timers: set[threading.Timer] = set()
        self._closed = False
        kernel.hang_up = self._hang_up_of

    def close(self) -> None:
        """Nobody is killed any more."""
        self._closed = True
        for timer in list(self._timers):
            timer.cancel()

    # ---- front ends -----------------------------------------------------------------------------------

    def meet(self, sender: str, request: Meet) -> None:
        """Learns where a console is; without an address, forgets it."""
        consoles = self._consoles.setdefault(sender, set())
        if request.address:
            self._kernel.endpoint.meet(request.name, request.address)
            consoles.add(request.name)
            return
        self._kernel.endpoint.part(request.name)
        consoles.discard(request.name)
        if not consoles:
            del self._consoles[sender]

    def started(self, sender: str, process: Process) -> None:
        """A run has begun."""
        self._runs[process.pid] = sender

    def collected(self, process: Process) -> None:
        """The front end knows how it ended: nobody will ask again."""
        self._runs.pop(process.pid, None)
        if self._kernel.processes.get(process.pid) is process:
            family.forget(process)

    def departed(self, sender: str) -> None:
        """A caller has gone; called on any thread."""
        if not self._closed:
            with contextlib.suppress(RuntimeError):  # The scheduler has failed, which others tell of.
                self._scheduler.ask(lambda: self._leave(sender))

    def _leave(self, sender: str) -> None:
        for console in sorted(self._consoles.pop(sender, ())):
            self._kernel.endpoint.part(console)
        for pid in sorted(pid for pid, front in self._runs.items() if front == sender):
            process = self._kernel.processes.get(pid)
            if process is not None:
                self._hang_up(process)

    # ---- hanging up -----------------------------------------------------------------------------------

    def _hang_up_of(self, process: Process) -> None:
        """A process found its console gone."""
        self._kernel.endpoint.part(process.console)
        first = self._kernel.processes.get(process.kin.root)
        if first is not None and first.pid in self._runs:
            self._hang_up(first)

    def _hang_up(self, process: Process) -> None:
        """Ends the run of which `process` was the first program; its front end is not waited for."""
        del self._runs[process.pid]
        with contextlib.suppress(FabricError):  # Of a machine that is broken itself.
            if process.status is not None:
                self.collected(process)
                return
            process.kin.abandoned = True
            terminal = self._kernel.rendezvous.terminals.of_run(process)
            if terminal is not None:
                terminal.hang_up(self._scheduler.now_ns)
            for number in (Sig.HUP, Sig.CONT):
                self._signal_group(process, number)
        timer = threading.Timer(HANG_UP_S, self._kill_later, [process])
        timer.daemon = True
        self._timers = {each for each in self._timers if each.is_alive()} | {timer}
        timer.start()

    def _kill_later(self, process: Process) -> None:
        if not self._closed:
            with contextlib.suppress(RuntimeError):
                self._scheduler.ask(lambda: self._kill(process))

    def _kill(self, process: Process) -> None:
        if process.status is None:
            send_to_process(process, Sig.KILL, SigInfo.kernel(Sig.KILL))

    # ---- signals --------------------------------------------------------------------------------------

    def signal(self, process: Process, number: int) -> None:
        """A signal that the front end got: what a terminal sends is for all of the program's group."""
        if number in TERMINAL_SIGNALS:
            self._signal_group(process, number)
        elif process.status is None:
            send_to_process(process, number, SigInfo.kernel(number))

    def _signal_group(self, process: Process, number: int) -> None:
        for _, each in sorted(self._kernel.processes.items()):
            if each.group == process.group and each.status is None:
                send_to_process(each, number, SigInfo.kernel(number))

    def kill(self, pid: int, number: int) -> None:
        """kill(2) by root, from outside of the machine (as pid 0). ESRCH, EINVAL; EAGAIN when the queue is full."""
        process = self._kernel.processes.get(pid)
        if process is None:
            raise LinuxError(E.ESRCH)
        if not 0 <= number <= NSIG:
            raise LinuxError(E.EINVAL)
        if number and process.status is None:
            send_to_process(process, number, SigInfo.user(number, 0, 0))

    # ---- who is there ---------------------------------------------------------------------------------

    def everybody(self) -> ProcessesReply:
        """All processes of this processor, by pid, and how many front ends have something to do with it."""
        rows = [self._row(process) for _, process in sorted(self._kernel.processes.items())]
        return ProcessesReply(rows, sum(consoles != {GATE} for consoles in self._consoles.values()))

    def _row(self, process: Process) -> ProcessRow:
        user_ns, system_ns = process_times(process) if process.status is None else process.kin.used_ns
        first = next(iter(process.threads.values()))
        return ProcessRow(
            pid=process.pid,
            parent=process.parent,
            group=process.group,
            session=process.session,
            state=_state(process),
            terminal=f"pts/{process.terminal.index}" if process.terminal is not None else "",
            threads=len(process.threads),
            home=process.home,
            used_ns=user_ns + system_ns,
            name=name_of(first),
            arguments=[] if process.status is not None else process.arguments,
            first=process.kin.root == process.pid,
            seat=self._kernel.endpoint.name if process.seat is None else process.seat.name,
        )


def _state(process: Process) -> str:
    """As ps(1) has it."""
    if process.status is not None:
        letter = "Z"
    elif process.signals.stopped:
        letter = "T"
    else:
        letter = "R" if any(task.wait is None for task in process.threads.values()) else "S"
    more = process.status is None and len(process.threads) > 1
    foreground = process.terminal is not None and process.terminal.group == process.group
    return letter + "s" * (process.session == process.pid) + "l" * more + "+" * foreground
