"""A machine's caretaker: the process that stays when `lego up` has ended.

    python -m lego.standing.caretaker      the order is on its standard input, the answer goes to its standard output

It starts the machine on Ray, writes its record, and then waits: for the death of a component, which it
tells to whoever asks, and for the end (`Stop`, SIGTERM). A Ray that it started ends with it, even when
it is killed; on a Ray that it joined, the machine's actors are detached, and found by their names in its namespace.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec

from gmanager.messages import Lost
from lego.component import MANAGER
from lego.config import ConfigError
from lego.console.gate import GateMonitor
from lego.fabric.errors import FabricError
from lego.fabric.socket import SocketServer
from lego.fabric.wire import Buffer, Done, Request
from lego.linux.errno import LinuxError
from lego.standing import record
from lego.standing.messages import DOOR, Health, HealthReply, Stop
from lego.standing.order import Answer, Order

if TYPE_CHECKING:
    from lego.runtime.ray import OnRay

NAME = "caretaker"
LOOK_S = 0.2
"""How often the caretaker looks whether all components live."""
TELL_S = 1.0


class Caretaker:
    """Serves the caretaker's door."""

    name = NAME
    door = DOOR

    def __init__(self) -> None:
        self.ending = threading.Event()
        self._changed = threading.Condition()
        self._lost: tuple[str, str] | None = None

    def handle(self, sender: str, request: Request, payload: Buffer) -> tuple[msgspec.Struct, Buffer]:
        """Serves one request."""
        if isinstance(request, Health):
            return HealthReply(*self._health(request.wait_ms / 1000)), b""
        if isinstance(request, Stop):
            self.ending.set()
            return Done(), b""
        raise TypeError(f"a caretaker serves no {type(request).__name__}")

    def _health(self, patience_s: float) -> tuple[str, ...]:
        with self._changed:
            self._changed.wait_for(lambda: self._lost is not None, patience_s)
            return self._lost or ()

    def watch(self, runtime: OnRay) -> None:
        """Until the end: looks after the components. The first loss is the one that is told."""
        while not self.ending.wait(LOOK_S):
            lost = runtime.lost()
            if lost is None:
                continue
            with self._changed:
                self._lost = lost
                self._changed.notify_all()
            if lost[0] != MANAGER:
                with contextlib.suppress(FabricError, LinuxError):
                    runtime.endpoint.call(MANAGER, Lost(*lost), timeout_s=TELL_S)
            self.ending.wait()


def keep(order: Order, ready: Any) -> None:
    """Starts a machine, calls `ready` when it is up, and returns when it has ended. Raises `ConfigError` when there is
    one of that name or a port is not free, `FabricError` when it does not start."""
    from lego.runtime.ray import OnRay

    lock = record.hold(order.name)
    caretaker = Caretaker()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: caretaker.ending.set())
    namespace = f"lego-{order.name}-{os.urandom(4).hex()}"
    runtime = OnRay(order.config, namespace, order.ray)
    server: SocketServer | None = None
    gate: GateMonitor | None = None
    try:
        if order.config.publish:
            gate = GateMonitor(order.config.publish)
        runtime.start()
        if gate is not None:
            runtime.open_console(gate)
        server = SocketServer(caretaker, runtime.key, runtime.host)
        record.write(
            record.Record(
                name=order.name,
                caretaker=server.address,
                key=runtime.key,
                host=runtime.host,
                addresses=runtime.addresses,
                pids=runtime.pids(),
                config=order.config,
                follows=order.follows,
                since_s=time.time(),
                ray=runtime.ray_address(),
                namespace=namespace,
                directory=runtime.directory,
                published=tuple(gate.addresses) if gate is not None else (),
            )
        )
        ready()
        caretaker.watch(runtime)
    finally:
        if server is not None:
            server.close()
        runtime.close()
        if gate is not None:
            gate.close()
        record.release(order.name, lock)


def main() -> None:
    """The caretaker's process."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Whatever else is printed is for the log.

    def tell(words: Answer) -> None:
        with contextlib.suppress(BrokenPipeError), answer:
            answer.write(msgspec.json.encode(words))

    try:
        keep(order, lambda: tell(Answer()))
    except ConfigError as error:
        tell(Answer(str(error), usage=True))
    except FabricError as error:
        if answer.closed:
            raise
        tell(Answer(error.why, error.component))
    except Exception as error:
        if answer.closed:
            raise
        tell(Answer(f"{type(error).__name__}: {error}", NAME))
        raise


if __name__ == "__main__":
    main()
