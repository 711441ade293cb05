"""poll and select, on files and terminals. Source: fs/select.c.

Both become a list of (file, events) that is looked at until something holds, the time is over, or a signal comes.
ppoll and pselect6 wait with another signal mask; when a signal ends the wait, its handler still runs
with that mask, and the old one comes back after it (set_restore_sigmask).
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent import signals
from pcomponent.changes import Change
from pcomponent.files.base import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLNVAL,
    POLLOUT,
    POLLPRI,
    POLLRDNORM,
    POLLWRNORM,
    OpenFile,
)
from pcomponent.rlimits import NR_OPEN, Resource
from pcomponent.syscalls.table import syscall
from pcomponent.waiting import Interrupted, Wait, Wake

if TYPE_CHECKING:
    from pcomponent.process import Thread

POLLRDBAND, POLLWRBAND = 0x80, 0x200
_IN = POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR
_OUT = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR
_EXCEPT = POLLPRI
_POLLFD = struct.Struct("<ihh")
_TIME = struct.Struct("<qq")  # struct timespec, struct timeval
_SIGSET = struct.Struct("<Q")
_SIGSET_AND_SIZE = struct.Struct("<QQ")
_S = 10**9
_2_63 = 1 << 63

Watched = list[tuple[OpenFile, int]]
"""Files, and all bits that end the wait."""
Waiting = Generator[Wait, Wake, int]


# ---- waiting ---------------------------------------------------------------------------------------------


def _look(task: Thread, watched: Watched, wait_ms: int = 0) -> list[int]:
    """What holds now for each file; may wait for the outside."""
    found = [_events(task, file, events, 0) for file, events in watched]
    outside = [index for index, (file, _) in enumerate(watched) if file.polls_outside]
    if wait_ms and not any(found):
        for index in outside:
            file, events = watched[index]
            found[index] = _events(task, file, events, max(1, wait_ms // len(outside)))
            if found[index]:
                break
    return found


def _events(task: Thread, file: OpenFile, events: int, wait_ms: int) -> int:
    try:
        return file.poll(task, events, wait_ms) & events
    except LinuxError:
        return POLLERR & events


def _watch(task: Thread, watched: Watched, deadline_ns: int | None) -> Generator[Wait, Wake, list[int]]:
    """Waits until something holds for one of the files, or the deadline. Raises `Interrupted`."""
    while True:
        found = _look(task, watched)
        if any(found) or (deadline_ns is not None and task.kernel.monotonic_ns(task) >= deadline_ns):
            return found
        due = [due_ns for file, _ in watched if (due_ns := file.due_ns(task)) is not None]
        wake = yield Wait(
            ready=(lambda wait_ms: any(_look(task, watched, wait_ms))) if watched else None,
            until_ns=min(due if deadline_ns is None else [*due, deadline_ns], default=None),
            outside=any(file.polls_outside for file, _ in watched),
            changes=lambda: _changes(task, watched),
        )
        if wake is not Wake.SIGNAL:
            continue
        found = _look(task, watched)
        if not any(found):
            # Never restarted after a handler, whatever SA_RESTART says (signal(7)).
            raise Interrupted(restart=False, restart_unhandled=True)
        return found


def _changes(task: Thread, watched: Watched) -> list[Change] | None:
    """What must happen before `_look` can find more."""
    found: list[Change] = []
    for file, _ in watched:
        changes = file.changes(task)
        if changes is None:
            return None
        found += changes
    return found


def _deadline(task: Thread, timeout_ns: int | None) -> int | None:
    return None if timeout_ns is None else task.kernel.monotonic_ns(task) + timeout_ns


def _read_time(task: Thread, pointer: int, unit_ns: int) -> int | None:
    """A struct timespec (unit 1) or timeval (unit 1,000) as nanoseconds; None for a null pointer. EINVAL."""
    if not pointer:
        return None
    seconds, fraction = task.memory.read_struct(_TIME, pointer)
    if unit_ns == 1000:  # select(2) accepts more than a second's microseconds, and adds them up as C does.
        whole = abs(fraction) // 10**6 * (1 if fraction >= 0 else -1)
        seconds, fraction = (seconds + whole + _2_63) % (2 * _2_63) - _2_63, fraction - whole * 10**6
    if seconds < 0 or not 0 <= fraction * unit_ns < _S:
        raise LinuxError(E.EINVAL)
    return int(seconds) * _S + int(fraction) * unit_ns


def _write_time_left(task: Thread, pointer: int, unit_ns: int, deadline_ns: int | None) -> None:
    """poll_select_finish: how much time was left; an unwritable place is not an error."""
    if not pointer or deadline_ns is None:
        return
    left = max(0, deadline_ns - task.kernel.monotonic_ns(task))
    try:
        task.memory.write_struct(_TIME, pointer, left // _S, left % _S // unit_ns)
    except LinuxError as error:
        if error.errno != E.EFAULT:
            raise


def read_mask(task: Thread, pointer: int, size: int) -> int | None:
    """The signal mask that a call waits with; None for a null pointer. EINVAL; EFAULT."""
    if not pointer:
        return None
    if size != _SIGSET.size:
        raise LinuxError(E.EINVAL)
    (mask,) = task.memory.read_struct(_SIGSET, pointer)
    return int(mask)


def with_mask(task: Thread, mask: int | None, waiting: Waiting) -> Waiting:
    """Runs a wait with another signal mask."""
    if mask is None:
        return (yield from waiting)
    before = task.signal_mask
    signals.set_mask(task, mask)
    try:
        result = yield from waiting
    except Interrupted:
        task.signals.saved_mask = before
        raise
    except BaseException:
        task.signal_mask = before
        raise
    task.signal_mask = before
    return result


# ---- poll ------------------------------------------------------------------------------------------------


@syscall(7, "poll", "pointer", "uint", "int")
def poll(task: Thread, pointer: int, count: int, timeout_ms: int) -> Waiting:
    """poll(2)."""
    timeout = None if timeout_ms < 0 else timeout_ms * 10**6
    return _poll_until(task, pointer, count, _deadline(task, timeout))


def _poll_until(task: Thread, pointer: int, count: int, deadline: int | None) -> Waiting:
    try:
        return (yield from _poll(task, pointer, count, deadline))
    except Interrupted:  # Its time goes on running while no handler does.
        go_on = lambda: _poll_until(task, pointer, count, deadline)  # noqa: E731
        raise Interrupted(restart=False, go_on=go_on) from None


@syscall(271, "ppoll", "pointer", "uint", "pointer", "pointer", "size")
def ppoll(task: Thread, pointer: int, count: int, timeout: int, mask: int, size: int) -> Waiting:
    """ppoll(2). The timeout's place receives what was left of it."""
    deadline = _deadline(task, _read_time(task, timeout, 1))
    temporary = read_mask(task, mask, size)
    return _finishing(task, timeout, 1, deadline, with_mask(task, temporary, _poll(task, pointer, count, deadline)))


