from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from pcomponent import kept
from pcomponent.native import compile_functions

SOURCE = "define i64 @add(i64 %a, i64 %b) {\n  %sum = add i64 %a, %b\n  ret i64 %sum\n}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(kept, "_places", lambda: [tmp_path / "file" / "below", tmp_path / "cache"])
    return tmp_path / "cache"


def add(source: str = SOURCE) -> int:
    function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)(
        compile_functions(source, ["add"])[0]
    )
    return int(function(1 << 40, 2))


def test_what_was_compiled_is_kept_and_used_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert add() == (1 << 40) + 2
    assert len(list(place.iterdir())) == 1
    monkeypatch.setattr("pcomponent.native._compile", None)
    assert add() == (1 << 40) + 2


def test_another_source_has_another_name(place: Path) -> None:
    assert add() == (1 << 40) + 2
    assert add(SOURCE.replace("= add", "= sub")) == (1 << 40) - 2


@pytest.mark.parametrize("length", [0, 100, 300])
def test_a_file_that_is_not_whole_is_made_again(place: Path, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    add()
    for path in place.iterdir():
        path.write_bytes(path.read_bytes()[:length])
    assert add() == (1 << 40) + 2
    monkeypatch.setattr("pcomponent.native._compile", None)
    assert add() == (1 << 40) + 2


def test_nowhere_to_keep_it_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(kept, "_places", lambda: [tmp_path / "file" / "below"])
    assert add() == (1 << 40) + 2


def test_without_a_home_it_is_kept_beside_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert kept.kept("nothing") is None


def homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")
