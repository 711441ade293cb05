"""docs/stats.md says what there is, and all that there is."""

import importlib.util
import re
from pathlib import Path

import fake_components
import pytest

from lego import Machine

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate_stats", DOCS / "generate_stats.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_up_to_date(generator):
    assert (DOCS / "stats.md").read_text() == generator.text(), "run: python docs/generate_stats.py"


def test_a_real_run_reports_just_that(generator):
    with Machine() as machine:
        found = machine.run(["/bin/true"]).statistics
    top = set(re.findall(r"^\| `(\w+)(?:\[\])?` \|", generator.HEAD, re.MULTILINE)) - {"failure"}
    assert set(found) == top
    for place, rows in (
        ("processors[]", found["processors"]),
        ("processors[].excache", [row["excache"] for row in found["processors"]]),
        ("memories[]", found["memories"]),
        ("storages[]", found["storages"]),
        ("manager", [found["manager"]]),
        ("links[]", found["links"]),
    ):
        for row in rows:
            assert set(row) == generator.documented(place), place


def test_the_table_shows_what_was_counted(monkeypatch):
    from lego.observe.report import format_ns, report_lines

    fake_components.install(monkeypatch)
    with Machine() as machine:
        text = "\n".join(report_lines(machine.run(["exit", "3"]).statistics))
    assert "virtual time" in text and "1.500 us" in text and "wall time" in text
    assert re.search(r"exit status +3\n", text)
    assert re.search(r"P0 +syscalls +2 \(write 2\)", text)
    assert re.search(r"P0 -> console +1 message", text)
    assert [format_ns(ns) for ns in (0, 999, 1000, 2_500_000, 10**9)] == [
        "0 ns",
        "999 ns",
        "1.000 us",
        "2.500 ms",
        "1.000 s",
    ]
