"""Where files that talk to each other inside one processor are found: FIFOs by their inode, sockets by their name,
AF_INET sockets by their port, terminals by their number.

Pipes, sockets and the other files without a name have inode numbers too, given out here (fs/inode.c, get_next_ino).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcomponent.files.inet.ports import Ports
from pcomponent.files.letters import GivenUp
from pcomponent.terminals.terminal import Terminals

if TYPE_CHECKING:
    from pcomponent.files.pipe import Pipe
    from pcomponent.files.unix_socket import UnixSocket

Inode = tuple[str, int, int]
"""A file of a storage component: its name, st_dev, st_ino."""
Name = tuple[int, int, bytes]
"""An abstract socket name, which is a vNode's own: (vNode, type of the socket, name without the leading zero
byte)."""


class Rendezvous:
    """The kernel's tables for it. An entry lasts as long as somebody has the file open."""

    def __init__(self) -> None:
        self.fifos: dict[Inode, Pipe] = {}
        self.sockets: dict[Inode | Name, UnixSocket] = {}
        self.given_up = GivenUp()
        self.ports = Ports()
        self.terminals = Terminals()
        self._next_inode = 1

    def new_inode(self) -> int:
        """A number for a file without a name."""
        number = self._next_inode
        self._next_inode += 1
        return number
