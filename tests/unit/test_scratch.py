import fcntl
import os
import subprocess
import sys

from lego.scratch import own_directory


def test_a_directory_lasts_as_long_as_it_is_used(tmp_path):
    with own_directory(str(tmp_path)) as first, own_directory(str(tmp_path)) as second:
        assert first != second and os.path.isdir(first) and os.path.isdir(second)
        assert os.stat(first).st_mode & 0o777 == 0o700
        (tmp_path / os.path.basename(first) / "file").write_text("x")
    assert not os.listdir(tmp_path)


def test_what_is_put_there_while_it_is_removed_goes_too(tmp_path, monkeypatch):
    calls = []

    def half(path, ignore_errors):
        calls.append(path)
        if len(calls) == 3:
            os.rmdir(path)

    with own_directory(str(tmp_path)):
        monkeypatch.setattr("lego.scratch.shutil.rmtree", half)
    assert len(calls) == 3 and not os.listdir(tmp_path)


def test_what_a_killed_process_has_left_is_removed(tmp_path):
    code = (
        "import os, signal\nfrom lego.scratch import own_directory\n"
        f"with own_directory({str(tmp_path)!r}) as path:\n"
        "    open(path + '/file', 'w').close()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)
    assert killed.returncode == -9
    (left,) = os.listdir(tmp_path)
    others = [
        f"lego-{os.getpid()}-abcdefgh.tmp",
        left[:-5] + ("b" if left[-5] == "a" else "a") + ".tmp",
        "lego-shm-other",
        "other",
        "lego-99999999-releases",
    ]
    for name in others:
        (tmp_path / name).mkdir()
    locked = os.open(tmp_path / others[1], os.O_RDONLY)
    fcntl.flock(locked, fcntl.LOCK_EX)
    with own_directory(str(tmp_path)) as path:
        assert sorted(os.listdir(tmp_path)) == sorted([*others, os.path.basename(path)])
    os.close(locked)
