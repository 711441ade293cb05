"""The scheduler of a processor component: one host thread that owns the kernel, the ExCache and the CPU.

Requests from other host threads are *jobs*, run between two turns, or two system calls of a turn. Every thread has a
clock, and every core: until when it was busy. The next turn goes to the thread that can start first, when its clock
and one of its cores allow it; among equals to the one that has waited longest. It runs for a quantum of instructions,
and its clock stays within a quantum of the others'. A deadline that comes before the next start is served first.

Futexes, locks and signals wake threads themselves (`waking.wake`); others are asked between turns when something
happened that they wait for (`pcomponent.run_queue`, `pcomponent.changes`). When no thread can run, the virtual clock
jumps to the next deadline, or the host waits for what comes from outside, in slices, so that jobs and signals are never
late by more than one. Nothing but that depends on the host's time.
"""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lego.fabric.errors import FabricError
from lego.observe.clock import Meter, current
from pcomponent import timers
from pcomponent.execution import FOREVER_NS, QUANTUM, Executor
from pcomponent.kernel import Kernel
from pcomponent.lifecycle import Lifecycle
from pcomponent.process import Process, Thread
from pcomponent.run_queue import alive
from pcomponent.signals import deliverable
from pcomponent.waiting import Wake
from pcomponent.waking import wake

if TYPE_CHECKING:
    from pcomponent.seats.table import Seat

SLICE_MS = 20
"""The longest that the host waits for the outside at a time."""
OUTSIDE_TURNS = 20
"""After how many turns of others the outside is asked for a thread that waits for it."""

SHORT_TURNS, SHORTEST_SHIFT = 4, 10
"""One turn in four is shorter, by up to 2 to the power of ten, so that no two threads keep running in a pattern in
which one always finds a lock taken that the other gives up and takes again."""


