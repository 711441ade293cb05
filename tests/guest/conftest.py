"""What the guest tests share: a directory, the machines, and a report of what is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import Bench

MISSING: set[str] = set()
RAN: set[str] = set()


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("guest"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def tools_run() -> set[str]:
    """The tools that were found and compared."""
    return RAN


@pytest.fixture(scope="session")
def tools_missing() -> set[str]:
    """The tools that this host does not have."""
    return MISSING


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands what it found to the process that reports."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput.update(tools_run=sorted(RAN), tools_missing=sorted(MISSING))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended."""
    output = getattr(node, "workeroutput", {})
    RAN.update(output.get("tools_run", ()))
    MISSING.update(output.get("tools_missing", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if RAN or MISSING:
        terminalreporter.write_line(f"host tools compared: {len(RAN)} ({', '.join(sorted(RAN))})")
    if MISSING:
        terminalreporter.write_line(f"host tools missing, not compared: {', '.join(sorted(MISSING))}")
