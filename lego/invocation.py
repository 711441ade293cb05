"""What a caller says about one run of a program, checked before anything is asked of a machine.

Mistakes are those of Python: `TypeError` and `ValueError`; what a guest cannot have is a `ConfigError`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lego.config import ConfigError, check_variables

Argument = str | bytes | os.PathLike[str]


class Invocation(NamedTuple):
    """A program as it is to be started."""

    name: str
    """What is looked up in the guest's PATH."""
    arguments: list[bytes]
    variables: list[bytes]
    path: str | None
    """The guest's PATH; None when there is none."""
    cwd: str


def invocation(argv: Sequence[Argument], variables: Sequence[str], cwd: str) -> Invocation:
    """Raises `TypeError` for a single text in place of a list, `ConfigError` for a directory that is not absolute."""
    if isinstance(argv, (str, bytes)):
        raise TypeError(f"argv is {argv!r}; it is a list, as in ['ls', '-l']")
    arguments = [os.fsencode(each) for each in argv]
    if not arguments:
        raise ValueError("argv is empty: there is no program to run")
    directory = os.fspath(cwd)
    if not directory.startswith("/"):
        raise ConfigError("cwd", f"{directory!r} must be an absolute path of the guest")
    path = next((each[5:] for each in variables if each.startswith("PATH=")), None)
    encoded = [os.fsencode(each) for each in variables]
    return Invocation(os.fsdecode(arguments[0]), arguments, encoded, path, directory)


def texts(environment: Mapping[str, str]) -> list[str]:
    """The K=V of an environment. Raises `TypeError` for what is not a text, `ConfigError` for what is no variable."""
    if not isinstance(environment, Mapping):
        raise TypeError(f"environment is of type {type(environment).__name__}; it is a mapping, as in {{'A': 'b'}}")
    for name, value in environment.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"environment: {name!r}: {value!r} is not a text with a text")
        if "=" in name:
            raise ConfigError("environment", f"{name!r} cannot be a variable's name")
    variables = [f"{name}={value}" for name, value in environment.items()]
    check_variables(variables)
    return variables
