"""The times of files are the guest's: the same in every run, on either side of `stat`, and never those of the host."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness import ENVIRONMENT

from lego.config import MachineConfig, Mount
from lego.machine import Machine

SCRIPT = """
echo text > file; mkdir directory; ln -s file link; sleep 5; echo more >> file; touch directory/x; chmod 600 directory/x
cat file > /dev/null; ln file second; mv second third; rm directory/x
stat -c '%n %x %y %z' file directory link third; date +%s.%N
"""


def once(work: Path) -> bytes:
    """A run in a fresh directory, on a machine of its own."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    config = MachineConfig(mounts=(Mount("/", "/"), Mount(str(work), "/mnt", writable=True)), epoch_s=1_000_000_000)
    with Machine(config, runtime="inproc") as machine:
        result = machine.run(["/bin/sh", "-c", SCRIPT], cwd="/mnt", environment=ENVIRONMENT)
    assert (result.exit_code, result.stderr) == (0, b"")
    return result.stdout


def test_file_times_are_the_same_in_every_run(tmp_path: Path) -> None:
    first = once(tmp_path / "work")
    assert first == once(tmp_path / "work")
    lines = first.decode().splitlines()
    assert len(lines) == 5 and all(line.count("2001-09-09 01:46:") == 3 for line in lines[:4]), lines
    assert (tmp_path / "work" / "file").stat().st_mtime > 1_700_000_000


def test_what_one_run_changed_is_in_the_past_of_the_next(tmp_path: Path) -> None:
    config = MachineConfig(mounts=(Mount("/", "/"), Mount(str(tmp_path), "/mnt", writable=True)))

    def run(script: str) -> bytes:
        result = machine.run(["/bin/sh", "-c", script], cwd="/mnt", environment=ENVIRONMENT)
        assert (result.exit_code, result.stderr) == (0, b"")
        return result.stdout

    with Machine(config, runtime="inproc") as machine:
        run("echo a > first; sleep 50; echo b > second; sleep 50; mkdir last")
        compared = "for f in first:second second:last last:third; do [ ${f#*:} -nt ${f%:*} ] && echo ${f#*:}; done"
        assert run(f"echo c > third; {compared}; find . -newermt now -type f") == b"second\nlast\nthird\n"
        assert run(f"touch second; {compared}; [ second -nt third ] && echo again") == b"second\nthird\nagain\n"
