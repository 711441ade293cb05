"""Components that do next to nothing, to test what stands on top of them: a processor whose programs are a few words.

echo WORDS    writes them        cat      copies input to output       exit N     ends with N
kill N        dies of signal N   hang     waits for a signal, and dies of it
ignore        ends with 7 after three signals    lose    the memory breaks under it      deaf    P breaks
"""

import json
import os
import threading

import gmanager.messages as g
import lego.console.messages as c
import mcomponent.messages as m
import pcomponent.messages as p
import scomponent.messages as s
from lego.fabric.wire import Done
from lego.linux.errno import E, LinuxError
from lego.linux.stat import S_IFDIR, S_IFREG, Stat

PROGRAMS = ("echo", "cat", "exit", "kill", "hang", "ignore", "lose", "deaf", "script")
FILES = {f"/usr/bin/{name}": S_IFREG | 0o755 for name in PROGRAMS}
FILES |= dict.fromkeys(("/", "/home", os.getcwd()), S_IFDIR | 493)
FILES |= {"/usr/bin/plain": S_IFREG | 0o644, "/usr/bin/folder": S_IFDIR | 0o755, "/home/tool": S_IFREG | 0o755}


class FakeManager:
    name, door = "G", g.DOOR

    def __init__(self):
        self.members, self.lost, self.pid, self.alive = {}, {}, 0, set()

    def handle(self, sender, request, payload):
        if isinstance(request, g.Register):
            self.members[request.member.name] = request.member
        if isinstance(request, g.Members):
            return g.MembersReply([*self.members.values()], self.lost), b""
        if isinstance(request, g.Lost):
            self.lost[request.name] = request.why
        if isinstance(request, g.Exited):
            self.alive.discard(request.pid)
        if isinstance(request, g.Place):
            self.pid += 1
            self.alive.add(self.pid)
            memories = sorted(name for name in self.members if name.startswith("M"))
            return g.PlacedReply(self.pid, "P0", memories[0], memories, "S0"), b""
        if isinstance(request, g.Statistics):
            return g.StatisticsReply(json.dumps({"alive": len(self.alive)}).encode()), b""
        return Done(), b""


class FakeStorage:
    door = s.DOOR

    def __init__(self, name):
        self.name = name

    def handle(self, sender, request, payload):
        if isinstance(request, s.Statistics):
            return s.StatisticsReply(b"{}"), b""
        if request.path.startswith("/proc"):
            return s.Elsewhere(request.path), b""
        if request.path not in FILES:
            raise LinuxError(E.ENOENT)
        if isinstance(request, s.PathStat):
            return s.StatReply(Stat(mode=FILES[request.path]), request.path), b""
        if not FILES[request.path] & 0o111:
            raise LinuxError(E.EACCES)
        return s.OkReply(), b""


class FakeMemory:
    door = m.DOOR

    def __init__(self, name):
        self.name = name

    def handle(self, sender, request, payload):
        return m.StatisticsReply(b'{"frames_used": 3}'), b""


class FakeProcessor:
    door = p.DOOR

    def __init__(self, name, endpoint):
        self.name, self.endpoint = name, endpoint
        self.signals, self.signalled = [], threading.Event()
        self.ended, self.reply, self.started = threading.Event(), None, None
        self.broken = self.closed = False

    def handle(self, sender, request, payload):
        if self.broken:
            raise RuntimeError("smoke")
        if isinstance(request, p.Start):
            return self.start(request), b""
        if isinstance(request, p.Wait):
            return (self.reply if self.ended.wait(request.timeout_ms / 1000) else p.WaitReply(False)), b""
        if isinstance(request, p.Signal):
            self.signals.append(request.number)
            self.signalled.set()
            return Done(), b""
        row = {"virtual_ns": 1500, "syscalls": {"write": 2}, "links": self.endpoint.statistics()}
        return p.StatisticsReply(json.dumps(row).encode()), b""

    def start(self, request):
        if request.path.endswith("script"):
            raise LinuxError(E.ENOEXEC, "neither ELF nor script")
        if request.directory not in ("/", "/home", os.getcwd(), "/proc"):
            return p.StartReply(E.ENOTDIR if request.directory in FILES else E.ENOENT)
        if request.path.endswith("nothing"):
            raise LinuxError(E.ENOENT, "")
        self.signals, self.ended, self.started = [], threading.Event(), request
        self.signalled.clear()
        threading.Thread(target=self.run, args=(request,), daemon=True).start()
        return p.StartReply()

    def run(self, request):
        name, *rest = [os.fsdecode(argument) for argument in request.arguments]
        self.reply = getattr(self, f"do_{name.rpartition('/')[2]}", self.do_echo)(request.console, rest)
        self.ended.set()

    def do_echo(self, console, words):
        self.endpoint.call(console, c.Write(1, 1000), os.fsencode(" ".join(words)))
        return p.WaitReply(True)

    def do_cat(self, console, words):
        while True:
            reply, data = self.endpoint.call(console, c.Read(0, 4096, 100))
            if not reply.again and not reply.count:
                return p.WaitReply(True)
            self.endpoint.call(console, c.Write(1, 1000), bytes(data))

    def do_exit(self, console, words):
        self.endpoint.call(console, c.Write(2, 1000), b"going")
        return p.WaitReply(True, code=int(words[0]))

    def do_kill(self, console, words):
        return p.WaitReply(True, signal=int(words[0]))

    def do_hang(self, console, words):
        self.endpoint.call(console, c.Write(1, 1000), b"ready\n")
        self.signalled.wait(20)
        return p.WaitReply(True, signal=self.signals[0] if self.signals else 0)

    def do_ignore(self, console, words):
        self.endpoint.call(console, c.Write(1, 1000), b"ready\n")
        while len(self.signals) < 3 and self.signalled.wait(20):
            self.signalled.clear()
        return p.WaitReply(True, code=7)

    def do_lose(self, console, words):
        return p.WaitReply(True, lost="M0", why="it ended the connection")

    def do_deaf(self, console, words):
        self.broken = True
        return

    def close(self):
        self.closed = True


MADE = {}
"""The monitors that were made last, by name."""


def build(name, config, endpoint):
    kinds = {"G": FakeManager, "S": lambda: FakeStorage(name), "M": lambda: FakeMemory(name)}
    kinds["P"] = lambda: FakeProcessor(name, endpoint)
    MADE[name] = kinds[name[0]]()
    return MADE[name]


def install(monkeypatch):
    """Makes machines in this process out of these components."""
    monkeypatch.setattr("lego.runtime.inproc.builders", lambda: dict.fromkeys("GSMP", build))