def _finishing(task: Thread, pointer: int, unit_ns: int, deadline: int | None, waiting: Waiting) -> Waiting:
    try:
        return (yield from waiting)
    finally:
        _write_time_left(task, pointer, unit_ns, deadline)


def _poll(task: Thread, pointer: int, count: int, deadline_ns: int | None) -> Waiting:
    if count > task.process.limits.soft(Resource.NOFILE):
        raise LinuxError(E.EINVAL)
    asked = list(_POLLFD.iter_unpack(task.memory.read(pointer, count * _POLLFD.size))) if count else []
    results = [0] * count
    watched: Watched = []
    places = []
    for index, (fd, events, _) in enumerate(asked):
        if fd < 0:
            continue
        try:
            file = task.process.files.get(fd)
        except LinuxError:
            results[index] = POLLNVAL
            continue
        watched.append((file, events & 0xFFFF | POLLERR | POLLHUP))
        places.append(index)
    if any(results):
        found = _look(task, watched)
    else:
        found = yield from _watch(task, watched, deadline_ns)
    for index, bits, (file, _) in zip(places, found, watched, strict=True):
        gone = bool(bits) and not task.process.files.has(asked[index][0], file)  # Closed by another thread meanwhile.
        results[index] = POLLNVAL if gone else bits
    for index, bits in enumerate(results):
        task.memory.write(pointer + index * _POLLFD.size + 6, bits.to_bytes(2, "little"))
    return sum(1 for bits in results if bits)


# ---- select ----------------------------------------------------------------------------------------------


@syscall(23, "select", "int", "pointer", "pointer", "pointer", "pointer")
def select(task: Thread, count: int, readers: int, writers: int, others: int, timeout: int) -> Waiting:
    """select(2). The timeout's place receives what was left of it."""
    deadline = _deadline(task, _read_time(task, timeout, 1000))
    waiting = _select(task, count, (readers, writers, others), deadline)
    return _finishing(task, timeout, 1000, deadline, waiting)


@syscall(270, "pselect6", "int", "pointer", "pointer", "pointer", "pointer", "pointer")
def pselect6(
    task: Thread, count: int, readers: int, writers: int, others: int, timeout: int, mask_and_size: int
) -> Waiting:
    """pselect6(2): the last argument points to the mask's address and size."""
    mask, size = task.memory.read_struct(_SIGSET_AND_SIZE, mask_and_size) if mask_and_size else (0, 0)
    deadline = _deadline(task, _read_time(task, timeout, 1))
    temporary = read_mask(task, mask, size)
    waiting = _select(task, count, (readers, writers, others), deadline)
    return _finishing(task, timeout, 1, deadline, with_mask(task, temporary, waiting))


def _select(task: Thread, count: int, pointers: tuple[int, int, int], deadline_ns: int | None) -> Waiting:
    if count < 0:
        raise LinuxError(E.EINVAL)
    count = min(count, NR_OPEN)
    size = (count + 63) // 64 * 8
    sets = [int.from_bytes(task.memory.read(at, size), "little") if at else 0 for at in pointers]
    sets = [bits & (1 << count) - 1 for bits in sets]
    kinds = (_IN, _OUT, _EXCEPT)
    descriptors = _numbers(sets[0] | sets[1] | sets[2])
    watched: Watched = []
    for fd in descriptors:
        events = 0
        for kind, bits in zip(kinds, sets, strict=True):
            events |= kind if bits >> fd & 1 else 0
        watched.append((task.process.files.get(fd), events))
    found = yield from _watch(task, watched, deadline_ns)
    total = 0
    for kind, bits, at in zip(kinds, sets, pointers, strict=True):
        hits = [fd for fd, events in zip(descriptors, found, strict=True) if bits >> fd & 1 and events & kind]
        total += len(hits)
        if at:
            task.memory.write(at, sum(1 << fd for fd in hits).to_bytes(size, "little"))
    return total


def _numbers(bits: int) -> list[int]:
    """The numbers of the bits that are set, in order."""
    numbers = []
    while bits:
        lowest = bits & -bits
        numbers.append(lowest.bit_length() - 1)
        bits ^= lowest
    return numbers
