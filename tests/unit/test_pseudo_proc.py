"""What /proc says, in the formats of the host's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from kerneltask import contents, new_process, new_task

from lego.linux import cpuid
from lego.linux.mman import MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_PRIVATE, MAP_SHARED
from lego.linux.signal import Sig, bit
from lego.linux.stat import S_IFREG, Stat
from lego.regions import ObjectId, Region
from pcomponent.pseudo.tree import PSEUDO
from pcomponent.signals import Action, send_to_process

MIB = 1 << 20
MAP_LINE = re.compile(
    r"^(?P<start>[0-9a-f]{8,})-(?P<end>[0-9a-f]{8,}) (?P<rights>[r-][w-][x-][ps]) (?P<offset>[0-9a-f]{8,}) "
    r"(?P<major>[0-9a-f]{2,}):(?P<minor>[0-9a-f]{2,}) (?P<inode>\d+) *(?P<name>\S.*)?$"
)


def host(path: str) -> str:
    return Path(path).read_text()


def with_memory() -> Any:
    task = new_task()
    program, private = ObjectId("S0", 1), MAP_PRIVATE
    anonymous = MAP_PRIVATE | MAP_ANONYMOUS
    task.kernel.memory.regions = [
        Region(0x400000, 0x403000, 5, private, program, 0, 7, "/usr/bin/prog"),
        Region(0x403000, 0x404000, 3, private, program, 0x3000, 7, "/usr/bin/prog"),
        Region(0x500000, 0x521000, 3, anonymous, name="[heap]"),
        Region(0x7F0000000000, 0x7F0000100000, 3, MAP_SHARED | MAP_ANONYMOUS, ObjectId("M0", 3)),
        Region(0x7F0000200000, 0x7F0000300000, 0, anonymous),
        Region(0x7F0000400000, 0x7F0000410000, 5, private, ObjectId("S0", 2), 0x1000, 8, "/lib/a\nb.so"),
        Region(0x7FFFFFFDE000, 0x7FFFFFFFF000, 3, anonymous | MAP_GROWSDOWN, name="[stack]"),
    ]
    task.kernel.memory.pages = [2, 1, 0, 4, 0, 0, 0]
    task.kernel.storage.paths = {7: "/usr/bin/prog", 8: "/lib/a\nb.so"}
    task.kernel.storage.stats = {
        7: Stat(mode=S_IFREG, dev=0xFE00, ino=1234),
        8: Stat(mode=S_IFREG, dev=0x0815, ino=99, nlink=0),
    }
    task.process.space.resident, task.process.space.cached = {0x500, 0x501}, [0x501, 0x502, 0x403]
    return task


def test_maps() -> None:
    text = contents(with_memory(), "/proc/self/maps")
    assert text.splitlines() == [
        "00400000-00403000 r-xp 00000000 fe:00 1234                               /usr/bin/prog",
        "00403000-00404000 rw-p 00003000 fe:00 1234                               /usr/bin/prog",
        "00500000-00521000 rw-p 00000000 00:00 0                                  [heap]",
        "7f0000000000-7f0000100000 rw-s 00000000 00:01 3                          /dev/zero (deleted)",
        "7f0000200000-7f0000300000 ---p 00000000 00:00 0 ",
        "7f0000400000-7f0000410000 r-xp 00001000 08:15 99                         /lib/a\\012b.so (deleted)",
        "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]",
    ]
    for line in host("/proc/self/maps").splitlines():
        found = MAP_LINE.match(line)
        assert found
        if found["name"]:
            assert line.index(found["name"]) == max(
                73, line.index(" " + found["inode"] + " ") + len(found["inode"]) + 2
            )
    assert all(MAP_LINE.match(line) for line in text.splitlines())


def test_a_file_that_cannot_be_asked_about() -> None:
    task = with_memory()
    task.kernel.storage.paths = {}
    assert "00400000-00403000 r-xp 00000000 00:00 0 " in contents(task, "/proc/self/maps")


def test_status_has_the_hosts_lines() -> None:
    task = with_memory()
    task.process.signals.set_action(task.process, Sig.USR1, Action(5, 0, 0, 0))
    task.signal_mask = bit(Sig.HUP)
    send_to_process(task.process, Sig.HUP)
    ours = dict(line.split(":\t", 1) for line in contents(task, "/proc/self/status").splitlines())
    theirs = [line.split(":", 1)[0] for line in host("/proc/self/status").splitlines()]
    assert [name for name in theirs if name in ours] == [name for name in ours if name in theirs]
    assert set(ours) <= set(theirs) | {"NStgid", "NSpid", "NSpgid", "NSsid", "Speculation_Store_Bypass"} | {
        name for name in ours if name.startswith(("Speculation", "Seccomp", "THP", "Hugetlb", "Mems"))
    }
    assert ours["Name"] == "prog"
    assert (ours["Pid"], ours["Tgid"], ours["Threads"]) == ("10", "10", "1")
    assert ours["VmSize"].split() == ["2392", "kB"]
    assert ours["VmRSS"].split() == ["40", "kB"]
    assert (ours["RssAnon"].split()[0], ours["RssFile"].split()[0], ours["RssShmem"].split()[0]) == ("12", "12", "16")
    assert (ours["VmExe"].split()[0], ours["VmLib"].split()[0], ours["VmStk"].split()[0]) == ("12", "64", "132")
    assert ours["SigQ"] == "1/4096"
    assert (ours["ShdPnd"], ours["SigBlk"], ours["SigCgt"]) == (f"{1:016x}", f"{1:016x}", f"{512:016x}")
    assert ours["State"] == "R (running)"


def test_stat_has_52_fields() -> None:
    task = with_memory()
    task.name = "a (b) c"
    task.instructions, task.kernel_ns = 10**9, 50_000_000
    line = contents(task, "/proc/self/stat")
    head, _, rest = line.rpartition(")")
    fields = rest.split()
    assert head == "10 (a (b) c"
    assert len(fields) == 50 == len(host("/proc/self/stat").rpartition(")")[2].split())
    assert fields[0] == "R"
    assert fields[11:13] == ["41", "5"]
    assert (fields[20], fields[21]) == (str(2392 * 1024), "10")
    assert fields[23:25] == [str(0x400000), str(0x403000)]
    thread = contents(task, "/proc/thread-self/stat").rpartition(")")[2].split()
    assert thread == fields
    assert contents(task, "/proc/self/statm") == "598 10 7 3 0 67 0\n"
    assert len(host("/proc/self/statm").split()) == 7


def test_states() -> None:
    task = new_task()
    other = new_process(task.kernel, 11)
    other.wait = object()  # type: ignore[assignment]
    assert "State:\tS (sleeping)\n" in contents(task, "/proc/11/status")
    other.process.signals.stopped = True
    assert contents(task, "/proc/11/stat").split()[2] == "T"


def test_limits_are_formatted_as_the_hosts() -> None:
    ours, theirs = contents(new_task(), "/proc/self/limits").splitlines(), host("/proc/self/limits").splitlines()
    assert ours[0] == theirs[0]
    assert [line[:26] for line in ours] == [line[:26] for line in theirs]
    assert [line[68:] for line in ours] == [line[68:] for line in theirs]
    assert ours[4] == "Max stack size            8388608              unlimited            bytes     "


def test_arguments_and_environment() -> None:
    task = new_task()
    assert contents(task, "/proc/self/cmdline") == "prog\0-x\0"
    assert contents(task, "/proc/self/environ") == "A=1\0B=2\0"
    assert contents(task, "/proc/self/cgroup") == "0::/\n"


def test_mounts() -> None:
    task = new_task()
    lines = [line.split() for line in contents(task, "/proc/mounts").splitlines()]
    assert lines[0] == ["S0", "/", "lego", "ro,relatime", "0", "0"]
    assert lines[1] == ["S0", "/my\\040dir", "lego", "rw,relatime", "0", "0"]
    assert [line[1] for line in lines[2:]] == ["/proc", "/sys", "/dev", "/dev/pts", "/dev/shm"]
    info = [line.split(" ") for line in contents(task, "/proc/self/mountinfo").splitlines()]
    assert info[1] == ["2", "1", "254:0", "/", "/my\\040dir", "rw,relatime", "-", "lego", "S0", "rw"]
    assert [line[1] for line in info] == ["1", "1", "1", "1", "1", "5", "5"]
    assert "/home/u" not in contents(task, "/proc/self/mountinfo")
    pattern = re.compile(r"^\d+ \d+ \d+:\d+ \S+ \S+ \S+( \S+)* - \S+ \S+ \S+$")
    for text in (contents(task, "/proc/self/mountinfo"), host("/proc/self/mountinfo")):
        assert all(pattern.match(line) for line in text.splitlines())


def test_cpuinfo_agrees_with_cpuid() -> None:
    task = new_task(cores=3, instruction_ps=500)
    blocks = contents(task, "/proc/cpuinfo").strip().split("\n\n")
    assert len(blocks) == 3
    for core, block in enumerate(blocks):
        fields = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in block.splitlines()}
        assert fields["processor"] == fields["apicid"] == fields["core id"] == str(core)
        assert (fields["cpu MHz"], fields["siblings"], fields["cpu cores"]) == ("2000.000", "3", "3")
        signature = cpuid.cpuid(1, 0, 3)[0]
        model = signature >> 4 & 15 | (signature >> 16 & 15) << 4
        assert (int(fields["cpu family"]), int(fields["model"])) == (signature >> 8 & 15, model)
        flags = fields["flags"].split()
        edx, ecx = cpuid.cpuid(1, 0, 3)[3], cpuid.cpuid(1, 0, 3)[2]
        for name, holds in {"sse2": edx >> 26, "ht": edx >> 28, "popcnt": ecx >> 23, "avx": ecx >> 28}.items():
            assert (name in flags) == bool(holds & 1)
    assert contents(task, "/proc/cpuinfo").endswith("power management:\n\n")
    ours = {line.partition(":")[0] for line in blocks[0].splitlines()}
    theirs = {line.partition(":")[0] for line in host("/proc/cpuinfo").split("\n\n")[0].splitlines()}
    assert ours <= theirs | {"bugs\t\t"}


def test_meminfo() -> None:
    task = new_task()
    text = contents(task, "/proc/meminfo")
    pattern = re.compile(r"^[A-Za-z_()0-9]+: +\d+( kB)?$")
    for each in (text, host("/proc/meminfo")):
        assert all(pattern.match(line) for line in each.splitlines())
    fields = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()}
    assert (fields["MemTotal"], fields["MemFree"], fields["MemAvailable"]) == (65536, 49152, 49152)
    columns = {line.split(":")[0]: line.index(line.split()[1]) + len(line.split()[1]) for line in text.splitlines()}
    for line in host("/proc/meminfo").splitlines():
        name, value = line.split(":")[0], line.split()[1]
        if name in columns and len(value) <= 5:
            assert columns[name] == line.index(value) + len(value), "numbers end in the same column"


def test_times_of_the_machine() -> None:
    task = new_task(cores=2, instruction_ps=1000, epoch_s=1000)
    task.meter.now_ns, task.instructions, task.kernel_ns = 10 * 10**9, 2 * 10**9, 10**9
    assert contents(task, "/proc/uptime") == "10.00 17.00\n"
    lines = contents(task, "/proc/stat").splitlines()
    assert lines[0] == "cpu  200 0 100 1700 0 0 0 0 0 0"
    assert lines[1] == "cpu0 100 0 50 850 0 0 0 0 0 0"
    assert lines[2].startswith("cpu1 ")
    assert "btime 1000" in lines
    assert [line.split()[0] for line in lines[3:]] == [
        line.split()[0] for line in host("/proc/stat").splitlines() if not line.startswith("cpu")
    ]
    assert contents(task, "/proc/loadavg") == "0.00 0.00 0.00 1/1 10\n"
    assert re.match(r"^\d+\.\d\d \d+\.\d\d\n$", host("/proc/uptime"))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("kernel/ostype", "Linux"), ("kernel/osrelease", "6.1.0-lego"), ("kernel/hostname", "lego"),
        ("kernel/pid_max", "4194304"), ("kernel/ngroups_max", "65536"), ("kernel/cap_last_cap", "40"),
        ("vm/overcommit_memory", "0"), ("vm/max_map_count", "65530"), ("vm/mmap_min_addr", "65536"),
        ("fs/nr_open", "1048576"), ("fs/pipe-max-size", "1048576"), ("fs/file-max", "9223372036854775807"),
    ],
)  # fmt: skip
def test_sysctls(path: str, text: str) -> None:
    assert contents(new_task(), f"/proc/sys/{path}") == text + "\n"


def test_random_numbers_of_the_kernel() -> None:
    task, other = new_task(seed=1), new_task(seed=2)
    boot = contents(task, "/proc/sys/kernel/random/boot_id")
    assert (
        boot
        == contents(task, "/proc/sys/kernel/random/boot_id")
        == contents(new_task(seed=1), "/proc/sys/kernel/random/boot_id")
    )
    assert boot != contents(other, "/proc/sys/kernel/random/boot_id")
    first = contents(task, "/proc/sys/kernel/random/uuid")
    assert first != contents(task, "/proc/sys/kernel/random/uuid")
    for text in (boot, first):
        assert re.match(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$", text)


def test_the_rest() -> None:
    task = new_task(seed=3)
    assert contents(task, "/proc/version") == "Linux version 6.1.0-lego (lego@lego) (gcc) #1 SMP Lego\n"
    assert contents(task, "/proc/cmdline") == "lego topology=1P-1M-1S seed=3\n"
    assert PSEUDO.lookup(task, "/proc/cmdline", follow=True).size(task) == len(contents(task, "/proc/cmdline"))
    assert contents(task, "/proc/swaps") == host("/proc/swaps").splitlines(keepends=True)[0]
    assert all(re.match(r"^(nodev)?\t\S+$", line) for line in contents(task, "/proc/filesystems").splitlines())
    assert contents(task, "/proc/devices").startswith("Character devices:\n  1 mem\n")
