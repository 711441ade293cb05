"""What all tests share."""

from __future__ import annotations

import os

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says which tests stay together when several workers share them (`-n 2 --dist loadgroup`): those of one guest
    program, which is run natively once; those of one file of whole machines; and all that use Ray, started once."""
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
