"""What all tests share."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A loaded host is no defect, so no test fails for being slow. The same examples every time, so that a test fails for
# what was changed; LEGO_RANDOM=1 looks for new ones.
settings.register_profile(
    "lego",
    deadline=None,
    derandomize=not os.environ.get("LEGO_RANDOM"),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lego")

MISSING: set[str] = set()
RAN: set[str] = set()
"""Tools of the host. The process that shares the tests out among workers loads no other file of this kind than this."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says which tests stay together when several workers share them (`-n 2 --dist loadgroup`): those of one guest
    program, which is run natively once; those of one file of whole machines; and all that use Ray, started once.

    First, since the worker's own hook puts the groups that it finds into the names of the tests. Whole machines come
    first, so that the longest groups are shared out before the others (`--no-loadscope-reorder`)."""
    items.sort(key=lambda item: (item.path.parent.name != "machine", "ray" not in item.path.stem))
    for item in items:
        kind = item.path.parent.name
        group = ""
        if kind == "machine":
            group = "ray" if "ray" in item.path.stem else item.path.stem
        elif kind == "guest":
            program = getattr(item, "callspec", None) and item.callspec.params.get("program")  # type: ignore[attr-defined]
            group = program.name if program else ""
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


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
