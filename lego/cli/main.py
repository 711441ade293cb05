"""The `lego` command: what it can do, and how every error ends in one line and an exit status.

    lego run [OPTIONS] PROG [ARGS...]     lego syscalls [--json]     lego doctor

Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

import lego
from lego.cli.status import FAILED, USAGE, complain
from lego.config import ConfigError
from lego.console.monitor import plug_closed_streams

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""The base of all that Typer finds wrong with a command line; it has `format_message()`."""

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
    machine: Annotated[
        str | None, typer.Option(metavar="FILE.toml", help="A machine file; options win over it.")
    ] = None,
    topology: Annotated[
        str | None, typer.Option(metavar="nP-nM-nS", help="How many processors, memories and storages. [1P-1M-1S]")
    ] = None,
    excache: Annotated[str | None, typer.Option(metavar="SIZE", help="The ExCache of each processor. [64MiB]")] = None,
    ways: Annotated[int | None, typer.Option(metavar="N", help="Lines in each set of the ExCache. [64]")] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The capacity of each memory component. [1GiB]")
    ] = None,
    mount: Annotated[
        list[str] | None,
        typer.Option(metavar="SRC:DST[:ro|rw]", help="Shows a file or directory; read-only unless :rw."),
    ] = None,
    root: Annotated[
        str | None, typer.Option(metavar="DIR", help="The guest's whole tree, in place of the host's; writable.")
    ] = None,
    cwd: Annotated[str | None, typer.Option(metavar="DIR", help="Where the program starts, a guest path.")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="K=V", help="Sets an environment variable.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of all randomness in the machine. [0]")] = None,
    inproc: Annotated[bool, typer.Option("--inproc", help="All components in this process, without Ray.")] = False,
    stats: Annotated[bool, typer.Option("--stats", help="A table of what was counted, on stderr, at the end.")] = False,
    stats_json: Annotated[
        str | None, typer.Option(metavar="FILE", help="The same as one JSON object; see docs/stats.md.")
    ] = None,
    strace: Annotated[bool, typer.Option("--strace", help="Shows system calls on stderr as they end.")] = False,
    strace_output: Annotated[
        str | None, typer.Option(metavar="FILE", help="Shows system calls in a file, made anew; implies --strace.")
    ] = None,
) -> None:
    """Runs a program and ends as it does; status 125: the machine failed, 126: not executable, 127: not found."""
    from lego.cli.run import run
    from lego.config_file import plan

    options = {
        "topology": topology, "excache": excache, "ways": ways, "memory": memory, "mount": mount, "root": root,
        "cwd": cwd, "env": env, "seed": seed, "inproc": inproc, "stats": stats, "stats_json": stats_json,
        "strace": strace, "strace_output": strace_output,
    }  # fmt: skip
    raise typer.Exit(run(plan(options, machine), [program, *(arguments or [])]))


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
    sys.exit(_status())


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