class Scheduler:
    """Runs all threads of a processor component."""

    def __init__(self, kernel: Kernel, executor: Executor, lifecycle: Lifecycle) -> None:
        self._kernel = kernel
        self._executor = executor
        self._lifecycle = lifecycle
        self._jobs = kernel.jobs
        self._changed = threading.Condition()
        self._reset()
        self._unpolled = 0
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def _reset(self) -> None:
        """An idle machine: its clocks and its randomness begin anew, so that a run does not depend on those before."""
        config = self._kernel.config
        self._kernel.rendezvous.ports.reset()
        self._cores: dict[Seat | None, list[int]] = {None: [0] * config.cores}
        """The clock of each core of each processor, this one's under None: until when it was busy."""
        self._now_ns = 0
        """The clock of the thread that ran last, or when a timer was due since: what they did, they did by then."""
        self._kernel.queue.clear()
        self._free_ns: dict[Seat | None, int] = {None: 0}
        """When the first core of each is free."""
        self._random = random.Random(f"{config.seed}/scheduler {self._kernel.endpoint.name}")
        """Makes turns up to a quarter shorter, so that each seed has an interleaving of its own."""

    @property
    def now_ns(self) -> int:
        """The clock of the thread that ran last, or when a timer was due since then."""
        return self._now_ns

    # ---- from other host threads ----------------------------------------------------------------------

    def ask(self, job: Callable[[], Any]) -> Any:
        """Runs a job on the scheduler's thread; returns its result or raises what it raised."""
        done = threading.Event()
        outcome: list[Any] = [None, None]

        def run() -> None:
            current.meter = Meter()
            try:
                outcome[0] = job()
            except BaseException as error:
                outcome[1] = error
            done.set()

        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=self._kernel.endpoint.name, daemon=True)
            self._thread.start()
        self._jobs.put(run)
        while not done.wait(1.0):
            if not self._thread.is_alive():
                raise RuntimeError(f"the scheduler has failed: {self._failure!r}")
        if outcome[1] is not None:
            raise outcome[1]
        return outcome[0]

    def admit(self, process: Process) -> None:
        """A program that was started while others run begins when a core is free, not at the clocks' zero."""
        free_ns = process.started_ns = self._free_ns.get(process.seat, 0)
        for task in process.threads.values():
            task.meter.now_ns = max(task.meter.now_ns, free_ns)

    def wait(self, ended: Callable[[], bool], timeout_s: float) -> bool:
        """Waits until `ended()`, asked whenever a process has ended."""
        with self._changed:
            return self._changed.wait_for(lambda: ended() or self._failure is not None, timeout_s) and ended()

    def close(self) -> None:
        """Ends the scheduler's thread."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(5.0)

    # ---- the loop -------------------------------------------------------------------------------------

    def _loop(self) -> None:
        try:
            while True:
                wait_s = 0.0 if self._busy() else None
                while (job := self._next_job(wait_s)) is not _NOTHING:
                    if job is None:
                        return
                    job()
                    wait_s = 0.0 if self._busy() else None
                self._turn()
        except BaseException as error:
            self._failure = error
            for process in self._running():
                process.lost = (self._kernel.endpoint.name, f"{type(error).__name__}: {error}")
            self._announce()
            raise

    def _next_job(self, timeout_s: float | None) -> Any:
        try:
            if timeout_s == 0.0:
                return self._jobs.get_nowait()
            return self._jobs.get(timeout=timeout_s)
        except queue.Empty:
            return _NOTHING

    def _running(self) -> list[Process]:
        return [process for process in self._kernel.processes.values() if process.status is None]

    def _busy(self) -> bool:
        return any(process.status is None for process in self._kernel.processes.values())

    def _turn(self) -> None:
        """One turn for one thread, or a wait when none can run."""
        task = self._next()
        if task is None:
            return
        quantum, until_ns = self._share(task)
        core = self._place(task)
        seat = task.process.seat
        self._unpolled += 1
        try:
            if task.ending is not None or task.process.ending is not None:
                self._lifecycle.go_on_ending(task)
            else:
                (self._executor if seat is None else seat.executor).step(task, quantum, until_ns)
        except FabricError as error:
            for process in self._running():
                self._lifecycle.lose(process, error)
        self._now_ns = task.meter.now_ns
        cores = self._cores[seat]
        for used in {core, task.core}:
            cores[used] = max(cores[used], task.meter.now_ns)
        self._free_ns[seat] = min(cores)
        if task.wait is None:
            self._kernel.turns += 1
            task.turn = self._kernel.turns
            if alive(task):
                self._kernel.queue.push(task)
        elif alive(task):
            self._kernel.queue.park(task)
        if task.process.status is not None:
            self._announce()
            if not self._busy():  # The next program finds an idle machine, whose clocks begin anew.
                self._reset()

    def _announce(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # ---- who is next ----------------------------------------------------------------------------------

    def _attend(self, process: Process) -> None:
        """Wakes the parked threads of a process that have a signal to take."""
        process.attention = False
        for task in process.threads.values():
            if task.wait is not None and deliverable(task):
                wake(task, self._now_ns, Wake.SIGNAL)

    def _start_ns(self, task: Thread) -> int:
        """When a runnable thread can run: when it is ready, and one of its cores is free."""
        affinity, seat = task.attributes.affinity, task.process.seat
        if seat not in self._cores:
            self._cores[seat], self._free_ns[seat] = [0] * self._kernel.config.cores, 0
        if not affinity:
            free_ns = self._free_ns[seat]
        else:
            free_ns = min(now_ns for core, now_ns in enumerate(self._cores[seat]) if affinity >> core & 1)
        return max(task.meter.now_ns, free_ns)

    def _place(self, task: Thread) -> int:
        """Puts a thread on a core: the one that it ran on when that is free in time, else the one free first."""
        start_ns = self._start_ns(task)
        cores = self._cores[task.process.seat]
        allowed = task.attributes.affinity_mask(len(cores))
        core = task.core
        if not allowed >> core & 1 or cores[core] > start_ns:
            core = min(
                (each for each in range(len(cores)) if allowed >> each & 1),
                key=lambda each: (max(cores[each], start_ns), each),
            )
        task.core = core
        task.meter.now_ns = max(start_ns, cores[core])
        return core

    def _next(self) -> Thread | None:
        """The runnable thread that can start first, unless somebody's deadline comes before that."""
        queue = self._kernel.queue
        for process in queue.attentive():
            self._attend(process)
        self._ask()
        task = queue.first(self._start_ns)
        if task is None:
            return self._idle()
        while (due := queue.next_deadline()) is not None and due[0] <= self._start_ns(task):
            self._expire(*due)
            task = queue.first(self._start_ns)
            assert task is not None
        return task

    def _share(self, task: Thread) -> tuple[int, int]:
        """How long a turn may be: (instructions, until when on the thread's clock)."""
        other = self._kernel.queue.first(self._start_ns, but=task)
        due = self._kernel.queue.next_deadline()
        until_ns = FOREVER_NS if due is None else due[0]
        if other is None:
            return QUANTUM, until_ns
        config = self._kernel.config
        quantum = config.quantum_instructions - self._random.randrange(config.quantum_instructions // 4 + 1)
        if not self._random.randrange(SHORT_TURNS):
            quantum = max(1, quantum >> self._random.randrange(SHORTEST_SHIFT + 1))
        turn_ns = quantum * config.instruction_ps // 1000
        return quantum, min(until_ns, max(self._start_ns(other), self._start_ns(task)) + turn_ns)

    def _ask(self) -> None:
        """Wakes the parked threads whose wait is over. The outside is asked only now and then, and asking takes no
        virtual time."""
        outside = self._unpolled >= OUTSIDE_TURNS
        if outside:
            self._unpolled = 0
            self._kernel.rendezvous.terminals.push()
        queue = self._kernel.queue
        for task in queue.to_ask(outside):
            wait = task.wait
            assert wait is not None and wait.ready is not None
            before_ns = task.meter.now_ns
            current.meter = task.meter
            if wait.ready(0):
                wake(task, self._now_ns)
            else:
                task.meter.now_ns = before_ns
                queue.not_ready(task)

    # ---- when nobody can run --------------------------------------------------------------------------

    def _idle(self) -> Thread | None:
        """Nobody can run: waits for the outside, or lets the clock jump. Returns who can run now, if anybody."""
        due = self._kernel.queue.next_deadline()
        outside = self._kernel.queue.outside()
        if not outside and self._kernel.rendezvous.terminals.attached:
            return self._idle_at_terminal(due)
        if not outside:
            if due is not None:
                return self._jump(due)
            # Only a signal from outside can end this: see to the jobs.
            job = self._next_job(SLICE_MS / 1000)
            if job is not _NOTHING:
                self._jobs.put(job)
            return None
        now_ns = max(task.meter.now_ns for task in outside)
        left_ms = SLICE_MS if due is None else max(0, -(-(due[0] - now_ns) // 1_000_000))
        for place, task in enumerate(outside):
            assert task.wait is not None and task.wait.ready is not None
            current.meter = task.meter
            if task.wait.ready(min(SLICE_MS, left_ms) if place == 0 else 0):
                wake(task, self._now_ns)
                return task
        if due is None:
            return None
        if left_ms <= SLICE_MS:
            return self._jump(due)
        # The deadline is waited for in host time, since what may come before it comes in host time.
        for task in self._sleepers():
            task.meter.now_ns += min(SLICE_MS, left_ms) * 1_000_000
        return None

    def _sleepers(self) -> list[Thread]:
        """The threads of all processes that run and are not stopped."""
        running = [process for process in self._running() if not process.signals.stopped]
        return [task for process in running for task in process.threads.values()]

    def _idle_at_terminal(self, due: tuple[int, Thread] | None) -> Thread | None:
        """Nobody can run, and somebody may type: a deadline is waited for in host time, and what is typed ends that."""
        self._kernel.rendezvous.terminals.push()
        tasks = self._sleepers()
        now_ns = max((task.meter.now_ns for task in tasks), default=0)
        left_ms = SLICE_MS if due is None else max(0, -(-(due[0] - now_ns) // 1_000_000))
        job = self._next_job(min(SLICE_MS, left_ms) / 1000)
        if job is not _NOTHING:
            self._jobs.put(job)
        elif due is not None and left_ms <= SLICE_MS:
            return self._jump(due)
        elif due is not None:
            for task in tasks:
                task.meter.now_ns += SLICE_MS * 1_000_000
        return None

    def _expire(self, when_ns: int, task: Thread) -> None:
        """A deadline is reached: a thread's wait ends, or its process's timer sends its signal."""
        process = task.process
        due_ns = timers.next_due_ns(process)
        if due_ns is not None and due_ns <= when_ns:
            before_ns = task.meter.now_ns
            task.meter.now_ns = max(before_ns, when_ns)
            timers.expire(task)
            if task.wait is not None:
                task.meter.now_ns = before_ns
            process.attention = False
            for each in process.threads.values():
                if each.wait is not None and deliverable(each):
                    wake(each, when_ns, Wake.SIGNAL)
            self._now_ns = when_ns
            self._ask()  # Who takes the signal out of a set, or from a file, has its time too.
        if task.wait is not None and task.wait.until_ns is not None and task.wait.until_ns <= when_ns:
            wake(task, when_ns, Wake.TIMEOUT)

    def _jump(self, due: tuple[int, Thread]) -> Thread | None:
        """Lets the clock reach a deadline. Returns who can run now."""
        self._expire(*due)
        return self._kernel.queue.first(self._start_ns)


_NOTHING = object()
