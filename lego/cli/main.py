"""The `lego` command: what it can do, and how every error ends in one line and an exit status.

    lego run [OPTIONS] PROG [ARGS...]     lego syscalls [--json]     lego doctor
    lego up [OPTIONS]     lego ps [NAME]     lego kill [-s SIGNAL] PID...     lego down [NAME]

Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from typing import Annotated

import typer

import lego
from lego.cli import options
from lego.cli.status import FAILED, USAGE, complain
from lego.config import ConfigError
from lego.console.monitor import plug_closed_streams

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""The base of all that Typer finds wrong with a command line; it has `format_message()`."""

COLLECTOR = (10_000, 20, 20)
"""When Python looks for cycles: a machine makes few, and the default, every 700 objects, takes a twentieth of a run."""

app = typer.Typer(
    name="lego",
    help="Runs unmodified x86-64 Linux programs on a disaggregated machine.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def lego_command(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False
) -> None:
    """Runs unmodified x86-64 Linux programs on a disaggregated machine."""
    if version:
        typer.echo(f"lego {lego.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(USAGE)


@app.command("run", context_settings={"allow_interspersed_args": False})
def run_command(
    program: Annotated[str, typer.Argument(metavar="PROG", help="A program of the guest's tree; looked up in PATH.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="All that follows PROG is the program's.")
    ] = None,
    machine: options.Machine = None,
    topology: options.Topology = None,
    excache: options.Excache = None,
    ways: options.Ways = None,
    memory: options.Memory = None,
    mount: options.Mount = None,
    root: options.Root = None,
    cwd: options.Cwd = None,
    env: options.Env = None,
    publish: options.Publish = None,
    seed: options.Seed = None,
    epoch_s: options.EpochS = None,
    inproc: options.Inproc = False,
    stats: options.Stats = False,
    stats_json: options.StatsJson = None,
    strace: options.Strace = False,
    strace_output: options.StraceOutput = None,
    on: options.On = None,
) -> None:
    """Runs a program and ends as it does; status 125: the machine failed, 126: not executable, 127: not found."""
    from lego.cli.run import run, run_on
    from lego.config_file import plan

    given = {
        "topology": topology, "excache": excache, "ways": ways, "memory": memory, "mount": mount, "root": root,
        "cwd": cwd, "env": env, "publish": publish, "seed": seed, "epoch_s": epoch_s, "inproc": inproc, "stats": stats,
        "stats_json": stats_json, "strace": strace, "strace_output": strace_output,
    }  # fmt: skip
    argv = [program, *(arguments or [])]
    raise typer.Exit(run(plan(given, machine), argv) if on is None else run_on(on, {**given, "machine": machine}, argv))


@app.command("up")
def up_command(
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the machine is to be called.")] = "lego",
    machine: options.Machine = None,
    topology: options.Topology = None,
    excache: options.Excache = None,
    ways: options.Ways = None,
    memory: options.Memory = None,
    mount: options.Mount = None,
    root: options.Root = None,
    cwd: options.Cwd = None,
    env: options.Env = None,
    publish: options.Publish = None,
    seed: options.Seed = None,
    epoch_s: options.EpochS = None,
    strace: options.Strace = False,
    ray: Annotated[
        str, typer.Option("--ray", metavar="ADDRESS", help="Joins a Ray that runs, in place of starting one.")
    ] = "",
) -> None:
    """Starts a machine that stays up, for `lego run --on NAME`, until `lego down NAME`."""
    from lego.cli.standing import up
    from lego.config_file import plan

    given = {
        "topology": topology, "excache": excache, "ways": ways, "memory": memory, "mount": mount, "root": root,
        "cwd": cwd, "env": env, "publish": publish, "seed": seed, "epoch_s": epoch_s, "strace": strace,
    }  # fmt: skip
    raise typer.Exit(up(plan(given, machine), name, ray))


@app.command("ps")
def ps_command(name: options.Name = None, as_json: options.Json = False) -> None:
    """Lists the processes of a machine that is up; without a name, of the only one, or else all machines."""
    from lego.cli.standing import ps

    raise typer.Exit(ps(name, as_json))


@app.command("kill")
def kill_command(
    pids: Annotated[list[int], typer.Argument(metavar="PID...", help="Processes of the machine (`lego ps`).")],
    number: Annotated[str, typer.Option("--signal", "-s", metavar="SIGNAL", help="A name or number. [TERM]")] = "TERM",
    on: options.On = None,
) -> None:
    """Sends a signal to processes of a machine that is up: the only one, unless --on says which."""
    from lego.cli.standing import kill, signal_number

    raise typer.Exit(kill(pids, signal_number(number), on))


@app.command("down")
def down_command(name: options.Name = None) -> None:
    """Ends a machine that is up, with the programs on it: the only one, unless NAME says which."""
    from lego.cli.standing import down

    raise typer.Exit(down(name))


@app.command("syscalls")
def syscalls_command(
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON array.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also those that Lego does not have, and why.")] = False,
) -> None:
    """Lists the system calls, and how far each is supported."""
    from lego.cli.syscalls import syscalls

    syscalls(as_json, everything)


@app.command("doctor")
def doctor_command() -> None:
    """Says what this host has and lacks for Lego, and what to do. Exit status 0 when programs can run."""
    from lego.cli.doctor import doctor

    raise typer.Exit(doctor())


def main() -> None:
    """The entry point: runs a command, and turns whatever goes wrong into a line and a status."""
    plug_closed_streams()
    gc.set_threshold(*COLLECTOR)
    status = _status()
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        sys.stderr = None  # Its terminal has gone. Python would try once more, and exit with 120.
    sys.exit(status)


def _status() -> int:
    try:
        return int(app(standalone_mode=False) or 0)
    except UsageError as error:
        complain(error.format_message())  # type: ignore[attr-defined]
        return USAGE
    except ConfigError as error:
        complain(str(error))
        return USAGE
    except BrokenPipeError:
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        if os.environ.get("LEGO_DEBUG"):
            traceback.print_exc()
        complain(f"{type(error).__name__}: {error} (a defect of Lego; LEGO_DEBUG=1 shows where)")
        return FAILED


if __name__ == "__main__":
    main()
