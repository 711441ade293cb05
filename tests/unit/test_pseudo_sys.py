"""/sys: processors and the memory node."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from kerneltask import contents, look, new_task

from pcomponent.pseudo.sys import cpu_list, cpu_mask

CPU = "/sys/devices/system/cpu"


@pytest.mark.parametrize(("cores", "text"), [(1, "0"), (2, "0-1"), (16, "0-15"), (100, "0-99")])
def test_processors(cores: int, text: str) -> None:
    task = new_task(cores=cores)
    for name in ("online", "possible", "present"):
        assert contents(task, f"{CPU}/{name}") == text + "\n"
    names = [entry.name for entry in look(task, CPU).entries(task)]
    assert [name for name in names if name.startswith("cpu")] == sorted(f"cpu{core}" for core in range(cores))
    last = f"{CPU}/cpu{cores - 1}/topology"
    assert contents(task, f"{last}/core_id") == f"{cores - 1}\n"
    assert contents(task, f"{last}/core_siblings_list") == text + "\n"
    assert contents(task, f"{CPU}/offline") == "\n"
    assert int(contents(task, f"{CPU}/kernel_max")) >= cores - 1


def test_masks_as_the_kernel_prints_them() -> None:
    assert [cpu_mask(1, cores) for cores in (1, 4, 5, 32, 33)] == ["1", "1", "01", "00000001", "0,00000001"]
    assert cpu_mask((1 << 40) - 1, 40) == "ff,ffffffff"
    assert (cpu_list(1), cpu_list(64)) == ("0", "0-63")


@given(st.integers(1, 200), st.data())
def test_a_mask_can_be_read_back(cores: int, data: st.DataObject) -> None:
    mask = data.draw(st.integers(0, (1 << cores) - 1))
    assert int(cpu_mask(mask, cores).replace(",", ""), 16) == mask


def test_the_memory_node() -> None:
    task = new_task(cores=2)
    assert contents(task, "/sys/devices/system/node/online") == "0\n"
    assert contents(task, "/sys/devices/system/node/node0/cpulist") == "0-1\n"
    assert contents(task, "/sys/devices/system/node/node0/cpumap") == "3\n"
    lines = contents(task, "/sys/devices/system/node/node0/meminfo").splitlines()
    assert lines[0].split() == ["Node", "0", "MemTotal:", "65536", "kB"]


def test_huge_pages_are_off() -> None:
    task = new_task()
    assert contents(task, "/sys/kernel/mm/transparent_hugepage/enabled") == "always madvise [never]\n"
    assert look(task, "/sys/fs/cgroup").entries(task)[2:] == []
