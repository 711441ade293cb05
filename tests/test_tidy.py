"""The rules of the house that a program can check; see DESIGN in docs/architecture.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sharing import group_of

ROOT = Path(__file__).parent.parent
PACKAGES = ("lego", "pcomponent", "mcomponent", "scomponent", "gmanager")
COMPONENTS = ("pcomponent", "mcomponent", "scomponent", "gmanager")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

LINES_MAX = 450
FUNCTION_LINES_MAX = 70

# What a part of the house may stand on. `lego`'s ground floor knows no component; an actor is the only file of a
# component that knows the shell it lives in.
GROUND_FLOOR = ("lego.linux", "lego.fabric", "lego.observe", "lego.regions", "lego.config", "lego.console.messages")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, and whether only for type checking."""
    tree = ast.parse(path.read_text())
    typing_only: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            typing_only.update(inner for child in node.body for inner in ast.walk(child))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = node.module
            for alias in node.names:
                inner = ROOT / module.replace(".", "/") / f"{alias.name}.py"
                yield (f"{module}.{alias.name}" if inner.exists() else module), node in typing_only


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 50


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_components_meet_only_at_their_doors(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    if own not in COMPONENTS:
        return
    for module, _ in imports(path):
        package = module.split(".")[0]
        if package in COMPONENTS and package != own:
            assert module == f"{package}.messages", f"{name_of(path)} reaches past the door of {package}: {module}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_run_downward(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    name = name_of(path)
    for module, typing_only in imports(path):
        if name.startswith(("lego.linux", "lego.fabric", "lego.observe", "lego.regions", "lego.config")):
            if name in ("lego.config_file", "lego.observe.report"):
                continue
            assert module.split(".")[0] not in COMPONENTS, f"{name} on the ground floor knows {module}"
        if own in COMPONENTS and path.name != "actor.py" and module.startswith("lego.") and not typing_only:
            assert module.startswith(GROUND_FLOOR), f"{name} reaches up to {module}"
        if module == "ray":
            assert name in ("lego.runtime.ray", "lego.cli.doctor"), f"{name} knows Ray"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_can_be_read_in_one_sitting(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LINES_MAX
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a file opens with what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES_MAX, f"{node.name} is longer than a screen"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_left_unfinished(path: Path) -> None:
    text = path.read_text()
    for word in ("TODO", "FIXME", "XXX", "NotImplementedError"):
        assert word not in text


def test_every_monitor_serves_every_request_of_its_door() -> None:
    """A request that is declared but never handled would fail only when it is first sent."""
    for component in COMPONENTS:
        names = {
            node.name
            for node in ast.walk(ast.parse((ROOT / component / "messages.py").read_text()))
            if isinstance(node, ast.ClassDef)
            and any(isinstance(base, ast.Name) and base.id == "Request" for base in node.bases)
        }
        used = "\n".join(path.read_text() for path in (ROOT / component).rglob("*.py") if path.name != "messages.py")
        assert names
        for name in names:
            assert name in used, f"nothing in {component} mentions {name}"


def test_tests_of_one_guest_program_go_to_one_worker(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        program = getattr(item, "callspec", None) and item.callspec.params.get("program")  # type: ignore[attr-defined]
        if item.path.parent.name == "guest" and hasattr(program, "name"):
            assert group_of(item.nodeid) == program.name
    ray = {group_of(f"tests/machine/test_ray_{name}.py::test_a[b]") for name in ("command", "machine")}
    assert ray == {"ray"}
    assert group_of("tests/unit/test_cli.py::test_a") != group_of("tests/unit/test_cli.py::test_b")
