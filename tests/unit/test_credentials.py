"""Ids, permissions and capabilities."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from kerneltask import call, fails, new_task

from lego.linux.errno import E
from pcomponent.credentials import ROOT_CAPABILITIES, SECBIT_KEEP_CAPS, Credentials


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody else")
def test_permissions_are_the_hosts(tmp_path: Path) -> None:
    """All modes of a file that is one's own, one's group's or others', asked of the host."""
    script = (
        "import os, sys\nos.setgroups([]); os.setgid(65000); os.setuid(65000)\n"
        "for name in sorted(os.listdir('.')):\n"
        "    print(name, *[int(os.access(name, mask)) for mask in range(1, 8)])\n"
    )
    os.chmod(tmp_path, 0o777)
    expected = {}
    for owner, group in ((65000, 1), (1, 65000), (1, 1)):
        for mode in (0, 0o700, 0o070, 0o007, 0o421, 0o124, 0o640, 0o755):
            path = tmp_path / f"{owner}-{group}-{mode:o}"
            path.touch()
            os.chmod(path, mode)
            os.chown(path, owner, group)
            expected[path.name] = (mode, owner, group)
    for above in tmp_path.parents:
        if str(above).startswith("/tmp/") and above.stat().st_uid == 0:
            os.chmod(above, above.stat().st_mode | 0o011)
    printed = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    who = Credentials.of(65000, 65000, 65000, 65000)
    for line in printed.splitlines():
        name, *answers = line.split()
        mode, owner, group = expected[name]
        got = [int(who.permits(stat.S_IFREG | mode, owner, group, mask)) for mask in range(1, 8)]
        assert [str(answer) for answer in got] == answers, name
    assert len(printed.splitlines()) == len(expected)


def test_root_may_do_all_but_execute_what_nobody_may() -> None:
    root = Credentials.of(0, 0, 0, 0)
    assert root.permits(stat.S_IFREG, 5, 5, 6)
    assert not root.permits(stat.S_IFREG | 0o666, 5, 5, 1)
    assert root.permits(stat.S_IFREG | 0o010, 5, 5, 1)
    assert root.permits(stat.S_IFDIR, 5, 5, 7)


def test_dropping_root_drops_capabilities() -> None:
    task = new_task()
    process = task.process
    assert process.credentials.effective == ROOT_CAPABILITIES
    assert call(task, "setuid", 1000) == 0
    assert process.credentials.identity == (1000, 1000, 0, 0)
    assert (process.credentials.permitted, process.credentials.effective) == (0, 0)
    fails(task, E.EPERM, "setuid", 0)
    fails(task, E.EPERM, "setgid", 5)
    assert process.attributes.dumpable == 0


def test_kept_capabilities_and_a_way_back() -> None:
    task = new_task()
    assert call(task, "prctl", 8, 1) == 0
    assert task.process.credentials.securebits == SECBIT_KEEP_CAPS
    call(task, "setresuid", 5, 6, 7)
    assert task.process.credentials.permitted == ROOT_CAPABILITIES
    assert task.process.credentials.effective == 0
    other = new_task()
    call(other, "setresuid", -1, 5, -1)
    assert other.process.credentials.effective == 0
    assert call(other, "setuid", 0) == 0
    assert other.process.credentials.effective == ROOT_CAPABILITIES
