"""`lego up`, `lego ps`, `lego kill` and `lego down`: machines that stay up."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import Any

from lego.cli.status import FAILED, complain
from lego.config import ConfigError, topology_name
from lego.config_file import Plan
from lego.fabric.errors import FabricError
from lego.linux.errno import LinuxError
from lego.linux.signal import NSIG
from lego.observe.report import format_ns
from lego.standing import record
from lego.standing.attached import reachable
from lego.standing.launch import Visit, bring_up, take_down
from lego.standing.record import Found
from pcomponent.messages import ProcessRow

NOT_THERE = 1
"""The exit status of `lego kill` when there is no such process, as kill(1) has it."""
_HEADINGS = ("PID", "PPID", "PGID", "SID", "TTY", "STAT", "THREADS", "P", "HOME", "TIME", "COMMAND")
_NUMBERS = ("PID", "PPID", "PGID", "SID", "THREADS", "TIME", "PROCESSES")
"""Columns that are aligned to the right."""


def up(plan: Plan, name: str, ray: str) -> int:
    """Starts a machine and returns when it is up."""
    of_run = {"stats": plan.stats, "stats_json": plan.stats_json is not None}
    for option, wrong in {"inproc": plan.inproc, **of_run}.items():
        if wrong:
            where = "a machine that stays up runs on Ray" if option == "inproc" else "it is an option of `lego run`"
            raise ConfigError("", f"{option}: {where}")
    signal.signal(signal.SIGTERM, _end)
    try:
        bring_up(name, plan.config, plan.follows, ray)
    except FabricError as error:
        complain(f"the machine did not start: {error}")
        return FAILED
    for each, (host, port) in zip(plan.config.publish, reachable(name).published, strict=True):
        print(f"port {each.guest_port} of the machine is {host}:{port}")
    print(
        f"the machine {name!r} is up; `lego run --on {name} PROGRAM` runs a program on it, `lego down {name}` ends it"
    )
    return 0


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def down(name: str | None) -> int:
    """Ends a machine, and the programs on it."""
    found = record.only(name)
    try:
        ended = take_down(found)
    except FabricError as error:
        complain(f"the machine {found.name!r} does not end: {error}")
        return FAILED
    programs = (
        f"; {ended} program{'s that ran on it were' if ended > 1 else ' that ran on it was'} ended" if ended else ""
    )
    gone = "is down" if found.caretaker_pid else "was gone already, and is forgotten"
    print(f"the machine {found.name!r} {gone}{programs}")
    return 0


# ---- kill ------------------------------------------------------------------------------------------------


def signal_number(text: str) -> int:
    """A signal by its name, with or without SIG, or by its number; 0 only asks. Raises `ConfigError`."""
    word = text.strip().upper().removeprefix("SIG")
    if word.isdecimal() and int(word) <= NSIG:
        return int(word)
    try:
        return signal.Signals[f"SIG{word}"].value
    except KeyError:
        raise ConfigError(
            "", f"--signal: {text!r} is no signal; there are names such as TERM, and numbers up to {NSIG}"
        ) from None


def kill(pids: Sequence[int], number: int, name: str | None) -> int:
    """Sends a signal to processes of a machine; all are tried."""
    machine = reachable(name)
    status = 0
    with Visit(machine) as visit:
        for pid in pids:
            try:
                visit.kill(pid, number)
            except LinuxError as error:
                complain(f"({pid}): {os.strerror(error.errno)}")
                status = NOT_THERE
            except FabricError as error:
                complain(f"the machine {machine.name!r} is broken: {error}")
                return FAILED
    return status


# ---- ps --------------------------------------------------------------------------------------------------


def ps(name: str | None, as_json: bool) -> int:
    """The processes of a machine; without a name, of the only one, or all machines when there are none or several."""
    everything = record.find_all()
    if name is None and len(everything) != 1:
        _print_machines(everything, as_json)
        return 0
    found = record.only(name)
    row, processes = _examine(found)
    if as_json:
        print(json.dumps({**row, "processes": [_as_json(*each) for each in processes]}, indent=2))
    elif row["state"] == "up":
        _print_table(_HEADINGS, [_as_text(*each) for each in processes])
    if row["state"] != "up":
        complain(f"the machine {found.name!r} is {row['state']}" + (f": {row['why']}" if row["why"] else ""))
        return FAILED
    return 0


def _examine(found: Found) -> tuple[dict[str, Any], list[tuple[str, ProcessRow]]]:
    """How a machine is, and its processes as far as it can say."""
    row: dict[str, Any] = {"name": found.name, "state": "up", "why": "", "caretaker_pid": found.caretaker_pid}
    machine = found.record
    if machine is not None:
        row |= {"topology": topology_name(machine.config.topology), "since": int(machine.since_s), "ray": machine.ray}
        ports = [each.guest_port for each in machine.config.publish]
        published = [f"{host}:{port}:{guest}" for (host, port), guest in zip(machine.published, ports, strict=True)]
        row |= {"namespace": machine.namespace, "components": machine.pids, "published": published}
    if not found.caretaker_pid:
        repair = f"`lego up --name {found.name}` or `lego down {found.name}`"
        return row | {"state": "gone", "why": f"its caretaker was killed, or the host restarted; {repair}"}, []
    if machine is None:
        return row | {"state": "starting"}, []
    processes: list[tuple[str, ProcessRow]] = []
    try:
        with Visit(machine) as visit:
            lost = visit.lost()
            if lost is None:
                processes = visit.processes()
    except FabricError as error:
        lost = error.component, error.why
    if lost is not None:
        row |= {"state": "broken", "why": f"{lost[0]}: {lost[1]}; `lego down {found.name}` ends what is left"}
    return row, processes


def _print_machines(everything: Iterable[Found], as_json: bool) -> None:
    examined = [_examine(found) for found in everything]
    if as_json:
        print(json.dumps({"machines": [row | {"processes": len(found)} for row, found in examined]}, indent=2))
        return
    rows = []
    for row, processes in examined:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(row["since"])) if "since" in row else "-"
        state = row["state"] + (f" ({row['why'].partition(';')[0]})" if row["why"] else "")
        rows.append([row["name"], row.get("topology", "-"), str(len(processes)), since, state])
    _print_table(("NAME", "SHAPE", "PROCESSES", "SINCE", "STATE"), rows)


def _command(row: ProcessRow) -> str:
    """The command line, or [name] of a process that has none any more."""
    words = b" ".join(row.arguments).decode(errors="backslashreplace") if row.arguments else f"[{row.name}]"
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in words)


def _as_text(processor: str, row: ProcessRow) -> list[str]:
    ids = [str(each) for each in (row.pid, row.parent, row.group, row.session)]
    return [
        *ids,
        row.terminal or "?",
        row.state,
        str(row.threads),
        processor,
        row.home,
        format_ns(row.used_ns),
        _command(row),
    ]


def _as_json(processor: str, row: ProcessRow) -> dict[str, Any]:
    return {
        "pid": row.pid,
        "ppid": row.parent,
        "pgid": row.group,
        "sid": row.session,
        "tty": row.terminal,
        "stat": row.state,
        "threads": row.threads,
        "processor": processor,
        "home": row.home,
        "used_ns": row.used_ns,
        "name": row.name,
        "arguments": [each.decode(errors="backslashreplace") for each in row.arguments],
    }


def _print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    for row in (headings, *rows):
        cells = [
            cell.rjust(width) if heading in _NUMBERS else cell.ljust(width)
            for cell, width, heading in zip(row, widths, headings, strict=True)
        ]
        print("  ".join(cells).rstrip())
