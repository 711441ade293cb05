"""When files changed, by the guest's clock.

    stamps.note(os.fstat(fd), contents=True)     # after the guest has written to a file
    stat = stamps.view(os.fstat(fd))             # what the guest is shown

The host stamps what the guest changes with its own clock, which has nothing to do with the guest's: a file just
written would be years in the guest's future, `make` would complain of clock skew, and two runs would print
different times. So this component remembers for each inode that the guest changed what the host's times were then,
and what the guest's clock showed. As long as the host still says the same, the guest is shown its own time; a time
that the host has changed since is somebody else's doing, and shown as it is. The host's files keep the host's times.

A time that the guest sets itself (utimensat) is set on the host, and so is the same for both.

When a run ends, and with it the guest's clock begins anew (`end_run`), all that was remembered moves back by the
length of the run: into the past of the next one, in the same order.

What is remembered is lost with the machine, and for all but the latest `STAMPS_MAX` files; then the host's times show.
Prior art: inode_set_ctime_current and inode_update_timestamps (fs/inode.c) say which call changes which time.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

import msgspec

from lego.linux.stat import Stat
from lego.observe.clock import current

STAMPS_MAX = 16_384


class _Times:
    """The host's times of an inode when the guest changed it, and the guest's. All in nanoseconds."""

    __slots__ = (
        "atime_ns", "birth_ns", "ctime_ns", "host_atime_ns", "host_birth_ns", "host_ctime_ns", "host_mtime_ns",
        "mtime_ns",
    )  # fmt: skip

    def __init__(self, host: os.stat_result) -> None:
        self.host_atime_ns = self.atime_ns = host.st_atime_ns
        self.host_mtime_ns = self.mtime_ns = host.st_mtime_ns
        self.host_ctime_ns = self.ctime_ns = host.st_ctime_ns
        self.birth_ns: int | None = None
        """When the guest made it, if it did, ..."""
        self.host_birth_ns: int | None = None
        """... and what the host says of that, once somebody asked."""

    def move_back(self, ns: int) -> None:
        """Lets the guest's own times be earlier; those that are the host's, or were set, stay."""
        self.atime_ns -= ns if self.atime_ns != self.host_atime_ns else 0
        self.mtime_ns -= ns if self.mtime_ns != self.host_mtime_ns else 0
        self.ctime_ns -= ns if self.ctime_ns != self.host_ctime_ns else 0
        if self.birth_ns is not None:
            self.birth_ns -= ns


class Stamps:
    """The times of one storage component's files. `epoch_s` None: the guest is shown the host's times. Any number of
    threads may use it."""

    def __init__(self, epoch_s: int | None, limit: int = STAMPS_MAX) -> None:
        self._epoch_ns = None if epoch_s is None else epoch_s * 10**9
        self._limit = limit
        self._latest_ns = 0
        """The latest time given in this run."""
        self._known: OrderedDict[tuple[int, int], _Times] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def note(self, host: os.stat_result, *, contents: bool = False, fresh: bool = False) -> None:
        """After a change by the guest: the attributes as the host has them now. The time of the last change moves
        always, that of the contents with `contents`, and all of a file that was just made with `fresh`."""
        if self._epoch_ns is None:
            return
        with self._lock:
            times = self._times(host, forget=fresh)
            now_ns = self._change(times, host)
            if contents or fresh:
                times.host_mtime_ns, times.mtime_ns = host.st_mtime_ns, now_ns
            if fresh:
                times.host_atime_ns, times.atime_ns = host.st_atime_ns, now_ns
                times.birth_ns = now_ns

    def note_set(self, host: os.stat_result, *, accessed: bool, contents: bool, clock_ns: int | None = None) -> None:
        """After the guest has set the time of the last access, of the contents' last change, or both: those that it
        has set are the host's as well. With `clock_ns` one of them is the clock's, and so the last change is of that
        time, as it is of one moment on Linux: find -used subtracts them."""
        if self._epoch_ns is None:
            return
        with self._lock:
            times = self._times(host, forget=False)
            changed_ns = self._change(times, host, clock_ns)
            if accessed:
                times.host_atime_ns = times.atime_ns = host.st_atime_ns
                times.atime_ns = changed_ns if times.atime_ns == clock_ns else times.atime_ns
            if contents:
                times.host_mtime_ns = times.mtime_ns = host.st_mtime_ns
                times.mtime_ns = changed_ns if times.mtime_ns == clock_ns else times.mtime_ns

    def view(self, stat: Stat) -> Stat:
        """The attributes as the guest is shown them."""
        shown = self.times(stat.dev, stat.ino, stat.atime_ns, stat.mtime_ns, stat.ctime_ns)
        if shown == (stat.atime_ns, stat.mtime_ns, stat.ctime_ns):
            return stat
        return msgspec.structs.replace(stat, atime_ns=shown[0], mtime_ns=shown[1], ctime_ns=shown[2])

    def changed(self, host: os.stat_result) -> tuple[int, int]:
        """(mtime_ns, ctime_ns) as the guest is shown them."""
        return self.times(host.st_dev, host.st_ino, host.st_atime_ns, host.st_mtime_ns, host.st_ctime_ns)[1:]

    def times(self, device: int, inode: int, atime_ns: int, mtime_ns: int, ctime_ns: int) -> tuple[int, int, int]:
        """The guest's times for an inode of which the host says these."""
        with self._lock:
            known = self._known.get((device, inode))
            if known is None:
                return atime_ns, mtime_ns, ctime_ns
            if atime_ns != known.host_atime_ns:  # It was read since, by the guest for all we know.
                known.host_atime_ns, known.atime_ns = atime_ns, self._now_ns()
            return (
                known.atime_ns,
                known.mtime_ns if mtime_ns == known.host_mtime_ns else mtime_ns,
                known.ctime_ns if ctime_ns == known.host_ctime_ns else ctime_ns,
            )

    def birth(self, stat: Stat, host_ns: int) -> int:
        """When a file was made, of which the host says `host_ns`; another birth than before is another file's."""
        with self._lock:
            known = self._known.get((stat.dev, stat.ino))
            if known is None or known.birth_ns is None:
                return host_ns
            if known.host_birth_ns is None:
                known.host_birth_ns = host_ns
            return known.birth_ns if known.host_birth_ns == host_ns else host_ns

    def end_run(self) -> None:
        """The next program finds a clock that begins anew: what was changed so far was changed before that."""
        if self._epoch_ns is None:
            return
        with self._lock:
            past_ns, self._latest_ns = max(0, self._latest_ns - self._epoch_ns), 0
            for times in self._known.values():
                times.move_back(past_ns)

    def _now_ns(self, clock_ns: int | None = None) -> int:
        assert self._epoch_ns is not None, "there is nothing to look up without an epoch"
        now_ns = self._epoch_ns + current.meter.at_ns if clock_ns is None else clock_ns
        self._latest_ns = max(self._latest_ns, now_ns)
        return now_ns

    def _change(self, times: _Times, host: os.stat_result, clock_ns: int | None = None) -> int:
        """Moves the time of the last change; caches that compare times must see each, so no two are the same."""
        now_ns = self._now_ns(clock_ns)
        if now_ns <= times.ctime_ns < now_ns + 1000:
            now_ns = times.ctime_ns + 1
            self._latest_ns = max(self._latest_ns, now_ns)
        times.host_ctime_ns, times.ctime_ns = host.st_ctime_ns, now_ns
        return now_ns

    def _times(self, host: os.stat_result, forget: bool) -> _Times:
        key = (host.st_dev, host.st_ino)
        times = None if forget else self._known.get(key)
        if times is None:
            times = self._known[key] = _Times(host)
        self._known.move_to_end(key)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return times
