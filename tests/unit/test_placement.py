"""gmanager.processes, memory and storage: pids, and who gets what."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from gmanager.memory import MemoryManager
from gmanager.processes import PID_MAX, RESERVED_PIDS, Placed, ProcessManager
from gmanager.storage import StorageManager
from lego.linux.errno import E, LinuxError

ON_P0 = Placed(1, "P0", "M0", "P0")


def test_pids_ascend_from_one_and_are_not_used_again() -> None:
    processes = ProcessManager(10)
    assert [processes.place(ON_P0) for _ in range(3)] == [1, 2, 3]
    assert processes.exited(2, "P0")
    assert processes.place(ON_P0) == 4
    assert len(processes) == 3


def test_pids_wrap_to_300_and_skip_those_in_use() -> None:
    processes = ProcessManager(10**6, pid_max=310)
    for _ in range(309):
        processes.place(ON_P0)
    for pid in (5, 301, 305):
        assert processes.exited(pid, "P0")
    assert [processes.place(ON_P0), processes.place(ON_P0)] == [301, 305]
    with pytest.raises(LinuxError) as error:
        processes.place(ON_P0)  # 5 is free, but reserved.
    assert error.value.errno == E.EAGAIN
    assert processes.exited(302, "P0")
    assert processes.place(ON_P0) == 302


def test_the_highest_pid_is_one_less_than_pid_max() -> None:
    processes = ProcessManager(10)
    processes._next = PID_MAX - 1
    assert [processes.place(ON_P0), processes.place(ON_P0)] == [PID_MAX - 1, RESERVED_PIDS]


def test_a_processor_cannot_end_what_it_does_not_run() -> None:
    processes = ProcessManager(10)
    pid = processes.place(ON_P0)
    assert not processes.exited(pid, "P1")
    assert not processes.exited(pid + 1, "P0")
    assert processes.exited(pid, "P0")
    assert not processes.exited(pid, "P0")
    with pytest.raises(LinuxError) as error:
        processes.find(pid)
    assert error.value.errno == E.ESRCH


def test_the_limit_is_each_vnodes_own() -> None:
    processes = ProcessManager(2)
    for _ in range(2):
        processes.check_limit(1)
        processes.place(ON_P0)
    with pytest.raises(LinuxError) as error:
        processes.check_limit(1)
    assert error.value.errno == E.EAGAIN
    processes.check_limit(2)
    processes.exited(1, "P0")
    processes.check_limit(1)


def test_the_fewest_threads_win_and_the_first_among_equals() -> None:
    processes = ProcessManager(100)
    names = ["P0", "P1", "P2"]
    order = []
    for _ in range(6):
        order.append(processes.least_loaded(names))
        processes.place(Placed(1, "P0", "M0", order[-1]))
    assert order == ["P0", "P1", "P2", "P0", "P1", "P2"]
    processes.report("P0", 2)
    processes.report("P1", 9)
    processes.report("P2", 2)
    processes.exited(3, "P0")
    assert [processes.threads(name) for name in names] == [2, 9, 1]
    assert processes.least_loaded(names) == "P2"


def test_threads_that_were_reported_go_with_the_last_process() -> None:
    processes = ProcessManager(100)
    pid = processes.place(ON_P0)
    processes.report("P0", 8)
    assert processes.threads("P0") == 8
    processes.place(ON_P0)
    assert processes.threads("P0") == 9
    processes.exited(pid, "P0")
    processes.exited(pid + 1, "P0")
    assert processes.threads("P0") == 0


def test_a_lost_processor_gives_its_pids_back() -> None:
    processes = ProcessManager(3)
    for processor in ("P0", "P1", "P0"):
        processes.place(Placed(1, processor, "M0", processor))
    assert processes.lost("P0") == [1, 3]
    assert len(processes) == 1
    processes.check_limit(1)
    assert processes.threads("P0") == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(1, 40)), max_size=60))
def test_counts_agree_with_a_plain_model(steps: list[tuple[bool, int, int]]) -> None:
    processes = ProcessManager(10**6, pid_max=20)
    model: dict[int, str] = {}
    for arrives, number, pid in steps:
        processor = f"P{number}"
        if arrives and len(model) < 19:
            new = processes.place(Placed(1, processor, "M0", processor)) if processes._next < 20 else None
            if new is not None:
                assert new not in model
                model[new] = processor
        else:
            assert processes.exited(pid, processor) == (model.get(pid) == processor)
            if model.get(pid) == processor:
                del model[pid]
    assert len(processes) == len(model)
    for number in range(3):
        assert processes.threads(f"P{number}") == list(model.values()).count(f"P{number}")


def memory(policy: str, **free: int) -> MemoryManager:
    manager = MemoryManager(policy)
    for name, count in free.items():
        manager.report(name, count)
    return manager


def test_the_most_free_memory_is_home_and_the_first_among_equals() -> None:
    manager = memory("home", M0=5, M1=9, M2=9)
    assert manager.most_free(["M0", "M1", "M2"]) == "M1"
    manager.report("M1", 0)
    assert manager.most_free(["M0", "M1", "M2"]) == "M2"
    manager.lost("M2")
    assert manager.most_free(["M0", "M1"]) == "M0"


def test_home_keeps_its_vregions_while_it_has_room() -> None:
    manager = memory("home", M0=100, M1=500, M2=300)
    names = ["M0", "M1", "M2"]
    assert manager.pick(names, "M0", 100) == "M0"
    assert manager.pick(names, "M0", 101) == "M1"
    assert manager.pick(["M0", "M2"], "M1", 10) == "M2"  # A home that was lost.
    with pytest.raises(LinuxError, match="M0 100, M1 500, M2 300") as error:
        manager.pick(names, "M0", 501)
    assert error.value.errno == E.ENOMEM


def test_spread_takes_each_in_turn_and_passes_over_the_full() -> None:
    manager = memory("spread", M0=100, M1=10, M2=100)
    names = ["M0", "M1", "M2"]
    assert [manager.pick(names, "M0", 50) for _ in range(4)] == ["M0", "M2", "M0", "M2"]
    assert [manager.pick(names, "M0", 5) for _ in range(4)] == ["M0", "M1", "M2", "M0"]
    with pytest.raises(LinuxError) as error:
        manager.pick(names, "M0", 101)
    assert error.value.errno == E.ENOMEM


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="nearest"):
        MemoryManager("nearest")


def test_a_vnode_keeps_its_storage() -> None:
    manager = StorageManager()
    names = ["S0", "S1"]
    assert [manager.storage_of(vnode, names) for vnode in (1, 2, 3, 1, 2)] == ["S0", "S1", "S0", "S0", "S1"]
    manager.lost("S0")
    assert manager.storage_of(1, ["S1"]) == "S1"
    assert manager.storage_of(3, ["S1"]) == "S1"
