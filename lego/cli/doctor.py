"""`lego doctor`: what this host has and lacks, a line each, and what to do about it.

A check is "ok", a "note" (something that only some uses need) or "missing" (programs cannot run without it).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import resource
import shutil
import sys
from collections.abc import Iterator
from typing import NamedTuple

from lego.config import GiB, MiB, format_size

PYTHON_MIN = (3, 11)
UNICORN = "2.1.4"
"""The version whose behaviour the processor component is built on."""
PACKAGES = ("unicorn", "ray", "numpy", "numba", "capstone", "msgspec", "sortedcontainers", "psutil",
            "typer", "rich")  # fmt: skip
MEMORY_MIN = 1 * GiB
SHARED_MIN = 128 * MiB
"""Ray keeps its object store in /dev/shm; Lego asks for the smallest."""
FILES_MIN = 1024
REPAIR = "run `make setup` in the project's folder, or `pip install lego-os`"

OK, NOTE, MISSING = "ok", "note", "missing"


class Check(NamedTuple):
    """One line of the report."""

    status: str
    subject: str
    found: str
    advice: str = ""


def doctor() -> int:
    """Prints all checks; 0 when programs can run."""
    checks = list(examine())
    width = max(len(check.subject) for check in checks)
    for check in checks:
        print(f"{check.status:7}  {check.subject:{width}}  {check.found}")
        if check.advice:
            print(f"{'':7}  {'':{width}}  -> {check.advice}")
    missing = [check.subject for check in checks if check.status == MISSING]
    print(f"\nLego cannot run here yet: {', '.join(missing)}" if missing else "\nLego can run here.")
    return 1 if missing else 0


def examine() -> Iterator[Check]:
    """All checks, in the order in which they are printed."""
    yield _python()
    yield _host()
    yield from (_package(name) for name in PACKAGES)
    yield _cores()
    yield _memory()
    yield _shared_memory()
    yield _open_files()
    yield _temporary_directory()
    yield _compiler()
    yield _qemu()


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info >= PYTHON_MIN:
        return Check(OK, "python", version)
    return Check(MISSING, "python", version, "install Python 3.11 or newer")


def _host() -> Check:
    found = f"{platform.system()} {platform.release()}, {platform.machine()}"
    if platform.system() != "Linux":
        return Check(MISSING, "host", found, "Lego runs on Linux: use a virtual machine or a container")
    if platform.machine() != "x86_64":
        return Check(NOTE, "host", found, "the host's own programs are not x86-64: give a tree of such with --root")
    return Check(OK, "host", found)


def _package(name: str) -> Check:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(MISSING, name, "not installed", REPAIR)
    if name == "unicorn" and version != UNICORN:
        return Check(MISSING, name, version, f"version {UNICORN} is needed: {REPAIR}")
    return Check(OK, name, version)


def _cores() -> Check:
    count = len(os.sched_getaffinity(0))
    if count > 1:
        return Check(OK, "cores", str(count))
    return Check(NOTE, "cores", "1", "components on Ray take turns; --inproc is faster on one core")


def _memory() -> Check:
    pages, page = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    free = _available() or pages * page
    found = f"{free // MiB:,} MiB available"
    if free >= MEMORY_MIN:
        return Check(OK, "memory", found)
    return Check(NOTE, "memory", found, "give components less: --memory 256M --excache 16M, and --inproc")


def _available() -> int:
    """MemAvailable of /proc/meminfo in bytes; 0 when it is not there."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _shared_memory() -> Check:
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError:
        return Check(
            NOTE, "/dev/shm", "not there", "Ray uses a slower place; mount a tmpfs at /dev/shm, or use --inproc"
        )
    found = f"{free // MiB:,} MiB free"
    if free >= SHARED_MIN:
        return Check(OK, "/dev/shm", found)
    return Check(
        NOTE, "/dev/shm", found, f"Ray wants {format_size(SHARED_MIN)} (docker: --shm-size=256m); or use --inproc"
    )


def _open_files() -> Check:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = f"{soft} ({hard} at most)"
    if soft == resource.RLIM_INFINITY or soft >= FILES_MIN:
        return Check(OK, "open files", found)
    return Check(NOTE, "open files", found, f"`ulimit -n {FILES_MIN}` for programs that open many files")


def _temporary_directory() -> Check:
    if os.access("/tmp", os.W_OK | os.X_OK):
        return Check(OK, "/tmp", "writable")
    return Check(NOTE, "/tmp", "not writable", "Ray keeps its sockets there; or use --inproc")


def _compiler() -> Check:
    for name in ("cc", "gcc", "clang"):
        path = shutil.which(name)
        if path is not None:
            return Check(OK, "C compiler", path)
    if importlib.util.find_spec("ziglang") is not None:
        return Check(OK, "C compiler", "the ziglang wheel")
    return Check(NOTE, "C compiler", "none", "only to build C programs: install gcc, or `pip install ziglang`")


def _qemu() -> Check:
    path = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
    if path is not None:
        return Check(OK, "qemu-x86_64", path)
    return Check(NOTE, "qemu-x86_64", "not installed", "only `make bench` compares with it: package qemu-user")
