"""The storage monitor: serves the door of one storage component.

    monitor = StorageMonitor("S0", {1: Namespace(config.mounts)})
    reply, payload = monitor.handle("P0", request, payload)
    monitor.close_all()

It is stateless towards processes, as LegoOS's is: file offsets, descriptors and working directories are the
processor's. What it keeps are open files and the identities of regular files. Any number of threads may call `handle`.
"""

from __future__ import annotations

import resource
from typing import Any

import msgspec

from lego.fabric.wire import Buffer, Done
from lego.linux.errno import E, LinuxError
from scomponent import messages
from scomponent.attributes import Attributes
from scomponent.callers import acting_for
from scomponent.contents import Contents
from scomponent.directories import Directories
from scomponent.files import DESCRIPTORS_RESERVED, HANDLES_MAX, Files
from scomponent.messages import Elsewhere, EndRun, OnBehalf, Statistics, StatisticsReply
from scomponent.mounts import LeadsElsewhere
from scomponent.namespace import Namespace
from scomponent.naming import Naming
from scomponent.opening import Opening
from scomponent.storage import Result, Storage, Table
from scomponent.xattrs import Xattrs


def handle_limit() -> int:
    """How many handles may be open: this process's descriptors, as many as it may have, less a reserve."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):  # "unlimited" may be more than the host's fs.nr_open.
            pass
    if soft == resource.RLIM_INFINITY:
        return HANDLES_MAX
    return max(1, min(HANDLES_MAX, soft - DESCRIPTORS_RESERVED))


class StorageMonitor:
    """One storage component: `namespaces` has the tree of each vNode; `epoch_s` is the guests' clock when the machine
    starts, None when files are to have the host's times."""

    door = messages.DOOR

    def __init__(self, name: str, namespaces: dict[int, Namespace], epoch_s: int | None = None) -> None:
        self.name = name
        self._storage = Storage(name, namespaces, Files(name, handle_limit()), epoch_s)
        self._table: Table = {Statistics: self._statistics, EndRun: self._end_run, OnBehalf: self._on_behalf}
        for family in (Opening, Contents, Attributes, Directories, Naming, Xattrs):
            self._table.update(family(self._storage).table)

    def handle(self, sender: str, request: Any, payload: Buffer) -> Result:
        """Serves one request. Raises `LinuxError`."""
        kind = type(request)
        tally = self._storage.tally
        tally.count("requests", (type(request.request) if kind is OnBehalf else kind).__name__)
        try:
            return self._table[kind](request, payload)
        except LeadsElsewhere as elsewhere:
            tally.add(elsewhere=1)
            return Elsewhere(elsewhere.path), b""
        except LinuxError as error:
            tally.count("errors", error.name)
            raise
        except OSError as error:
            # EMFILE is this component's own limit; to the guest the system as a whole is out of files.
            number = E.ENFILE if error.errno == E.EMFILE else error.errno or E.EIO
            failed = LinuxError(number)
            tally.count("errors", failed.name)
            raise failed from error

    def statistics(self) -> dict[str, Any]:
        """The component's name and all counters."""
        return {"name": self.name, **self._storage.tally.snapshot(len(self._storage.files))}

    def close_all(self) -> None:
        """Gives all handles and mounts back; the component serves nothing afterwards."""
        self._storage.files.close_all()
        for namespace in self._storage.namespaces.values():
            namespace.close()

    def close(self) -> None:
        """What a runtime calls when the machine ends."""
        self.close_all()

    def _on_behalf(self, request: OnBehalf, payload: Buffer) -> Result:
        with acting_for(request.caller):
            return self._table[type(request.request)](request.request, payload)

    def _end_run(self, request: EndRun, _: Buffer) -> Result:
        for place in self._storage.namespace(request.vnode).memory:
            place.empty()
        self._storage.stamps.end_run()
        return Done(), b""

    def _statistics(self, request: Statistics, _: Buffer) -> Result:
        return StatisticsReply(msgspec.json.encode(self.statistics())), b""
