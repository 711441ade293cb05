"""What is written down about a machine that is up, so that the next command finds it.

Each machine has two files in the state folder: `NAME.json`, how to reach it, and `NAME.lock`, which its caretaker holds
locked for as long as it lives. The kernel drops the lock however the caretaker ends, so a record without a lock is
that of a machine that is gone. The record has the machine's key: the folder is for its owner alone.

The folder is $LEGO_STATE_DIR, else $XDG_RUNTIME_DIR/lego, else $XDG_STATE_HOME/lego, else ~/.local/state/lego.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import struct
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from lego.config import ConfigError, MachineConfig

DEFAULT_NAME = "lego"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_FLOCK = struct.Struct("@hhqqi4x")
"""struct flock of x86-64 Linux: l_type, l_whence, l_start, l_len, l_pid (fcntl(2))."""
_FORMAT = 1


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a machine that is up."""

    format: int = _FORMAT
    name: str
    caretaker: str
    """Where its caretaker listens, "host:port"."""
    key: bytes
    """What all who talk to its components must hold."""
    host: str
    """The address at which consoles are served to it."""
    addresses: dict[str, str]
    """Where its components listen."""
    pids: dict[str, int]
    """The host's processes of the components."""
    config: MachineConfig
    follows: bool
    """Whether a program starts where its front end is, and not in the machine's own directory."""
    since_s: float
    """When it came up, in seconds since 1970 on the host."""
    ray: str
    """The address of the Ray that it runs on, ..."""
    namespace: str
    """... and the namespace in which its actors have the components' names."""
    directory: str
    """The directory of a Ray of its own; empty when it was joined."""
    published: tuple[tuple[str, int], ...] = ()
    """Address and port of the host for each of `config.publish`."""


class Found(NamedTuple):
    """What the state folder knows of a machine."""

    name: str
    caretaker_pid: int
    """0 when it has no caretaker: it is gone."""
    record: Record | None
    """None while it starts."""

    @property
    def is_up(self) -> bool:
        """Whether it can be talked to, as far as the state folder knows."""
        return self.caretaker_pid != 0 and self.record is not None


def check_name(name: str) -> str:
    """The name, if it can be one; else `ConfigError`."""
    if _NAME.fullmatch(name) is None:
        raise ConfigError("", f"{name!r} cannot be a machine's name: up to 32 letters, digits and . _ -, no . first")
    return name


def folder() -> str:
    """The state folder's path; it need not be there yet."""
    given = os.environ.get("LEGO_STATE_DIR")
    if given:
        return os.path.abspath(given)
    for variable in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        base = os.environ.get(variable, "")
        if base.startswith("/") and os.path.isdir(base):
            return os.path.join(base, "lego")
    return os.path.join(os.path.expanduser("~"), ".local", "state", "lego")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """What goes wrong with files of the state folder, a full disk for one, is a `ConfigError` of one line."""
    try:
        yield
    except OSError as error:
        path = error.filename or folder()
        raise ConfigError("", f"the state folder: {path}: {error.strerror}; $LEGO_STATE_DIR names another") from error


def open_folder() -> str:
    """Makes the state folder, for its owner alone. Raises `ConfigError`, also when others can get at it."""
    path = folder()
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        found = os.stat(path)
    except OSError as error:
        raise ConfigError("", f"the state folder {path}: {error.strerror}; $LEGO_STATE_DIR names another") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ConfigError("", f"the state folder {path} must be a directory of yours with mode 0700")
    return path


# ---- the lock --------------------------------------------------------------------------------------------


def hold(name: str) -> int:
    """Becomes the caretaker of a name: returns the descriptor of its lock, which lasts until it is closed or this
    process ends. Raises `ConfigError` when somebody else is."""
    path = os.path.join(open_folder(), f"{name}.lock")
    while True:
        with told():
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise ConfigError("", f"a machine {name!r} is up already; `lego down {name}` ends it") from error
        try:
            if os.path.samestat(os.fstat(lock), os.stat(path)):
                return lock
        except FileNotFoundError:
            pass
        os.close(lock)  # The one who held it before has removed the file.


def release(name: str, lock: int) -> None:
    """Takes the record and the lock away; what somebody else has written since stays."""
    path = folder()
    for end in ("json", "lock"):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(path, f"{name}.{end}"))
    os.close(lock)


def caretaker_of(name: str) -> int:
    """The pid of a machine's caretaker, 0 when it has none."""
    try:
        lock = os.open(os.path.join(folder(), f"{name}.lock"), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return 0
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(lock, fcntl.F_GETLK, asked))
    finally:
        os.close(lock)
    return 0 if kind == fcntl.F_UNLCK else pid


# ---- records ---------------------------------------------------------------------------------------------


def write(record: Record) -> None:
    """Writes a record, which appears whole or not at all. Raises `ConfigError`."""
    path = os.path.join(open_folder(), f"{record.name}.json")
    new = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    try:
        with told():
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(msgspec.json.encode(record))
            os.replace(new, path)
    except ConfigError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def find(name: str) -> Found | None:
    """What there is about a machine; None when there is nothing."""
    check_name(name)
    path = os.path.join(folder(), f"{name}.json")
    caretaker = caretaker_of(name)
    try:
        with open(path, "rb") as file:
            text = file.read()
        record: Record | None = msgspec.json.decode(text, type=Record)
    except FileNotFoundError:
        record = None
    except OSError as error:
        raise ConfigError("", f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        record = None
        if not caretaker:  # Nobody can use it any more, and `down` and `up` replace it.
            return Found(name, 0, None)
    if record is None and not caretaker:
        return None
    if record is not None and record.format != _FORMAT:
        record = None
    return Found(name, caretaker, record)


def find_all() -> list[Found]:
    """All machines that the state folder knows, by name."""
    try:
        names = {each.rpartition(".")[0] for each in os.listdir(folder()) if each.endswith((".json", ".lock"))}
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError("", f"the state folder {folder()}: {error.strerror}") from error
    found = (find(name) for name in sorted(names) if _NAME.fullmatch(name))
    return [each for each in found if each is not None]


def forget(name: str) -> None:
    """Takes the files of a machine away that has no caretaker. Raises `ConfigError` when it has one."""
    release(name, hold(name))


def only(name: str | None) -> Found:
    """The machine of a name, or, without one, the only one there is. Raises `ConfigError` that says what there is."""
    everything = find_all()
    if name is not None:
        found = find(name)
        if found is not None:
            return found
        known = ", ".join(each.name for each in everything)
        raise ConfigError(
            "", f"no machine {name!r} is up; " + (f"there are: {known}" if known else "`lego up` starts one")
        )
    if not everything:
        raise ConfigError("", "no machine is up; `lego up` starts one")
    if len(everything) > 1:
        raise ConfigError("", f"say which machine: {', '.join(each.name for each in everything)}")
    return everything[0]
