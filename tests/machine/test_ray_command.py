"""`lego run` on Ray, as a person uses it: it starts, works, breaks and goes away without a trace."""

import contextlib
import glob
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from lego.config import scratch_base

pytest.importorskip("ray")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN = [sys.executable, "-m", "lego.cli.main", "run", "--memory", "256M", "--excache", "4M"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": ROOT}
ENDLESS = "echo ready; while :; do :; done"


@contextlib.contextmanager
def started(*arguments, stdin=subprocess.DEVNULL):
    """A command that runs, and is ended with the block."""
    child = subprocess.Popen(
        [*RUN, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        child.terminate()  # It takes its components along.
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream is not None:
                stream.close()


def left_behind(command, children):
    """Processes that still run, and directories that the command made for Ray, once they had ten seconds to go."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        running = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        new = glob.glob(f"{scratch_base()}/lego-{command.pid}-*")
        if not running and not new:
            return []
        time.sleep(0.1)
    return [*running, *new]


def test_streams_status_and_cleanliness():
    data = os.urandom(100_000)
    with started("cat", stdin=subprocess.PIPE) as child:
        output = child.communicate(data, timeout=60)
    assert (child.returncode, *output) == (0, data, b"")
    assert left_behind(child, []) == []


@pytest.mark.parametrize("victim", ["Memory", "Processor"])
def test_a_killed_component_is_status_125(victim):
    with started("sh", "-c", ENDLESS) as child:
        assert child.stdout.readline() == b"ready\n"
        children = psutil.Process(child.pid).children(recursive=True)
        target = next(each for each in children if f"ray::{victim}" in " ".join(each.cmdline()))
        target.kill()
        began = time.monotonic()
        told = child.stderr.readline()
        assert time.monotonic() - began < 2
        assert child.wait(20) == 125
        assert told == b"lego: the machine failed: %s: its process died\n" % (victim[0].encode() + b"0")
        assert child.stderr.read() == b""
        assert child.stdout.read() == b""  # Ray's own words about it are not the guest's.
    assert left_behind(child, children) == []


def test_ctrl_c_ends_the_guest_and_everything():
    with started("sh", "-c", ENDLESS) as child:
        assert child.stdout.readline() == b"ready\n"
        children = psutil.Process(child.pid).children(recursive=True)
        os.killpg(child.pid, signal.SIGINT)  # As a terminal does.
        assert child.wait(20) == 130
        assert child.stderr.read() == b""
    assert left_behind(child, children) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_it_starts_ends_the_command(number, status):
    with started("true") as child:
        deadline = time.monotonic() + 20
        while not (children := psutil.Process(child.pid).children(recursive=True)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        child.send_signal(number)
        assert child.wait(30) == status
        assert child.stderr.read() == b""
    assert left_behind(child, children) == []
