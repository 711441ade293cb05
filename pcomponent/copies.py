"""Copies in and out of a guest's memory, of strings and structures, over `read` and `write` of bytes."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from typing import Any

from lego.fabric.wire import Buffer
from lego.linux.errno import E, LinuxError
from lego.regions import PAGE


class Copies(ABC):
    """What a kernel reads and writes of its guests."""

    @abstractmethod
    def read(self, address: int, length: int) -> bytes:
        """Copies from the guest. EFAULT when any byte may not be read."""

    @abstractmethod
    def write(self, address: int, data: Buffer) -> None:
        """Copies to the guest. EFAULT when a byte may not be written; those before it have been."""

    def read_string(self, address: int, limit: int = 4096) -> bytes:
        """A terminated string, without its NUL. ENAMETOOLONG when there is none in `limit` bytes."""
        text = b""
        while len(text) < limit:
            count = min(PAGE - (address & PAGE - 1), limit - len(text))
            piece = self.read(address, count)
            end = piece.find(b"\0")
            if end >= 0:
                return text + piece[:end]
            text += piece
            address += count
        raise LinuxError(E.ENAMETOOLONG)

    def read_struct(self, shape: struct.Struct, address: int) -> tuple[Any, ...]:
        """Unpacks a structure of the guest."""
        return shape.unpack(self.read(address, shape.size))

    def write_struct(self, shape: struct.Struct, address: int, *values: Any) -> None:
        """Packs a structure into the guest."""
        self.write(address, shape.pack(*values))

    def read_code(self, address: int, length: int) -> bytes:
        """Bytes at RIP, as many of them as there are."""
        try:
            return self.read(address, length)
        except LinuxError:
            try:
                return self.read(address, PAGE - (address & PAGE - 1))
            except LinuxError:
                return b""
