"""Which threads can run, which wait for a time, and which must be asked whether their wait is over.

Everything here costs a logarithm of the number of threads, or is proportional to those that something happened to:
- threads that can run, by (clock, turn), in a heap for each processor and set of its cores that they are bound to;
- deadlines of waits, by (time, turn), and the timers of processes, by time;
- parked threads by what ends their wait: a `Change`, the outside, or, when they do not say, anything, so that they are
  asked at every turn. Who is asked is asked in the order in which processes and threads were made.

Entries of heaps stay when they are overtaken by events: what is on top is checked, and dropped if it is not true any
more; when most of a heap is old, it is made anew. A turn's number is given once, so an entry with a thread's own number
is its last. Threads of a stopped process are dropped too, and come back when it goes on.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcomponent.changes import Change
    from pcomponent.process import Process, Thread
    from pcomponent.seats.table import Seat

Entry = tuple[int, int, "Thread"]
Place = tuple["Seat | None", int]
"""The processor, and the set of its cores, that threads are bound to."""


def alive(task: Thread) -> bool:
    """Whether a thread, and its process, have not ended."""
    process = task.process
    return process.status is None and process.threads.get(task.tid) is task


def _place(task: Thread) -> Place:
    return task.process.seat, task.attributes.affinity


def _waits(until_ns: int, turn: int, task: Thread) -> bool:
    """Whether a thread still waits for a time."""
    return task.turn == turn and task.wait is not None and task.wait.until_ns == until_ns and alive(task)


def _is_due(due_ns: int, process: Process) -> bool:
    return process.due_ns == due_ns and process.status is None


_ROOM = 64


class RunQueue:
    """The threads of one processor component."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing runs."""
        self._ready: dict[Place, list[Entry]] = {}
        self._deadlines: list[Entry] = []
        self._timers: list[tuple[int, tuple[int, int], Process]] = []
        self._room = [_ROOM, _ROOM]
        """How long the lists of deadlines and of timers may become before the old entries are taken out."""
        self._asked: dict[Thread, None] = {}
        self._polled: dict[Thread, None] = {}
        self._outside: dict[Thread, None] = {}
        self._listening: dict[Thread, list[Change]] = {}
        self._attentive: dict[Process, None] = {}
        self._held: dict[Process, None] = {}

    def __len__(self) -> int:
        """Threads that are parked with something that ends their wait."""
        return len(self._polled) + len(self._outside) + len(self._listening)

    @property
    def is_asking(self) -> bool:
        """Whether something happened since the last turn that a parked thread waits for."""
        return bool(self._asked)

    # ---- threads that can run --------------------------------------------------------------------------

    def push(self, task: Thread) -> None:
        """A thread can run, from its own clock on; its turn has just been given to it."""
        heap = self._ready.setdefault(_place(task), [])
        heapq.heappush(heap, (task.meter.now_ns, task.turn, task))

    def rebound(self, task: Thread) -> None:
        """A thread is bound to other cores now."""
        if task.wait is None:
            self.push(task)

    def first(self, start_ns: Callable[[Thread], int], but: Thread | None = None) -> Thread | None:
        """The thread that can start first, the one that waited longest among equals; never `but`."""
        found: tuple[int, int, int] | None = None
        best: Thread | None = None
        for place in list(self._ready):
            task = self._top(place, but)
            if task is None:
                del self._ready[place]
                continue
            order = (start_ns(task), task.meter.now_ns, task.turn)
            if found is None or order < found:
                found, best = order, task
        return best

    def _top(self, place: Place, but: Thread | None) -> Thread | None:
        heap = self._ready[place]
        while heap:
            now_ns, turn, task = heap[0]
            if task.turn == turn and task.wait is None and task is not but and alive(task):
                if task.process.signals.stopped:
                    self._held[task.process] = None
                elif _place(task) == place:
                    if task.meter.now_ns == now_ns:
                        return task
                    heapq.heapreplace(heap, (task.meter.now_ns, turn, task))
                    continue
            heapq.heappop(heap)
        return None

    # ---- waits -----------------------------------------------------------------------------------------

    def park(self, task: Thread) -> None:
        """A thread waits, by its `wait`; it is asked at the next turn, and then when something happens to it."""
        wait = task.wait
        assert wait is not None
        if wait.until_ns is not None:
            heapq.heappush(self._deadlines, (wait.until_ns, task.turn, task))
            if len(self._deadlines) > self._room[0]:
                self._deadlines = [entry for entry in self._deadlines if _waits(*entry)]
                heapq.heapify(self._deadlines)
                self._room[0] = 2 * len(self._deadlines) + _ROOM
        if wait.ready is None:
            return
        self._asked[task] = None
        if wait.outside:
            self._outside[task] = None
        else:
            self._listen(task)

    def _listen(self, task: Thread) -> None:
        wait = task.wait
        changes = None if wait is None or wait.changes is None else wait.changes()
        if changes is None:
            self._polled[task] = None
            return
        self._listening[task] = changes
        for change in changes:
            if change.listeners is None:
                change.listeners = {}
            change.listeners[task] = None

    def _stop_listening(self, task: Thread) -> None:
        for change in self._listening.pop(task, ()):
            if change.listeners is not None:
                change.listeners.pop(task, None)

    def unpark(self, task: Thread) -> None:
        """Its wait is over, or its life."""
        self._asked.pop(task, None)
        self._polled.pop(task, None)
        self._outside.pop(task, None)
        self._stop_listening(task)

    def ask(self, task: Thread) -> None:
        """Something happened to what a parked thread waits for."""
        self._asked[task] = None

    def not_ready(self, task: Thread) -> None:
        """It was asked, and still waits: for what may be something else now (a file was added to an epoll set)."""
        listening = self._listening.get(task)
        wait = task.wait
        if listening is not None and wait is not None and wait.changes is not None and wait.changes() != listening:
            self._stop_listening(task)
            self._listen(task)

    def to_ask(self, outside: bool) -> list[Thread]:
        """The threads that must be asked now, in order; with `outside` those too that wait for it."""
        if not self._asked and not self._polled and not (outside and self._outside):
            return []
        asked, self._asked = self._asked, {}
        found = {**asked, **self._polled, **(self._outside if outside else {})}
        return [task for task in sorted(found, key=_order) if self._can_be_asked(task, outside)]

    def _can_be_asked(self, task: Thread, outside: bool) -> bool:
        if not alive(task) or task.wait is None:
            self.unpark(task)
            return False
        if task.process.signals.stopped:
            self._held[task.process] = None
            return False
        return outside or not task.wait.outside

    def outside(self) -> list[Thread]:
        """The threads that wait for the outside, in order."""
        return [task for task in sorted(self._outside, key=_order) if self._can_be_asked(task, True)]

    # ---- times -----------------------------------------------------------------------------------------

    def timer(self, process: Process) -> None:
        """The next timer of a process is due at its `due_ns`."""
        heapq.heappush(self._timers, (process.due_ns, process.order, process))
        if len(self._timers) > self._room[1]:
            self._timers = [entry for entry in set(self._timers) if _is_due(entry[0], entry[2])]
            heapq.heapify(self._timers)
            self._room[1] = 2 * len(self._timers) + _ROOM

    def next_deadline(self) -> tuple[int, Thread] | None:
        """The earliest time at which a parked thread is to be woken or a process's timer is due, and which."""
        deadline, timer = self._next_wait(), self._next_timer()
        if timer is not None and (deadline is None or timer.due_ns < deadline[0]):
            return timer.due_ns, next(iter(timer.threads.values()))
        return deadline

    def _next_wait(self) -> tuple[int, Thread] | None:
        while self._deadlines:
            until_ns, turn, task = self._deadlines[0]
            if _waits(until_ns, turn, task):
                if not task.process.signals.stopped:
                    return until_ns, task
                self._held[task.process] = None
            heapq.heappop(self._deadlines)
        return None

    def _next_timer(self) -> Process | None:
        while self._timers:
            due_ns, _, process = self._timers[0]
            if _is_due(due_ns, process):
                if not process.signals.stopped:
                    return process
                self._held[process] = None
            heapq.heappop(self._timers)
        return None

    # ---- processes whose signals changed ---------------------------------------------------------------

    def attend(self, process: Process) -> None:
        """Its signals or threads changed: parked threads may have to be woken."""
        self._attentive[process] = None

    def attentive(self) -> Iterator[Process]:
        """Those processes, the oldest first, each once. A stopped one stays until it goes on."""
        if not self._attentive:
            return
        waiting, self._attentive = self._attentive, {}
        for process in sorted(waiting, key=_order):
            if process.status is not None or not process.attention:
                continue
            if process.signals.stopped:
                self._attentive[process] = None
                continue
            if process in self._held:
                self._bring_back(process)
            yield process

    def _bring_back(self, process: Process) -> None:
        """A process that was stopped goes on."""
        del self._held[process]
        for task in process.threads.values():
            if task.wait is None:
                self.push(task)
                continue
            if task.wait.until_ns is not None:
                heapq.heappush(self._deadlines, (task.wait.until_ns, task.turn, task))
            if task.wait.ready is not None:
                self._asked[task] = None
        self.timer(process)


def _order(each: Thread | Process) -> tuple[int, int]:
    return each.order
