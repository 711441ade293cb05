"""From TOML machine files and command-line options to one checked configuration.

Every setting stands once in `SETTINGS`, with the function that reads its value, and is both a key of a machine
file and an option of `lego run` where the command line has one; options win over the file. Lists (`mount`, `env`,
`publish`) add up instead, the file's first, so that a later mount covers, and a later variable replaces, an earlier
one.

Errors are `ConfigError`s of one line that say where: "machine.toml:3: ways: ..." or "--ways: ...".
"""

from __future__ import annotations

import difflib
import math
import os
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from lego.config import (
    ConfigError,
    MachineConfig,
    Mount,
    Publication,
    checked,
    default_mounts,
    format_size,
    parse_mount,
    parse_publication,
    parse_size,
    parse_topology,
)
from lego.fabric.network import PRESETS, Network

Reader = Callable[[Any, str], Any]
"""Reads a TOML or option value; the second argument is the host directory that relative paths start from."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `lego run` was told: the machine, and what the front end does around it."""

    config: MachineConfig
    inproc: bool = False
    """All components in this process, without Ray."""
    stats: bool = False
    """A table on stderr at the end."""
    stats_json: str | None = None
    """A file of the host for the statistics."""
    follows: bool = False
    """Neither a tree nor a directory of the guest's own was asked for: a program starts where its front end is."""
    strace_output: str | None = None
    """A file of the host for the lines of --strace; without one they go to stderr, if they are wanted at all."""


class Setting(NamedTuple):
    """One thing that can be set."""

    read: Reader
    field: str
    """The field of `MachineConfig` or `Plan`."""


FILE_BYTES_MAX = 1 << 20
"""Of a machine file. Devices such as /dev/zero have no end."""
NETWORK_MAX = 10**12
"""Of each number of a network: 1,000 s for a round trip is as good as no network."""


class _Given(NamedTuple):
    value: Any
    where: str
    """For an error's text: "FILE:LINE: key" or "--key"."""


def _size(value: Any, base: str) -> int:
    return parse_size(value)


def _topology(value: Any, base: str) -> Any:
    return parse_topology(_text(value, base))


