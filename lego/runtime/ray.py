"""Components as Ray actors: Ray places them, starts them and tells of their death; data goes over their own sockets.

Start-up order: the global manager, then storage, memory and processor components, each registering with the
manager once all have been told where the others listen. A Ray that is already connected (a cluster, a
test session) is used and left as it was; otherwise a private one is started on this host and ended with the machine.

The actors of a machine that stays up have the components' names in a namespace of its own, and are detached: they end
when they are told to, or with Ray.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import ray
from ray.util import scheduling_strategies

import lego
from lego.component import component_names
from lego.config import SCRATCH, MachineConfig
from lego.fabric.endpoint import Endpoint, Monitor
from lego.fabric.errors import PeerDown, PeerTimeout
from lego.fabric.socket import KEY_BYTES, SocketServer, SocketTransport
from lego.runtime.base import CONSOLE, FRONT, introduce, register
from lego.scratch import own_directory

LOCALHOST = "127.0.0.1"
LOOPBACKS = (LOCALHOST, "localhost", "[::1]")
JOIN_S = 5.0
START_S = 60.0
"""A component that has not started within this time has failed; a busy host takes seconds."""
ONE_HOST = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
STOP_S = 2.0
LOOK_S = 0.05
"""How often to look whether Ray itself lives, when news is waited for."""
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


RAY = "Ray"
"""Who is to blame when one of Ray's own processes dies."""


class OnRay:
    """The runtime of `lego run`, and of the caretaker of a machine that stays up."""

    console_name = CONSOLE
    shared = False

    def __init__(self, config: MachineConfig, namespace: str = "", address: str = "") -> None:
        """With a `namespace`, the actors can be found in it by the components' names. `address` is that of a Ray to
        join; without one, a Ray that is connected already is used, or else one is started."""
        self._config = config
        self._namespace = namespace
        self._address = address
        self.host = LOCALHOST
        """Where components and consoles listen."""
        self.key = os.urandom(KEY_BYTES)
        """The machine's."""
        self.directory = ""
        """That of a Ray of its own."""
        self._transport = SocketTransport(self.key, {})
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
        if self._address and not ray.is_initialized():
            self._ray.enter_context(_joined(self._address))
        if ray.is_initialized():
            self.host = ray.util.get_node_ip_address()
        else:
            self._private = True
            self.directory = self._ray.enter_context(connected())
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
        options: dict[str, Any] = {"num_cpus": 0, "max_concurrency": CALLS_AT_ONCE, "max_restarts": 0}
        if self._namespace:
            options |= {"name": name, "namespace": self._namespace, "lifetime": "detached"}
        if self._address:  # Its other hosts do not have this one's address, nor its files.
            here = ray.get_runtime_context().get_node_id()
            options["scheduling_strategy"] = scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        return ray.remote(shell).options(**options).remote(name, self._config, self.key, self.host)

    def _ask(self, name: str, method: str, *arguments: Any) -> Any:
        """Calls a method of an actor; raises a `FabricError` when it fails."""
        try:
            return ray.get(getattr(self._actors[name], method).remote(*arguments), timeout=START_S)
        except ray.exceptions.GetTimeoutError as error:
            raise PeerTimeout(name, f"it did not start within {START_S:g} s") from error
        except ray.exceptions.RayError as error:
            raise PeerDown(name, _reason(error)) from error

    @property
    def addresses(self) -> dict[str, str]:
        """Where the components listen."""
        return dict(self._transport.addresses)

    def ray_address(self) -> str:
        """That of the Ray that it runs on."""
        address: str = ray.get_runtime_context().gcs_address
        return address

    def pids(self) -> dict[str, int]:
        """The host's process of each component."""
        return {name: self._ask(name, "pid") for name in self._actors}

    def open_console(self, console: Monitor) -> None:
        """Serves it from this process, and tells the processors where."""
        server = self._consoles[console.name] = SocketServer(console, self.key, self.host)
        introduce(self.endpoint, self._actors, console.name, server.address)

    def close_console(self, console: Monitor) -> None:
        """Ends serving it."""
        server = self._consoles.pop(console.name, None)
        if server is not None:
            server.close()

    def lost(self, patience_s: float = 0.0) -> tuple[str, str] | None:
        """What Ray knows of the death of components; the first in start-up order when several died. Of the death of a
        Ray of its own, Ray itself says nothing for many seconds, while it takes the components with it."""
        deadline = time.monotonic() + patience_s
        while True:
            broken = _broken_ray() if self._private else None
            if broken is not None:
                return RAY, broken
            left = max(0.0, deadline - time.monotonic())
            ended = self._ended(min(left, LOOK_S))
            if ended or not left:
                break
        for watch in ended:
            try:
                ray.get(watch)
            except ray.exceptions.RayError as error:
                return self._watches[watch], _reason(error)
            return self._watches[watch], "it was stopped"
        return None

    def _ended(self, timeout_s: float) -> list[Any]:
        """The watches of components that have ended."""
        if not self._watches:
            return []
        ended, _ = ray.wait(list(self._watches), num_returns=len(self._watches), timeout=0)
        if not ended and timeout_s:
            ended, _ = ray.wait(list(self._watches), num_returns=1, timeout=timeout_s)
        return [watch for watch in self._watches if watch in ended]

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
def connected() -> Iterator[str]:
    """A Ray of this host alone: no dashboard, no reports to anybody, and nothing left behind at the end.

    Machines made within use it, which saves the seconds that it takes to start. Gives the directory where it keeps its
    files.
    """
    termination = signal.getsignal(signal.SIGTERM)  # Ray puts a handler of its own.
    with own_directory() as directory:
        try:
            with _terminal_signals_held_back(), _environment_for_ray(directory), _on_loopback():
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
                    _temp_dir=os.path.join(directory, "ray"),  # Ray opens its own to everybody.
                    _node_ip_address=LOCALHOST,
                )
                _put_back(termination)
            yield directory
        finally:
            ray.shutdown()


