"""`lego run`: one program on one machine, from this terminal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import msgspec

from lego.cli.status import FAILED, NOT_EXECUTABLE, NOT_FOUND, complain
from lego.config import ConfigError, check_variables, describe, guest_environment
from lego.config_file import Plan
from lego.linux.errno import E, LinuxError
from lego.machine import Machine, MachineFailed, Result

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that are the program's while it runs, and end the command before and after."""
OF_PROGRAM = ("cwd", "env", "stats", "stats_json", "strace", "strace_output")
"""Options that say how a program runs; all others make the machine."""
QUIET = (signal.SIGINT, signal.SIGPIPE)
"""Signals that a shell says nothing about when they end a program."""


def run(plan: Plan, argv: list[str]) -> int:
    """Runs a program on a machine of its own; returns the exit status of the command. Everything is reported."""
    return _report(
        plan,
        Machine(plan.config, runtime="inproc" if plan.inproc else "ray"),
        argv,
        {"trace": plan.strace_output is not None},
    )


def run_on(name: str, options: Mapping[str, Any], argv: list[str]) -> int:
    """The same on a machine that is up, with the options that are a program's and not the machine's."""
    for key, value in options.items():
        if value and key not in OF_PROGRAM:
            raise ConfigError(
                "", f"--{key.replace('_', '-')} and --on: the machine is made by `lego up`, with its options"
            )
    check_variables(options["env"] or ())
    machine = Machine.attach(name)
    config = machine.config
    added = options["env"] or ()
    config = msgspec.structs.replace(config, environment=(*config.environment, *added), publish=())
    variables = guest_environment(config, dict(os.environ))
    how: dict[str, Any] = {
        "environment": dict(each.split("=", 1) for each in variables),
        "cwd": options["cwd"] or machine.starts_in(),
        "trace": options["strace"] or options["strace_output"] is not None,
    }
    if not how["cwd"].startswith("/"):
        raise ConfigError("", f"--cwd: {how['cwd']!r} must be an absolute path of the guest")
    of_plan = {key: options[key] for key in ("stats", "stats_json", "strace_output")}
    plan = Plan(config=config, **of_plan)
    return _report(plan, machine, argv, how)


def _report(plan: Plan, machine: Machine, argv: list[str], how: dict[str, Any]) -> int:
    _check_writable(plan.stats_json)
    try:
        with _trace_file(plan.strace_output) as trace_output:
            return _run(plan, machine, argv, {**how, "trace_output": trace_output})
    except SystemExit as end:  # Ray's own handler, which is there while it starts, exits with the signal's number.
        status = int(end.code or 0)
        return status if status > 128 else 128 + status


def _run(plan: Plan, machine: Machine, argv: list[str], how: dict[str, Any]) -> int:
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        with machine:
            for each, (host, port) in zip(plan.config.publish, machine.published, strict=True):
                if not each.host_port:
                    complain(f"port {each.guest_port} of the guest is {host}:{port}")
            result = machine.run(argv, capture=False, relay_signals=True, **how)
    except LinuxError as error:
        text = error.detail or os.strerror(error.errno)
        complain(text if argv[0] in text else f"{argv[0]}: {text}")
        return NOT_FOUND if error.errno == E.ENOENT else NOT_EXECUTABLE
    except MachineFailed as error:
        hint = f"; `lego down {machine.name}` ends what is left of it" if machine.name else ""
        complain(f"the machine failed: {error.component}: {error.why}{hint}")
        failure = {"component": error.component, "why": error.why}
        _write_json(plan.stats_json, {"exit_code": FAILED, "failure": failure, "config": describe(machine.config)})
        return FAILED
    _report_death(result)
    _write_json(plan.stats_json, result.statistics)
    if plan.stats:
        from lego.observe.report import print_report

        print_report(result.statistics)
    return result.exit_code


def _end(number: int, frame: FrameType | None) -> None:
    """While the machine starts or stops, a signal ends the command, once everything is cleaned up."""
    raise SystemExit(128 + number)


def _report_death(result: Result) -> None:
    """What a shell prints when a signal ended its program."""
    if result.signal and result.signal not in QUIET and sys.stderr is not None:
        text = signal.strsignal(result.signal) or f"Signal {result.signal}"
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _trace_file(path: str | None) -> Iterator[int]:
    """The descriptor that --strace writes to: standard error, or a file of the host, which is made anew."""
    if path is None:
        yield 2
        return
    try:
        file = open(path, "wb")  # noqa: SIM115 - closed below, after its errors have been told from the run's.
    except OSError as error:
        raise ConfigError("", f"--strace-output: {path}: {error.strerror}") from error
    with file:
        yield file.fileno()


def _check_writable(path: str | None) -> None:
    """Finds out before the run, not after it, that its statistics cannot be written; leaves no empty file."""
    if path is None:
        return
    try:
        if os.path.lexists(path):
            with open(path, "ab"):
                pass
        else:
            with tempfile.TemporaryFile(dir=os.path.dirname(path) or os.curdir):
                pass
    except OSError as error:
        raise ConfigError("", f"--stats-json: {path}: {error.strerror}") from error


def _write_json(path: str | None, statistics: dict[str, Any]) -> None:
    if path is None:
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(statistics, file, indent=2)
            file.write("\n")
    except OSError as error:
        complain(f"{path}: {error.strerror}")
