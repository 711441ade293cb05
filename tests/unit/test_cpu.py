from __future__ import annotations

import dataclasses

import pytest
from cpu_bench import CODE, DATA, SPACE, STACK, Bench
from unicorn.unicorn_const import UC_HOOK_EDGE_GENERATED

from pcomponent.counting import ENTRIES, ENTRIES_MAX
from pcomponent.cpu import Stop
from pcomponent.excache import layout as at
from pcomponent.registers import Registers

SYSCALL = bytes.fromhex("0f05")


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def test_a_syscall_stops_behind_the_instruction_with_its_arguments(bench: Bench) -> None:
    assert (
        bench.run(bytes.fromhex("b827000000") + SYSCALL, rdi=11, rsi=22, rdx=33, r10=44, r8=55, r9=66) is Stop.SYSCALL
    )
    assert bench.cpu.syscall_arguments() == (39, 11, 22, 33, 44, 55, 66, CODE + 7, 0x202)
    assert bench.instructions == 2


@pytest.mark.parametrize(
    "name, code",
    [
        ("hlt", "f4"),
        ("cli", "fa"),
        ("rdtsc", "0f31"),
        ("mov from cr0", "0f20c0"),
        ("wrmsr", "0f30"),
        ("lgdt", "0f0117"),
        ("invlpg", "0f013f"),
        ("swapgs", "0f01f8"),
        ("sysret", "480f07"),
    ],
)
def test_privileged_instructions_fault_in_place(bench: Bench, name: str, code: str) -> None:
    bench.page(DATA, bytes(16), 3)
    assert bench.run(bytes.fromhex("90" + code), rdi=DATA) in (Stop.EXCEPTION, Stop.ILLEGAL)
    assert bench.cpu.rip == CODE + 1
    assert bench.instructions == 1
    bench.cpu.clear_exception()


def test_exceptions_do_not_pile_up_into_a_double_fault(bench: Bench) -> None:
    for _ in range(4):
        assert bench.run(bytes.fromhex("31c931d2f7f1")) is Stop.EXCEPTION  # xor ecx,ecx; xor edx,edx; div ecx
        assert bench.cpu.exception_vector == 0
        bench.cpu.clear_exception()


@pytest.mark.parametrize("code", ["0f0b", "0f01f9", "0fc7f0", "0f01d0"])
def test_what_an_x86_64_v2_cpu_does_not_have_is_illegal(bench: Bench, code: str) -> None:
    assert bench.run(bytes.fromhex(code)) is Stop.ILLEGAL
    assert bench.cpu.rip == CODE


def test_a_missing_page_stops_exactly_at_the_instruction(bench: Bench) -> None:
    assert bench.run(bytes.fromhex("9090488907"), rdi=0x70_0123) is Stop.FAULT
    assert (bench.cpu.rip, bench.cpu.fault_address, bench.cpu.fault_access) == (CODE + 2, 0x70_0000, 2)
    assert bench.instructions == 2


def test_rights_are_enforced_for_each_kind_of_access(bench: Bench) -> None:
    bench.page(DATA, SYSCALL, 1)
    assert bench.run(bytes.fromhex("488b07") + SYSCALL, rdi=DATA) is Stop.SYSCALL
    assert bench.run(bytes.fromhex("488907") + SYSCALL, rdi=DATA) is Stop.FAULT
    assert bench.cpu.fault_access == 2
    assert bench.run(bytes.fromhex("ffe7"), rdi=DATA) is Stop.FAULT
    assert bench.cpu.fault_access == 4


def test_a_load_leaves_a_line_clean_and_a_store_makes_it_dirty(bench: Bench) -> None:
    line = bench.page(DATA + 0x1000, bytes(16), 3)
    bench.cache.clean(line)
    bench.run(bytes.fromhex("488b07") + SYSCALL, rdi=DATA + 0x1000)
    assert not bench.cache.is_dirty(line)
    bench.run(bytes.fromhex("488907") + SYSCALL, rdi=DATA + 0x1000)
    assert bench.cache.is_dirty(line)
    bench.cache.clean(line)
    bench.run(bytes.fromhex("488907") + SYSCALL, rdi=DATA + 0x1000)
    assert bench.cache.is_dirty(line)


def test_the_kernels_window_is_shut_while_the_guest_runs(bench: Bench) -> None:
    bench.cache.mark_dirty(bench.page(CODE, b"", 5))
    assert bench.run(bytes.fromhex("488b07"), rdi=at.KERNEL_BASE) is Stop.FAULT


def test_changed_code_is_translated_again(bench: Bench) -> None:
    mov_eax = "b8{:02x}000000" + SYSCALL.hex()
    for value in (1, 2, 3):
        bench.run(bytes.fromhex(mov_eax.format(value)))
        assert bench.cpu.syscall_arguments()[0] == value