@contextlib.contextmanager
def _joined(address: str) -> Iterator[None]:
    """A Ray of somebody else's, which is left as it was. Raises `PeerDown` when it cannot be joined."""
    termination = signal.getsignal(signal.SIGTERM)
    host, _, port = address.rpartition(":")
    _keep_quiet()
    try:
        if port.isdecimal():  # Ray itself looks for it for more than a minute.
            socket.create_connection((host.strip("[]"), int(port)), JOIN_S).close()
        with _on_loopback() if host in LOOPBACKS else contextlib.nullcontext():
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
                job_config=ray.job_config.JobConfig(_py_driver_sys_path=_python_path().split(os.pathsep)),
            )
    except (ray.exceptions.RayError, OSError, ValueError, RuntimeError) as error:
        raise PeerDown(RAY, f"{address} cannot be joined ({str(error).strip().splitlines()[0]})") from error
    _put_back(termination)
    try:
        yield
    finally:
        ray.shutdown()


def end_actors(address: str, namespace: str, names: list[str]) -> None:
    """Ends the detached actors of a machine whose caretaker has died, on a Ray that it had joined. Raises `PeerDown`
    when that Ray is not there."""
    with _joined(address):
        for name in names:
            with contextlib.suppress(ValueError):  # It has ended.
                ray.kill(ray.get_actor(name, namespace))


def _broken_ray() -> str | None:
    """Which of the processes of the Ray that this process started has died, if any; there is no public way to ask."""
    from ray._private import worker

    node: Any = getattr(worker, "_global_node", None)
    for kind, process in node.dead_processes() if hasattr(node, "dead_processes") else ():
        if kind in ("raylet", "gcs_server"):
            status = process.poll()
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            return f"its process {kind} {how}"
    return None


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
    """Ray prints what befalls its workers on standard output, which is the guest's, and its colorama resets the colours
    of a terminal at the end. There is no public way to stop that; a Ray that has moved the functions prints, and works
    all the same."""
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *_arguments, **_named: None
    with contextlib.suppress(AttributeError):
        worker.colorama.initialise.atexit_done = True


@contextlib.contextmanager
def _on_loopback() -> Iterator[None]:
    """Lets Ray take 127.0.0.1 at its word: otherwise it replaces it by an address that others reach, and listens on all
    of them. Where Ray runs on one host only, as on macOS, it does not; its processes read that from the environment,
    and this one has read it already."""
    from ray._private import ray_constants

    before, variable = getattr(ray_constants, "ENABLE_RAY_CLUSTER", None), os.environ.get(ONE_HOST)
    os.environ[ONE_HOST] = "0"
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
        os.environ.pop(ONE_HOST)
        if variable is not None:
            os.environ[ONE_HOST] = variable


def _python_path() -> str:
    """Where a component finds our packages and all others."""
    packages = os.path.dirname(os.path.dirname(os.path.abspath(lego.__file__)))
    return os.pathsep.join([packages, *(each for each in sys.path if each)])


@contextlib.contextmanager
def _environment_for_ray(directory: str) -> Iterator[None]:
    """What Ray's processes inherit, and the guest must not: where our packages are, and a token of their own.

    Ray authenticates its processes to each other with a token, by default one in the home directory.
    """
    token_path = os.path.join(directory, "token")
    with open(os.open(token_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(_TOKEN)
    before = dict(os.environ)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ[SCRATCH] = directory
    os.environ["RAY_AUTH_TOKEN_PATH"] = token_path
    os.environ["PYTHONPATH"] = _python_path()
    chatty = logging.getLogger("ray._private.authentication.authentication_token_setup")
    level = chatty.level
    chatty.setLevel(logging.ERROR)
    try:
        yield
    finally:
        chatty.setLevel(level)
        os.environ.clear()
        os.environ.update(before)
