"""Components as Ray actors: Ray places them, starts them and tells of their death; data goes over their own sockets.

Start-up order: the global manager, then storage, memory and processor components, each registering with the
manager once all have been told where the others listen. A Ray that is already connected (a cluster, a
test session) is used and left as it was; otherwise a private one is started on this host and ended with the machine.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import ray

import lego
from lego.component import component_names
from lego.config import MachineConfig
from lego.fabric.endpoint import Endpoint, Monitor
from lego.fabric.errors import PeerDown, PeerTimeout
from lego.fabric.socket import KEY_BYTES, SocketServer, SocketTransport
from lego.runtime.base import FRONT, register

LOCALHOST = "127.0.0.1"
START_S = 60.0
"""A component that has not started within this time has failed; a busy host takes seconds."""
STOP_S = 2.0
STORE_BYTES = 80 << 20
"""Ray's object store at its smallest: nothing is put there."""
PRESTARTED = 2
"""Worker processes that Ray makes ready while it starts; the components themselves ask for no CPUs of Ray's count."""
CALLS_AT_ONCE = 4
"""Of one actor: `watch` takes one for as long as it lives."""

SHELLS = {
    "G": ("gmanager.actor", "Manager"),
    "S": ("scomponent.actor", "Storage"),
    "M": ("mcomponent.actor", "Memory"),
    "P": ("pcomponent.actor", "Processor"),
}
"""Where the class of each kind of component is."""
_TOKEN = secrets.token_hex(32)
"""Of this process's own Rays, which read it once."""
_TERMINAL_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP)


class OnRay:
    """The runtime of `lego run`."""

    def __init__(self, config: MachineConfig) -> None:
        self._config = config
        self._host = LOCALHOST
        self._key = os.urandom(KEY_BYTES)
        self._transport = SocketTransport(self._key, {})
        self._actors: dict[str, Any] = {}
        self._watches: dict[Any, str] = {}
        self._consoles: dict[str, SocketServer] = {}
        self._private = False
        """Whether Ray was started for this machine alone ..."""
        self._ray = contextlib.ExitStack()
        """... and what then ends it."""
        self.endpoint = Endpoint(FRONT, self._transport, config.network)

    def start(self) -> None:
        """Starts Ray, unless it runs, and all components."""
        if ray.is_initialized():
            self._host = ray.util.get_node_ip_address()
        else:
            self._private = True
            self._ray.enter_context(connected())
        names = component_names(self._config)
        for name in names:
            self._actors[name] = self._make_actor(name)
        for name in names:
            self._transport.addresses[name] = self._ask(name, "address")
        for name in names:
            self._ask(name, "meet", self._transport.addresses)
        register(self.endpoint, self._config, self._transport.addresses)
        self._watches = {self._actors[name].watch.remote(): name for name in names}

    def _make_actor(self, name: str) -> Any:
        module, kind = SHELLS[name[0]]
        shell = getattr(importlib.import_module(module), kind)
        options = {"num_cpus": 0, "max_concurrency": CALLS_AT_ONCE, "max_restarts": 0}
        return ray.remote(shell).options(**options).remote(name, self._config, self._key, self._host)

    def _ask(self, name: str, method: str, *arguments: Any) -> Any:
        """Calls a method of an actor; raises a `FabricError` when it fails."""
        try:
            return ray.get(getattr(self._actors[name], method).remote(*arguments), timeout=START_S)
        except ray.exceptions.GetTimeoutError as error:
            raise PeerTimeout(name, f"it did not start within {START_S:g} s") from error
        except ray.exceptions.RayError as error:
            raise PeerDown(name, _reason(error)) from error

    def pids(self) -> dict[str, int]:
        """The host's process of each component."""
        return {name: self._ask(name, "pid") for name in self._actors}

    def open_console(self, console: Monitor) -> None:
        """Serves it from this process, and tells the processors where."""
        server = self._consoles[console.name] = SocketServer(console, self._key, self._host)
        for name in self._actors:
            if name.startswith("P"):
                self._ask(name, "meet", {console.name: server.address})

    def close_console(self, console: Monitor) -> None:
        """Ends serving it."""
        server = self._consoles.pop(console.name, None)
        if server is not None:
            server.close()

    def lost(self, patience_s: float = 0.0) -> tuple[str, str] | None:
        """What Ray knows of the death of components; the first in start-up order when several died."""
        ended, _ = ray.wait(list(self._watches), num_returns=1, timeout=patience_s) if self._watches else ([], [])
        for watch in ended:
            try:
                ray.get(watch)
            except ray.exceptions.RayError as error:
                return self._watches[watch], _reason(error)
            return self._watches[watch], "it was stopped"
        return None

    def close(self) -> None:
        """Ends the components, then Ray if it was started here."""
        for name in list(self._consoles):
            self._consoles.pop(name).close()
        self._transport.close()
        self._watches = {}
        if not self._private:  # Otherwise their processes end with Ray.
            stops = [actor.stop.remote() for actor in reversed(self._actors.values())]
            if stops:
                ray.wait(stops, num_returns=len(stops), timeout=STOP_S)
            for actor in self._actors.values():
                ray.kill(actor)
        self._actors = {}
        self._ray.close()