def test_a_quantum_ends_before_a_block_and_counts_to_the_instruction(bench: Bench) -> None:
    loop = bytes.fromhex("48ffc048ffc0ebf8")  # inc rax; inc rax; jmp loop
    assert bench.run(loop, quantum=3000) is Stop.QUANTUM
    assert bench.instructions >= 3000
    assert bench.cpu.read_registers().rax == bench.instructions // 3 * 2


def test_registers_come_back_as_they_were_set(bench: Bench) -> None:
    fpu = bytearray(Registers().fpu)
    fpu[160:176] = bytes(range(16))
    fpu[32:42] = bytes.fromhex("00000000000000c00040")
    fpu[4] = 0x80
    fpu[3] = 0x38  # TOP is 7, so that ST0 is physical register 7
    wanted = Registers(
        **{field.name: 0x1000 + i for i, field in enumerate(dataclasses.fields(Registers)) if field.name != "fpu"}
    )
    wanted.rflags, wanted.fpu = 0x202, bytes(fpu)
    bench.cpu.write_registers(wanted)
    assert bench.cpu.read_registers() == wanted


def test_contexts_keep_threads_apart(bench: Bench) -> None:
    bench.cpu.write_registers(Registers(rax=1, fs_base=0x1000))
    first = bench.cpu.new_context()
    bench.cpu.write_registers(Registers(rax=2, fs_base=0x2000))
    second = bench.cpu.new_context()
    bench.cpu.restore_context(first)
    assert (bench.cpu.read_registers().rax, bench.cpu.read_base("fs_base")) == (1, 0x1000)
    bench.cpu.restore_context(second)
    assert bench.cpu.read_registers().rax == 2


def test_pushes_to_the_stack_count_as_writes(bench: Bench) -> None:
    line = bench.page(STACK, bytes(4096), 3)
    bench.cache.clean(line)
    bench.run(bytes.fromhex("50") + SYSCALL, rax=7)
    assert bench.cache.is_dirty(line)


def test_more_blocks_than_the_counter_can_know_end_in_a_fresh_table(bench: Bench) -> None:
    counter = bench.cpu.counter
    bench.run(SYSCALL)
    for copy in range(1 + ENTRIES_MAX // 4096):
        bench.cache.words[bench.cache.words[at.EXECUTED_AT] + 3 * (CODE >> 12 & at.EXECUTED - 1) + 2] = 100 + copy
        for offset in range(4096):
            counter.learn(CODE + offset, 1, 1)
    assert bench.run(bytes.fromhex("90eb0090eb0090") + SYSCALL, quantum=1000) is Stop.SYSCALL
    assert bench.instructions == 6
    assert counter.crowded
    counter.code_changed(1)  # So that the blocks are in neither table, but translated.
    bench.cache.enter(SPACE, [])
    assert bench.run() is Stop.SYSCALL
    assert bench.instructions == 6
    assert not counter.crowded


def test_code_that_moves_to_another_space_is_not_translated_again(bench: Bench) -> None:
    code = bytes.fromhex("90eb0090eb0090909031c0" + "eb00") + SYSCALL
    bench.run(code)
    count, entries = bench.instructions, bench.cpu.counter.words[ENTRIES]
    generated = []
    bench.cpu._uc.hook_add(UC_HOOK_EDGE_GENERATED, lambda _uc, now, _before, _data: generated.append(now.pc))
    other = 2 << 36
    line = bench.cache.choose(other | CODE >> 12)
    bench.cache.evict(line)
    bench.cache.install(line, other | CODE >> 12, 5)
    bench.cache.line(line)[:] = code.ljust(4096, b"\x90")
    try:
        bench.cache.enter(other, [])
        bench.cpu.counter.enter_space(2)
        assert bench.run() is Stop.SYSCALL
        assert bench.instructions == count
        assert not generated
        bench.cache.line(line)[3:4] = b"\xf8"  # clc
        bench.cache.forget_code(line)
        assert bench.run() is Stop.SYSCALL
        assert generated
    finally:
        bench.cache.enter(SPACE, [])
        bench.cpu.counter.enter_space(1)
    assert bench.run() is Stop.SYSCALL
    assert bench.instructions == count
    assert bench.cpu.counter.words[ENTRIES] > entries


def test_nothing_is_kept_of_an_address_space_that_has_gone(bench: Bench) -> None:
    counter = bench.cpu.counter
    kept = len(counter._epochs)
    for space in range(100, 200):
        counter.enter_space(space)
        counter.code_changed(space)
        counter.leave_space(space)
    counter.enter_space(1)
    assert len(counter._epochs) == kept
