"""What all tests share."""

from __future__ import annotations

import os

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
