"""Two processes on one kernel that talk: calls that block are kept, and go on when they can."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from kerneltask import FakeKernel, new_process, start

from lego.linux.errno import LinuxError
from pcomponent.changes import Change
from pcomponent.waiting import Interrupted, Wait, Wake


class Blocked:
    """A call in the middle: `wait` is what it waits for, `result` what it returned or raised. It is asked whether it
    can go on only once one of the changes happened that it says it waits for, as the scheduler does it."""

    def __init__(self, task: Any, name: str, *arguments: Any) -> None:
        self.task = task
        self.wait: Wait | None = None
        self.result: Any = None
        self._changes: list[Change] | None = None
        self._asked = False
        try:
            result = start(task, name, *arguments)
        except LinuxError as error:
            result = error
        self._call = result if isinstance(result, Generator) else None
        if self._call is None:
            self.result = result
        else:
            self.go_on(None)

    def go_on(self, wake: Wake | None) -> None:
        """Resumes the call."""
        assert self._call is not None
        self._listen(None)
        try:
            self.wait = self._call.send(wake)
        except StopIteration as done:
            self.wait, self.result = None, done.value
        except (LinuxError, Interrupted) as error:
            self.wait, self.result = None, error
        wait = self.wait
        self._asked = True
        self._listen(None if wait is None or wait.changes is None or wait.outside else wait.changes())

    def _listen(self, changes: list[Change] | None) -> None:
        for change in self._changes or ():
            change.ignore(self)
        self._changes = changes
        for change in changes or ():
            change.watch(self)

    def stirred(self) -> None:
        """One of the changes happened."""
        self._asked = True

    def look(self) -> Any:
        """What a turn of the scheduler does: the call goes on if it is ready. Returns its result so far."""
        if self.wait is None or self.wait.ready is None or not (self._asked or self._changes is None):
            return self.result
        self._asked = False
        if self.wait.ready(0):
            self.go_on(Wake.READY)
        elif self._changes is not None and self.wait.changes is not None:
            self._listen(self.wait.changes())
        return self.result

    @property
    def blocked(self) -> bool:
        """Whether it still waits."""
        self.look()
        return self.wait is not None


def two_tasks() -> tuple[Any, Any]:
    """Two processes; the second has the first one's descriptors once `share` was called."""
    kernel = FakeKernel()
    return new_process(kernel, 10), new_process(kernel, 11)


def share(parent: Any, child: Any) -> None:
    """What fork does to descriptors."""
    child.process.files = parent.process.files.copy()


def numbers(task: Any, address: int) -> tuple[int, int]:
    """Two descriptors that a call wrote."""
    raw = task.memory.read(address, 8)
    return int.from_bytes(raw[:4], "little"), int.from_bytes(raw[4:], "little")
