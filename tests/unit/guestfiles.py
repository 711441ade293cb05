"""A storage component as its callers see it: every request goes over the fabric's loopback, encoded and decoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from lego.config import Mount
from lego.fabric.endpoint import Endpoint
from lego.fabric.loopback import Loopback
from lego.fabric.network import Network
from lego.fabric.wire import Request
from lego.linux.errno import LinuxError
from lego.linux.fcntl import O_RDONLY
from scomponent import messages as m
from scomponent.monitor import StorageMonitor
from scomponent.namespace import Namespace

VNODE = 1


class Guest:
    """One vNode with the given mounts, and shorthands for what tests ask most often."""

    def __init__(self, mounts: Sequence[Mount], pseudo: Sequence[str] = ("/proc", "/dev", "/sys")) -> None:
        self.monitor = StorageMonitor("S0", {VNODE: Namespace(mounts, pseudo)})
        fabric = Loopback()
        fabric.attach(self.monitor)
        self.endpoint = Endpoint("P0", fabric, Network())

    def __enter__(self) -> Guest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.monitor.close_all()

    def call(self, request: Request, payload: bytes = b"") -> Any:
        return self.endpoint.call("S0", request, payload)[0]

    def open(self, path: str, flags: int = O_RDONLY, mode: int = 0o666, place: int = 0, resolve: int = 0) -> Any:
        return self.call(m.Open(VNODE, place, path, flags, mode, resolve))

    def handle(self, path: str, flags: int = O_RDONLY, mode: int = 0o666, place: int = 0) -> int:
        handle: int = self.open(path, flags, mode, place).handle
        return handle

    def close(self, *handles: int) -> None:
        self.call(m.Close(list(handles)))

    def read(self, handle: int, offset: int = 0, length: int = 1 << 20) -> bytes:
        return bytes(self.endpoint.call("S0", m.ReadAt(handle, offset, length))[1])

    def write(self, handle: int, data: bytes, offset: int = 0, append: bool = False) -> Any:
        return self.call(m.WriteAt(handle, offset, append), data)

    def stat(self, path: str, follow: bool = True, place: int = 0) -> Any:
        return self.call(m.PathStat(VNODE, place, path, follow))

    def names(self, path: str) -> list[str]:
        handle = self.handle(path)
        try:
            return [entry.name for entry in self.call(m.Entries(handle)).entries]
        finally:
            self.close(handle)

    def contents(self, path: str) -> bytes:
        handle = self.handle(path)
        try:
            return self.read(handle)
        finally:
            self.close(handle)

    def fails(self, errno: int, request: Request, payload: bytes = b"") -> LinuxError:
        with pytest.raises(LinuxError) as caught:
            self.call(request, payload)
        assert caught.value.errno == errno, f"{caught.value}, expected errno {errno}"
        return caught.value


def whole(root: Path, writable: bool = True) -> Mount:
    """A mount of the guest's root."""
    return Mount(str(root), "/", writable)
