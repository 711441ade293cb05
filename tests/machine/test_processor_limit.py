"""RLIMIT_CPU, on a machine so slow that a second is few instructions. The output is what Linux gave natively."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_determinism import config, once

from lego.config import Topology

SIGKILL, SIGXCPU = 9, 24
SLOW_PS = 10**7
"""Of one instruction: a second is 100,000 of them."""


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize(
    ("argument", "status", "lines"),
    [
        ("soft", 128 + SIGKILL, ["signal 24 after 1 s, the limit is 2 now", "signal 24 after 2 s, the limit is 3 now"]),
        ("default", 128 + SIGXCPU, []),
        ("child", 0, ["status 0x9", "status 0x9"]),
    ],
)
def test_processor_time_has_an_end(
    tmp_path: Path, processors: int, argument: str, status: int, lines: list[str]
) -> None:
    machine = config(
        tmp_path,
        instruction_ps=SLOW_PS,
        topology=Topology(processors, 1, 1),
        placement="spread" if processors > 1 else "parent",
    )
    result = once(machine, "machine_processor_limit", argument)
    assert result.stdout.decode().splitlines() == lines
    assert result.exit_code == status, result.stderr
