"""What all tests share."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sharing import group_of

# A loaded host is no defect, so no test fails for being slow. The same examples every time, so that a test fails for
# what was changed; LEGO_RANDOM=1 looks for new ones.
settings.register_profile(
    "lego",
    deadline=None,
    derandomize=not os.environ.get("LEGO_RANDOM"),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lego")

# In the background of a script Ctrl-C is ignored, and so it would be by all that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

MISSING: set[str] = set()
RAN: set[str] = set()
"""Tools of the host. The process that shares the tests out among workers loads no other file of this kind than this."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Shares the tests out as sharing.py says, for `--dist loadscope`."""
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole machines come first, so that the longest groups are shared out first (`--no-loadscope-reorder`)."""
    items.sort(key=lambda item: (item.path.parent.name != "machine", "ray" not in item.path.stem))


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
