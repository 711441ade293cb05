"""What streams and datagrams have in common: local addresses, options, ioctl. Source: net/ipv4/af_inet.c, ip(7)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lego.linux.errno import E, LinuxError
from pcomponent.credentials import NET_BIND_SERVICE
from pcomponent.files.inet import options
from pcomponent.files.inet.addresses import SOCKADDR_BYTES, Address, can_bind, family_of, is_many, unpack
from pcomponent.files.socket import AF_INET, AF_UNSPEC, Socket

if TYPE_CHECKING:
    from pcomponent.files.inet.ports import Ports, Table
    from pcomponent.process import Thread

PRIVILEGED_PORTS = 1024
"""net.ipv4.ip_unprivileged_port_start."""
SO_REUSEADDR, SO_REUSEPORT = 2, 15
INT = struct.Struct("<i")


class InetSocket(Socket):
    """One socket of AF_INET."""

    family = AF_INET

    def __init__(self, task: Thread, kind: int, flags: int, protocol: int) -> None:
        super().__init__(task, kind, flags, protocol)
        self.table: Table = (task.process.vnode, protocol)
        self.owner = task.credentials.fsuid
        """Whose it is, for SO_REUSEPORT."""
        self.local, self.remote = Address(), Address()
        self.keeps_ip = self.keeps_port = False
        """Whether bind(2) chose the local address or port, which then outlive a connection."""
        self.expires_ns = 0
        """When it gives up its port, once it has ended; 0 before."""
        self.values: dict[tuple[int, int], int] = {}
        """Options of other levels than SOL_SOCKET that were set: by level and name."""

    @property
    def reuses_address(self) -> bool:
        """SO_REUSEADDR."""
        return any(self.options.get(SO_REUSEADDR, b""))

    @property
    def reuses_port(self) -> bool:
        """SO_REUSEPORT."""
        return any(self.options.get(SO_REUSEPORT, b""))

    @property
    def tcp_state(self) -> int:
        """As /proc/net shows it: 7 is TCP_CLOSE, 1 TCP_ESTABLISHED, which means connected for datagrams."""
        return 1 if self.remote.port else 7

    @staticmethod
    def ports(task: Thread) -> Ports:
        """The kernel's table of them."""
        return task.kernel.rendezvous.ports

    @property
    def has_port(self) -> bool:
        """inet_num."""
        return self.local.port != 0

    # ---- names ---------------------------------------------------------------------------------------

    def bind(self, task: Thread, raw: bytes) -> None:
        """inet_bind. EINVAL; EAFNOSUPPORT; EADDRNOTAVAIL; EACCES below port 1024; EADDRINUSE."""
        if len(raw) < SOCKADDR_BYTES:
            raise LinuxError(E.EINVAL)
        unspecified = family_of(raw) == AF_UNSPEC
        address = unpack(raw, unspecified)
        if unspecified and address.ip:
            raise LinuxError(E.EAFNOSUPPORT)
        if not can_bind(task, address.ip) and not self.values.get((options.SOL_IP, options.IP_FREEBIND)):
            raise LinuxError(E.EADDRNOTAVAIL)
        if 0 < address.port < PRIVILEGED_PORTS and not task.credentials.capable(NET_BIND_SERVICE):
            raise LinuxError(E.EACCES)
        if not self.may_bind():
            raise LinuxError(E.EINVAL)
        self.local = Address(address.ip)
        try:
            if address.port:
                self.ports(task).claim(self, address.port, task.meter.now_ns)
            else:
                self.ports(task).choose(self, task.meter.now_ns)
        except LinuxError:
            self.local = Address()
            raise
        self.keeps_ip, self.keeps_port = address.ip != 0, address.port != 0

    def may_bind(self) -> bool:
        """Whether it is fresh enough to get an address."""
        return not self.has_port

    def autobind(self, task: Thread) -> None:
        """A port, for one that has none. EAGAIN when there is none left (inet_autobind)."""
        if not self.has_port:
            try:
                self.ports(task).choose(self, task.meter.now_ns)
            except LinuxError as error:
                raise LinuxError(E.EAGAIN) from error

    def name(self) -> bytes:
        """getsockname(2)."""
        ip = 0 if is_many(self.local.ip) else self.local.ip
        return self.local._replace(ip=ip).pack()

    def accepted_from(self) -> bytes:
        """The other end's address."""
        return self.remote.pack()

    # ---- options, ioctl ------------------------------------------------------------------------------

    def get_option(self, task: Thread, level: int, name: int, room: int) -> bytes:
        """IP, TCP and UDP options."""
        return options.get(self, level, name, room)

    def set_option(self, task: Thread, level: int, name: int, value: bytes) -> None:
        """IP, TCP and UDP options."""
        options.put(self, level, name, value)

    def option(self, level: int, name: int) -> int:
        """The value of an option that is a number."""
        return self.values.get((level, name), options.default(level, name))