def _number(value: Any, base: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        quoted = isinstance(value, str) and value.strip().lstrip("+-").isdecimal()
        raise ConfigError(
            "", f"{value!r} is not a whole number" + (f": write {int(value)}, unquoted" if quoted else "")
        )
    return value


def _epoch(value: Any, base: str) -> int:
    """Seconds, or "now": what the host's clock shows, rounded up, so that no file there is comes from the future."""
    if value == "now":
        return math.ceil(time.time())
    if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigError("", f'{value!r} is neither a number of seconds nor "now"')
    return value


def _switch(value: Any, base: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError("", f"{value!r} is neither true nor false")
    return value


def _text(value: Any, base: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConfigError("", f"{value!r} is not a text")
    return value


def _host_path(value: Any, base: str) -> str:
    return os.path.join(base, _text(value, base))


def _mounts(value: Any, base: str) -> tuple[Mount, ...]:
    return tuple(parse_mount(text, base) for text in _texts(value, base))


def _publications(value: Any, base: str) -> tuple[Publication, ...]:
    return tuple(parse_publication(text) for text in _texts(value, base))


def _variables(value: Any, base: str) -> tuple[str, ...]:
    if isinstance(value, dict):
        value = [f"{name}={text}" for name, text in value.items()]
    return _texts(value, base)


def _texts(value: Any, base: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise ConfigError("", f"{value!r} is not a list of texts")
    return tuple(_text(each, base) for each in value)


def _network(value: Any, base: str) -> Network:
    if isinstance(value, str):
        if value not in PRESETS:
            raise ConfigError("", f"{value!r} is no network preset; there are {', '.join(sorted(PRESETS))}")
        return PRESETS[value]
    if not isinstance(value, dict):
        raise ConfigError("", f"{value!r} is neither the name of a preset nor a table")
    fields = {each.name: each.name for each in msgspec.structs.fields(Network)}
    for name, each in value.items():
        _known(name, fields)
        if not 0 <= _number(each, base) <= NETWORK_MAX:
            raise ConfigError("", f"{name} is negative" if each < 0 else f"{name} is too large: at most {NETWORK_MAX}")
    return Network(**value)


SETTINGS: dict[str, Setting] = {
    "topology": Setting(_topology, "topology"),
    "excache": Setting(_size, "excache_bytes"),
    "ways": Setting(_number, "ways"),
    "memory": Setting(_size, "memory_bytes"),
    "mount": Setting(_mounts, "mounts"),
    "root": Setting(_host_path, "root"),
    "cwd": Setting(_text, "cwd"),
    "env": Setting(_variables, "environment"),
    "inherit_environment": Setting(_switch, "inherit_environment"),
    "seed": Setting(_number, "seed"),
    "prefetch_pages": Setting(_number, "prefetch_pages"),
    "placement": Setting(_text, "placement"),
    "memory_placement": Setting(_text, "memory_placement"),
    "cores": Setting(_number, "cores"),
    "quantum_instructions": Setting(_number, "quantum_instructions"),
    "instruction_ps": Setting(_number, "instruction_ps"),
    "syscall_ns": Setting(_number, "syscall_ns"),
    "zero_fill_ns": Setting(_number, "zero_fill_ns"),
    "exit_ns": Setting(_number, "exit_ns"),
    "thread_exit_ns": Setting(_number, "thread_exit_ns"),
    "epoch_s": Setting(_epoch, "epoch_s"),
    "address": Setting(_text, "address"),
    "publish": Setting(_publications, "publish"),
    "network": Setting(_network, "network"),
    "threads_max": Setting(_number, "threads_max"),
    "strace": Setting(_switch, "trace"),
    "strace_output": Setting(_host_path, "strace_output"),
    "inproc": Setting(_switch, "inproc"),
    "stats": Setting(_switch, "stats"),
    "stats_json": Setting(_host_path, "stats_json"),
}
_LISTS = ("mount", "env", "publish")
_PLAN = ("inproc", "stats", "stats_json", "strace_output")


def load(path: str) -> MachineConfig:
    """The machine that a TOML file describes, checked. Raises `ConfigError`."""
    return plan({}, path).config


def plan(options: Mapping[str, Any], path: str | None = None) -> Plan:
    """Merges the options that were given (None and empty ones were not) over the file at `path`."""
    given = _read_file(path) if path is not None else {}
    for key, value in options.items():
        if value is None or value is False or (key in _LISTS and not value):
            continue
        where = "--" + key.replace("_", "-")
        each = _Given(_read(key, value, os.curdir, where), where)
        if key in _LISTS and key in given:
            each = _Given(given[key].value + each.value, where)
        given[key] = each
    return _assemble(given)


def _read_file(path: str) -> dict[str, _Given]:
    try:
        with open(path, "rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise ConfigError("", f"{path}: too large for a machine file: at most {format_size(FILE_BYTES_MAX)}")
        text = data.decode()
        table = tomllib.loads(text)
    except OSError as error:
        raise ConfigError("", f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError("", f"{path}: not a text in UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("", _toml_error(path, text, str(error))) from error
    except RecursionError:
        raise ConfigError("", f"{path}: brackets or keys within one another too deeply") from None
    except ValueError:  # Python's limit on the digits of one number.
        raise ConfigError("", f"{path}: a number has too many digits") from None
    given = {}
    for written, value in table.items():
        key = written.replace("-", "_")
        line = _line_of(text, written)
        place = f"{path}:{line}" if line else path
        try:
            _known(key, SETTINGS)
        except ConfigError as error:
            raise ConfigError("", f"{place}: {error.why}") from None
        where = f"{place}: {written}"
        given[key] = _Given(_read(key, value, os.path.dirname(path) or os.curdir, where), where)
    return given


def _toml_error(path: str, text: str, why: str) -> str:
    match = re.search(r" \(at line (\d+), column (\d+)\)$| \(at end of document\)$", why)
    if match is None:
        return f"{path}: {why}"
    line = int(match[1]) if match[1] else len(text.splitlines())
    return f"{path}:{line}: {why[: match.start()]}"


def _line_of(text: str, key: str) -> int:
    """The line that sets a top-level key, 0 when it is written in a way that is not recognised."""
    name = re.escape(key)
    pattern = re.compile(rf"""\s*(\[\s*)?["']?{name}["']?\s*[=.\]]""")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.match(line):
            return number
    return 0


def _known(key: str, names: Mapping[str, Any]) -> None:
    if key in names:
        return
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(names))}"
    raise ConfigError("", f"unknown key {key!r}{hint}")


def _read(key: str, value: Any, base: str, where: str) -> Any:
    try:
        return SETTINGS[key].read(value, os.path.abspath(base))
    except ConfigError as error:
        raise ConfigError("", f"{where}: {error.why}") from None


def _assemble(given: dict[str, _Given]) -> Plan:
    try:
        fields = {SETTINGS[key].field: each.value for key, each in given.items()}
        front = {name: fields.pop(name) for name in _PLAN if name in fields}
        mounts, cwd = _tree(fields.pop("root", None), fields.pop("mounts", ()))
        config = MachineConfig(**{"cwd": cwd, **fields, "mounts": mounts})
        follows = config.mounts[0].source == "/" and "cwd" not in fields
        return Plan(config=checked(config), follows=follows, **front)
    except ConfigError as error:
        if error.key in given:
            raise ConfigError("", f"{given[error.key].where}: {error.why}") from None
        raise


def _tree(root: str | None, mounts: tuple[Mount, ...]) -> tuple[tuple[Mount, ...], str]:
    """The guest's mounts, and where it starts when nothing else is said.

    A root of its own is writable, and begins in "/"; a mount at "/" is a root too, with the rights that it names.
    """
    roots = [mount for mount in mounts if mount.target == "/"]
    others = tuple(mount for mount in mounts if mount.target != "/")
    if root is not None:
        roots.append(Mount(os.path.abspath(root), "/", writable=True))
    if len(roots) > 1:
        raise ConfigError("mount", "the guest has only one root: give --root, or one mount at /")
    if roots:
        return (roots[0], *others), "/"
    try:
        cwd = os.getcwd()
    except OSError as error:
        raise ConfigError("", f"the current directory cannot be used: {error.strerror}") from error
    return default_mounts(cwd) + others, cwd
