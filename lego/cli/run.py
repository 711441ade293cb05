"""`lego run`: one program on one machine, from this terminal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from lego.cli.status import FAILED, NOT_EXECUTABLE, NOT_FOUND, complain
from lego.config import ConfigError, describe
from lego.config_file import Plan
from lego.linux.errno import E, LinuxError
from lego.machine import Machine, MachineFailed, Result

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that are the program's while it runs, and end the command before and after."""
QUIET = (signal.SIGINT, signal.SIGPIPE)
"""Signals that a shell says nothing about when they end a program."""


def run(plan: Plan, argv: list[str]) -> int:
    """Runs a program and returns the exit status of the command; everything is reported."""
    _check_writable(plan.stats_json)
    try:
        with _trace_file(plan.strace_output) as trace_output:
            return _run(plan, argv, trace_output)
    except SystemExit as end:  # Ray's own handler, which is there while it starts, exits with the signal's number.
        status = int(end.code or 0)
        return status if status > 128 else 128 + status


def _run(plan: Plan, argv: list[str], trace_output: int) -> int:
    machine = Machine(plan.config, runtime="inproc" if plan.inproc else "ray")
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        with machine:
            trace = plan.strace_output is not None
            result = machine.run(argv, capture=False, relay_signals=True, trace=trace, trace_output=trace_output)
    except LinuxError as error:
        text = error.detail or os.strerror(error.errno)
        complain(text if argv[0] in text else f"{argv[0]}: {text}")
        return NOT_FOUND if error.errno == E.ENOENT else NOT_EXECUTABLE
    except MachineFailed as error:
        complain(f"the machine failed: {error.component}: {error.why}")
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
    """Finds out before the run, not after it, that its statistics cannot be written."""
    if path is None:
        return
    try:
        with open(path, "ab"):
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
