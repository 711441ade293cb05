"""Shells, interpreters, sqlite3, git and pipelines of tools, as packaged: scripts/, natively and on Lego.

A script says on one of its first lines what it is run with, several commands separated by " | ": `# with: dash | bash`.
It prints nothing that two runs may have different. `NEEDS` names what a script starts besides.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import ENVIRONMENT, Bench, differences

SCRIPTS = Path(__file__).parent / "scripts"
WITH = re.compile(r"^\W*with: (.*)$", re.MULTILINE)
NEEDS = {
    "git.sh": ["git"],
    "make.sh": ["make"],
    "pipelines.sh": ["xargs", "awk", "tar", "gzip", "bc", "shuf"],
    "sqlite.sh": ["sqlite3"],
    "sqlite_locking.sh": ["sqlite3"],
    "xz_threads.sh": ["xz"],
}
"""Tools of scripts that are not among those that every host has."""


def scripts() -> Iterator[object]:
    """Each script with each command that it is run with."""
    for script in sorted(SCRIPTS.iterdir()):
        found = WITH.search(script.read_text(encoding="utf-8"))
        assert found, f"{script} does not say what it is run with"
        for command in found[1].split(" | "):
            yield pytest.param(script, shlex.split(command), id=f"{script.stem}-{command}".replace(" ", "_"))


@pytest.mark.parametrize(("script", "command"), list(scripts()))
def test_script(bench: Bench, tools_missing: set[str], script: Path, command: list[str]) -> None:
    for tool in [command[0], *NEEDS.get(script.name, [])]:
        if shutil.which(tool, path=ENVIRONMENT["PATH"]) is None:
            tools_missing.add(tool)
            pytest.skip(f"{tool} is not installed")
    argv = [*command, str(script)]
    expected = bench.native(argv)
    assert expected.stdout, expected
    got = bench.lego("generous", argv)
    assert not (found := differences(expected, got)), found