@contextlib.contextmanager
def connected() -> Iterator[None]:
    """A Ray of this host alone: no dashboard, no reports to anybody, and nothing left behind at the end.

    Machines made within use it, which saves the seconds that it takes to start.
    """
    termination = signal.getsignal(signal.SIGTERM)  # Ray puts a handler of its own.
    # Directly in /tmp, since a socket's path has 107 bytes at most. Ray opens its own directory to everybody.
    directory = tempfile.mkdtemp(prefix=f"lego-{os.getpid()}-", dir="/tmp")
    try:
        with _terminal_signals_held_back(), _environment_for_ray(directory):
            _keep_quiet()
            ray.init(
                address="local",
                num_cpus=PRESTARTED,
                num_gpus=0,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
                object_store_memory=STORE_BYTES,
                _temp_dir=os.path.join(directory, "ray"),
                _node_ip_address=LOCALHOST,
            )
            _put_back(termination)
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(directory, ignore_errors=True)


def _put_back(termination: Any) -> None:
    """SIGTERM as it was; only the main thread may, and Ray has left it alone in any other."""
    if threading.current_thread() is threading.main_thread() and termination is not None:
        signal.signal(signal.SIGTERM, termination)


def _reason(error: Exception) -> str:
    """One line out of Ray's many."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return str(error.cause) if error.cause is not None else type(error).__name__
    text = str(error)
    if "memory" in text.lower() and "kill" in text.lower() and isinstance(error, ray.exceptions.OutOfMemoryError):
        return "its process was killed for want of host memory"
    if isinstance(error, ray.exceptions.RayActorError):
        return "its process died"
    return text.strip().splitlines()[0]


@contextlib.contextmanager
def _terminal_signals_held_back() -> Iterator[None]:
    """Processes started within never see what a terminal sends to all of its foreground group: Ctrl-C is the guest's.

    They inherit that it is blocked. This process gets it afterwards.
    """
    before: set[Any] = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINAL_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _keep_quiet() -> None:
    """Ray prints what befalls its workers on standard output, which is the guest's. There is no public way to stop it;
    a Ray that has moved the function prints, and works all the same."""
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *_arguments, **_named: None


@contextlib.contextmanager
def _environment_for_ray(directory: str) -> Iterator[None]:
    """What Ray's processes inherit, and the guest must not: where our packages are, and a token of their own.

    Ray authenticates its processes to each other with a token, by default one in the home directory.
    """
    token_path = os.path.join(directory, "token")
    with open(os.open(token_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(_TOKEN)
    packages = os.path.dirname(os.path.dirname(os.path.abspath(lego.__file__)))
    before = dict(os.environ)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_AUTH_TOKEN_PATH"] = token_path
    os.environ["PYTHONPATH"] = os.pathsep.join([packages, *(each for each in sys.path if each)])
    chatty = logging.getLogger("ray._private.authentication.authentication_token_setup")
    level = chatty.level
    chatty.setLevel(logging.ERROR)
    try:
        yield
    finally:
        chatty.setLevel(level)
        os.environ.clear()
        os.environ.update(before)
