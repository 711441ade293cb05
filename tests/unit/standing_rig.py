"""A machine that is up, in this process: real components behind sockets, a caretaker, and a record; no Ray."""

import contextlib
import os
import threading

from lego.actor import Shell
from lego.component import MANAGER, component_names
from lego.config import MachineConfig, checked
from lego.fabric.socket import KEY_BYTES, SocketServer
from lego.runtime.inproc import builders
from lego.standing.attached import Attached
from lego.standing.caretaker import Caretaker
from lego.standing.record import Record


class News:
    """Stands in for the runtime that a caretaker watches."""

    def __init__(self, machine):
        self.machine = machine
        self.loss = None

    @property
    def endpoint(self):
        return self.machine.shells[MANAGER]._endpoint

    def lost(self):
        return self.loss


class Standing:
    """The machine."""

    def __init__(self, **config):
        self.config = checked(MachineConfig(memory_bytes=64 << 20, excache_bytes=1 << 20, **config))
        key, names = os.urandom(KEY_BYTES), component_names(self.config)
        build = builders()
        self.shells = {name: Shell(build[name[0]], name, self.config, key, "127.0.0.1") for name in names}
        addresses = {name: shell.address() for name, shell in self.shells.items()}
        for shell in self.shells.values():
            shell.meet(addresses)
        self.caretaker = Caretaker()
        self.server = SocketServer(self.caretaker, key, "127.0.0.1")
        self.news = News(self)
        self.watching = threading.Thread(target=self.caretaker.watch, args=(self.news,))
        self.watching.start()
        self.record = Record(
            name="m", caretaker=self.server.address, key=key, host="127.0.0.1", addresses=addresses, pids={},
            config=self.config, follows=True, since_s=0.0, ray="", namespace="", directory="",
        )  # fmt: skip
        from lego.runtime.base import register

        attached = Attached(self.record)
        register(attached.endpoint, self.config, addresses)
        attached.close()

    def close(self):
        self.caretaker.ending.set()
        self.watching.join()
        self.server.close()
        for shell in reversed(self.shells.values()):
            with contextlib.suppress(Exception):
                shell.stop()
