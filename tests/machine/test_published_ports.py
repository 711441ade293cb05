"""Programs of the host that call a guest's server, and real programs of guests that call each other."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import lego, program, remaining, run, start

from lego.config import ConfigError, MachineConfig, MiB, Publication
from lego.console.gate import GateMonitor
from lego.console.messages import CloseGate, OpenGate
from lego.machine import Machine, Result

HOST = "127.0.0.1"
PATIENCE_S = 30.0


def client(port: int) -> socket.socket:
    """Calls until somebody listens."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return socket.create_connection((HOST, port), timeout=PATIENCE_S)
        except ConnectionRefusedError:
            assert time.monotonic() < end, "nobody listens"
            time.sleep(0.02)


def everything(sock: socket.socket) -> bytes:
    """What comes until the end."""
    pieces = []
    while piece := sock.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


class Serving:
    """A guest program that runs beside the test."""

    def __init__(self, machine: Machine, *argv: str) -> None:
        self.port = machine.published[0][1]
        self.result: Result | None = None
        self._thread = threading.Thread(target=self._run, args=(machine, argv))
        self._thread.start()

    def _run(self, machine: Machine, argv: tuple[str, ...]) -> None:
        self.result = machine.run(argv)

    def end(self) -> Result:
        """Its result, once it has ended."""
        self._thread.join(PATIENCE_S)
        assert self.result is not None, "it does not end"
        return self.result


@contextlib.contextmanager
def serving(*argv: str) -> Iterator[Serving]:
    """A machine with port 8000 published, and a program on it."""
    config = MachineConfig(excache_bytes=4 * MiB, publish=(Publication(HOST, 0, 8000),))
    with Machine(config) as machine:
        yield Serving(machine, *argv)


def echo(*arguments: str) -> tuple[str, ...]:
    return (str(program("machine_serve")), *arguments)


def test_a_client_of_the_host() -> None:
    with serving(*echo()) as server:
        with client(server.port) as sock:
            sock.sendall(b"hello")
            sock.shutdown(socket.SHUT_WR)
            assert everything(sock) == b"hello"
        with client(server.port) as sock:
            sock.sendall(b"bye")
            assert sock.recv(10) == b"bye"
        result = server.end()
    assert result.exit_code == 0
    assert result.stdout == b"ready\n" + b"from 10.0.0.254 to 10.0.0.1:8000\nend: 0\n" * 2


def test_much_in_both_directions_at_once_with_a_slow_reader() -> None:
    data = bytes(range(256)) * 20000
    with serving(*echo()) as server:
        with client(server.port) as sock:
            sender = threading.Thread(target=lambda: (sock.sendall(data), sock.shutdown(socket.SHUT_WR)))
            sender.start()
            time.sleep(0.3)  # The guest fills the host's buffers, and has to wait.
            assert everything(sock) == data
            sender.join()
        with client(server.port) as sock:
            sock.sendall(b"bye")
            assert sock.recv(10) == b"bye"
        assert server.end().exit_code == 0


def test_a_client_that_breaks_off() -> None:
    with serving(*echo()) as server:
        sock = client(server.port)
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        with client(server.port) as sock:
            sock.sendall(b"bye")
            assert sock.recv(10) == b"bye"
        assert b"end: errno 104\n" in server.end().stdout


def test_a_server_on_loopback_alone_is_reached_too() -> None:
    with serving(*echo(HOST)) as server:
        with client(server.port) as sock:
            sock.sendall(b"bye")
            assert sock.recv(10) == b"bye"
        assert b"to 127.0.0.1:8000" in server.end().stdout


def test_when_the_program_ends_its_connections_do_and_callers_are_refused() -> None:
    with serving("/bin/sh", "-c", f"{echo()[0]} & read line; sleep 0") as server:
        server.end()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, server.port), timeout=1)


