"""The options that commands have in common, each with its help."""

from __future__ import annotations

from typing import Annotated

import typer

Machine = Annotated[str | None, typer.Option(metavar="FILE.toml", help="A machine file; options win over it.")]
Topology = Annotated[
    str | None, typer.Option(metavar="nP-nM-nS", help="How many processors, memories and storages. [1P-1M-1S]")
]
Excache = Annotated[str | None, typer.Option(metavar="SIZE", help="The ExCache of each processor. [64MiB]")]
Ways = Annotated[int | None, typer.Option(metavar="N", help="Lines in each set of the ExCache. [64]")]
Memory = Annotated[str | None, typer.Option(metavar="SIZE", help="The capacity of each memory component. [1GiB]")]
Mount = Annotated[
    list[str] | None,
    typer.Option(metavar="SRC:DST[:ro|rw]", help="Shows a file or directory; read-only unless :rw."),
]
Root = Annotated[
    str | None, typer.Option(metavar="DIR", help="The guest's whole tree, in place of the host's; writable.")
]
Cwd = Annotated[str | None, typer.Option(metavar="DIR", help="Where the program starts, a guest path.")]
Env = Annotated[list[str] | None, typer.Option(metavar="K=V", help="Sets an environment variable.")]
Publish = Annotated[
    list[str] | None,
    typer.Option(metavar="HOST:GUEST", help="Leads a port of this host to one of the guest's; HOST: [ADDR:]PORT."),
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Of all randomness in the machine. [0]")]
EpochS = Annotated[
    str | None, typer.Option(metavar="N|now", help="The guest's clock at the start, in seconds. [1750000000]")
]
Inproc = Annotated[bool, typer.Option("--inproc", help="All components in this process, without Ray.")]
Stats = Annotated[bool, typer.Option("--stats", help="A table of what was counted, on stderr, at the end.")]
StatsJson = Annotated[str | None, typer.Option(metavar="FILE", help="The same as one JSON object; see docs/stats.md.")]
Strace = Annotated[bool, typer.Option("--strace", help="Shows system calls on stderr as they end.")]
StraceOutput = Annotated[
    str | None, typer.Option(metavar="FILE", help="Shows system calls in a file, made anew; implies --strace.")
]
On = Annotated[str | None, typer.Option("--on", metavar="NAME", help="A machine that `lego up` keeps running.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="A machine that `lego up` keeps running.")]
