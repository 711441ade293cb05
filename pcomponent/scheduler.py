"""The scheduler of a processor component: one host thread that owns the kernel, the ExCache and the CPU.

Requests from other host threads are *jobs*, run between two turns. The runnable thread whose clock is lowest gets
the next turn; when none can run, the virtual clock jumps to the next deadline, or the host waits for what comes
from outside, in slices, so that jobs and signals are never late by more than one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from lego.fabric.errors import FabricError
from lego.observe.clock import Meter, current
from pcomponent import timers
from pcomponent.execution import Executor
from pcomponent.kernel import Kernel
from pcomponent.lifecycle import Lifecycle
from pcomponent.process import Process, Thread
from pcomponent.signals import deliverable
from pcomponent.waiting import Wake

SLICE_MS = 20
"""The longest that the host waits for the outside at a time."""


class Scheduler:
    """Runs all threads of a processor component."""

    def __init__(self, kernel: Kernel, executor: Executor, lifecycle: Lifecycle) -> None:
        self._kernel = kernel
        self._executor = executor
        self._lifecycle = lifecycle
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

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
                wait_s = None if not self._running() else 0.0
                while (job := self._next_job(wait_s)) is not _NOTHING:
                    if job is None:
                        return
                    job()
                    wait_s = None if not self._running() else 0.0
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

    def _turn(self) -> None:
        """One turn for one thread, or a wait when none can run."""
        tasks = [task for process in self._running() for task in process.threads.values()]
        runnable = [task for task in tasks if self._ready(task)]
        task = min(runnable, key=lambda each: (each.meter.now_ns, each.tid)) if runnable else self._idle(tasks)
        if task is None:
            return
        try:
            self._executor.step(task)
        except FabricError as error:
            for process in self._running():
                self._lifecycle.lose(process, error)
        if task.process.status is not None:
            self._announce()

    def _announce(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _ready(self, task: Thread) -> bool:
        """Whether a thread can run now; one whose wait is over is told why."""
        wait = task.wait
        if wait is None:
            return True
        if deliverable(task):
            return self._wake(task, Wake.SIGNAL)
        if wait.ready is not None:
            current.meter = task.meter
            if wait.ready(0):
                return self._wake(task, Wake.READY)
        return False

    def _wake(self, task: Thread, why: Wake) -> bool:
        task.wait, task.wake = None, why
        return True

    def _idle(self, tasks: list[Thread]) -> Thread | None:
        """Nobody can run: waits for the outside, or lets the clock jump. Returns who can run now, if anybody."""
        due = self._next_deadline(tasks)
        outside = [task for task in tasks if task.wait is not None and task.wait.outside]
        if not outside:
            if due is not None:
                return self._jump(due[0], due[1])
            # Only a signal from outside can end this: see to the jobs.
            job = self._next_job(SLICE_MS / 1000)
            if job is not _NOTHING:
                self._jobs.put(job)
            return None
        left_ms = SLICE_MS if due is None else max(0, -(-(due[0] - due[1].meter.now_ns) // 1_000_000))
        task = outside[0]
        assert task.wait is not None and task.wait.ready is not None
        current.meter = task.meter
        if task.wait.ready(min(SLICE_MS, left_ms)):
            self._wake(task, Wake.READY)
            return task
        if due is None:
            return None
        if left_ms <= SLICE_MS:
            return self._jump(due[0], due[1])
        # The deadline is waited for in host time, since what may come before it comes in host time.
        for each in tasks:
            each.meter.now_ns += min(SLICE_MS, left_ms) * 1_000_000
        return None

    def _next_deadline(self, tasks: list[Thread]) -> tuple[int, Thread] | None:
        """The earliest time at which a waiting thread is to be woken, and which."""
        found: list[tuple[int, int, Thread]] = []
        for task in tasks:
            if task.wait is not None and task.wait.until_ns is not None:
                found.append((task.wait.until_ns, task.tid, task))
            due_ns = timers.next_due_ns(task.process)
            if due_ns is not None:
                found.append((due_ns, task.tid, task))
        if not found:
            return None
        when, _, task = min(found, key=lambda each: each[:2])
        return when, task

    def _jump(self, when_ns: int, task: Thread) -> Thread | None:
        """Lets the clock of a sleeping thread reach a deadline: of its wait, or of a timer."""
        task.meter.now_ns = max(task.meter.now_ns, when_ns)
        timers.expire(task)
        if deliverable(task):
            self._wake(task, Wake.SIGNAL)
            return task
        if task.wait is not None and task.wait.until_ns is not None and task.wait.until_ns <= task.meter.now_ns:
            self._wake(task, Wake.TIMEOUT)
            return task
        return None


_NOTHING = object()