def test_a_port_in_use_is_a_clear_message() -> None:
    with contextlib.closing(socket.socket()) as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run("--publish", f"{port}:80", "/bin/true")
        assert (ended.status, ended.message) == (
            2, f"lego: publish: {HOST}:{port}: Address already in use on this host\n",
        )  # fmt: skip
        with pytest.raises(ConfigError):
            Machine(MachineConfig(publish=(Publication(HOST, port, 80),))).start()
    ended = run("--publish", "80", "/bin/true")
    assert ended.status == 2 and "one looks like 8080:80" in ended.message


def test_a_port_belongs_to_one_machine_also_while_nobody_listens() -> None:
    with contextlib.closing(GateMonitor([Publication(HOST, 0, 80)])) as gate:
        port = gate.addresses[0][1]
        for _ in range(2):
            with pytest.raises(ConfigError, match="Address already in use"):
                GateMonitor([Publication(HOST, port, 81)])
            gate.handle("P0", OpenGate(0, 5), b"")
            socket.create_connection((HOST, port), timeout=PATIENCE_S).close()
            gate.handle("P0", CloseGate(0), b"")
    GateMonitor([Publication(HOST, port, 81)]).close()
    ended = run("--publish", f"{port}:80", "--publish", f"{port}:81", "/bin/true")
    assert (ended.status, ended.message) == (2, f"lego: publish: {HOST}:{port}: Address already in use on this host\n")


def test_any_port_is_printed(tmp_path: Path) -> None:
    mark = f"publish{tmp_path.name}"
    server = start(
        "run", "--inproc", "--publish", "0:8000", *echo(), mark=mark, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert server.stdout is not None and server.stderr is not None
    try:
        line = server.stderr.readline().decode()
        assert line.startswith("lego: port 8000 of the guest is 127.0.0.1:")
        assert server.stdout.readline() == b"ready\n"
        with socket.create_connection((HOST, int(line.rpartition(":")[2])), timeout=PATIENCE_S) as sock:
            sock.sendall(b"bye")
            assert sock.recv(10) == b"bye"
        assert server.wait(PATIENCE_S) == 0
    finally:
        server.kill()
        server.communicate()
    assert not remaining(mark)


def test_a_signal_ends_a_server_that_waits(tmp_path: Path) -> None:
    server = start("run", "--inproc", "--publish", "0:8000", *echo(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert server.stdout is not None
    try:
        assert server.stdout.readline() == b"ready\n"
        server.terminate()
        assert server.wait(PATIENCE_S) == 143
    finally:
        server.kill()
        server.communicate()


def test_without_published_ports_nothing_of_the_host_is_reached() -> None:
    with contextlib.closing(socket.socket()) as other:
        other.bind((HOST, 0))
        other.listen()
        script = f"exec 3<>/dev/tcp/127.0.0.1/{other.getsockname()[1]}"
        ended = lego("run", "--inproc", "/bin/bash", "-c", script)
        assert ended.status == 1 and "Connection refused" in ended.message


PYTHON = """
import os, socket, sys, threading, urllib.request
from http.server import HTTPServer, SimpleHTTPRequestHandler
class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments): pass
server = HTTPServer(("", 0), Quiet)
port = server.server_port
if not os.fork():
    server.handle_request(); server.handle_request()
    os._exit(0)
server.socket.close()
for host in ("localhost", "10.0.0.1"):
    with urllib.request.urlopen(f"http://{host}:{port}/data.txt", timeout=10) as reply:
        print(reply.status, reply.read())
print(os.wait()[1], socket.gethostname(), [each[1] for each in socket.if_nameindex()])
"""


def test_a_web_server_of_python_and_its_client(tmp_path: Path) -> None:
    python = shutil.which("python3", path="/usr/bin:/bin")
    if python is None:
        pytest.skip("no /usr/bin/python3")
    (tmp_path / "data.txt").write_bytes(b"from another process\n")
    ended = run("--cwd", str(tmp_path), "--mount", f"{tmp_path}:{tmp_path}", python, "-ISc", PYTHON)
    line = "200 b'from another process\\n'\n"
    assert ended.stdout.decode() == 2 * line + "0 lego ['lo', 'eth0']\n", ended.message
