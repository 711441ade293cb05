"""`lego run` on Ray, as a person uses it: it starts, works, breaks and goes away without a trace."""

import glob
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

pytest.importorskip("ray")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN = [sys.executable, "-m", "lego.cli.main", "run", "--memory", "256M", "--excache", "4M"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": ROOT}
ENDLESS = "echo ready; while :; do :; done"


def started(*arguments):
    return subprocess.Popen(
        [*RUN, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        start_new_session=True,
    )


def left_behind(children, directories):
    """Processes that still run, and new directories of Ray's, once they had ten seconds to go."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        running = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        new = set(glob.glob("/tmp/lego-*")) - directories
        if not running and not new:
            return []
        time.sleep(0.1)
    return [*running, *new]


@pytest.fixture
def directories():
    return set(glob.glob("/tmp/lego-*"))


def test_streams_status_and_cleanliness(directories):
    data = os.urandom(100_000)
    done = subprocess.run([*RUN, "cat"], input=data, capture_output=True, env=ENVIRONMENT, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, data, b"")
    assert left_behind([], directories) == []


@pytest.mark.parametrize("victim", ["Memory", "Processor"])
def test_a_killed_component_is_status_125(victim, directories):
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
    assert left_behind(children, directories) == []


def test_ctrl_c_ends_the_guest_and_everything(directories):
    with started("sh", "-c", ENDLESS) as child:
        assert child.stdout.readline() == b"ready\n"
        children = psutil.Process(child.pid).children(recursive=True)
        os.killpg(child.pid, signal.SIGINT)  # As a terminal does.
        assert child.wait(20) == 130
        assert child.stderr.read() == b""
    assert left_behind(children, directories) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_it_starts_ends_the_command(number, status, directories):
    with started("true") as child:
        deadline = time.monotonic() + 20
        while not (children := psutil.Process(child.pid).children(recursive=True)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        child.send_signal(number)
        assert child.wait(30) == status
        assert child.stderr.read() == b""
    assert left_behind(children, directories) == []
