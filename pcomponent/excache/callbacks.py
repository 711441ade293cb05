"""What Unicorn calls when a translation is missing: the TLB fill.

A fill looks a page up in the ExCache's tables and gives Unicorn a translation with as few rights as the
access needs: reads give no more than the line is already good for, writes mark the line dirty, and only
fetches give execution, so that no translation is ever writable and executable at once. Code runs in the line's copy
(`pcomponent.excache.code`), where it is read too; a store goes to the line itself. What the tables cannot answer
stops the CPU, precisely at the instruction, and is handled outside.

Compiled by numba to a plain C function, which takes no lock and calls nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types
from unicorn.unicorn_const import UC_MEM_FETCH, UC_MEM_WRITE

from pcomponent.excache import layout as at

_U = np.uint64
_SHAPE = (1 << 40,)  # The arrays behind the pointers have no length of their own here.

# numba freezes globals; constants in one type keep every operation below in 64 bits, unsigned.
_READ, _WRITE, _EXEC = _U(1), _U(2), _U(4)
_DIRTY, _CODE = _U(at.DIRTY), _U(at.CODE)
_RIGHTS = _U(at.RIGHTS)
_PAGE_SHIFT, _ONE, _TWO, _THREE = _U(12), _U(1), _U(2), _U(3)
_WINDOW_WORDS = _U(at.WINDOW_WORDS)
_KERNEL_BASE = _U(at.KERNEL_BASE)
_PAGES = _U(at.PAGES)
_SPARES = _U(at.SPARES)
_CODE_BASE = _U(at.CODE_BASE)
_EXECUTED_MASK, _EXECUTED_WORDS = _U(at.EXECUTED - 1), _U(at.EXECUTED_WORDS)

_pointer = types.CPointer(types.uint64)
_options: dict[str, Any] = {"forceinline": True, "error_model": "numpy"}


@njit(**_options)
def _window_of(table, page):  # type: ignore[no-untyped-def]
    """The place of the window that a page of the running space lies in, or 0."""
    low, high = _U(0), table[at.WINDOWS]
    while low < high:  # The last window that starts at or before the page.
        middle = (low + high) >> _ONE
        if table[table[at.WINDOWS_AT] + middle * _WINDOW_WORDS] <= page:
            low = middle + _ONE
        else:
            high = middle
    if low > _U(0):
        row = table[at.WINDOWS_AT] + (low - _ONE) * _WINDOW_WORDS
        if page < table[row + _ONE]:
            return row
    return _U(0)


@njit(**_options)
def _line_of(table, key):  # type: ignore[no-untyped-def]
    """The line that holds a key, or one past all of them."""
    tags = table[at.TAGS_AT]
    line = (key & table[at.SET_MASK]) * table[at.WAYS]
    end = line + table[at.WAYS]
    while line < end:
        if table[tags + line] == key:
            return line
        line += _ONE
    if table[at.SPARES_USED] != _U(0):
        line = table[at.SPARES_AT]
        end = line + _SPARES
        while line < end:
            if table[tags + line] == key:
                return line
            line += _ONE
    return table[at.SPARES_AT] + _SPARES


@cfunc(types.boolean(types.voidptr, types.uint64, types.int32, _pointer, _pointer), **_options)
def tlb_fill(engine, address, access, result, words):  # type: ignore[no-untyped-def]
    """UC_HOOK_TLB_FILL: True and a translation, or False and why in the header."""
    table = carray(words, _SHAPE)
    entry = carray(result, (2,))
    table[at.FILLS] += _ONE
    if address >= _KERNEL_BASE and table[at.KERNEL_WINDOW] == _ONE:
        entry[0] = address - _KERNEL_BASE
        entry[1] = _READ | _EXEC
        return True

    need = _READ
    if access == UC_MEM_WRITE:
        need = _WRITE
    elif access == UC_MEM_FETCH:
        need = _EXEC
    table[at.FAULT_ADDRESS] = address
    table[at.FAULT_ACCESS] = need
    if table[at.FILLS] >= table[at.FILLS_LIMIT]:
        table[at.STOP] = at.STOP_GROW
        return False

    page = address >> _PAGE_SHIFT
    key = table[at.SPACE_KEY] | page
    window = _window_of(table, page)
    if window != _U(0):
        key = table[window + _TWO] + (page - table[window])
    line = _line_of(table, key)
    # A page beyond has a number that reaches into that of the address space: the key is one of another's.
    if page >= _PAGES or line == table[at.SPARES_AT] + _SPARES:
        table[at.STOP] = at.STOP_FAULT
        return False

    place = table[at.META_AT] + line
    meta = table[place]
    rights = meta & _RIGHTS
    if window != _U(0):
        rights = table[window + _THREE]
    if rights & need == _U(0):
        table[at.STOP] = at.STOP_FAULT
        return False
    if need == _WRITE:
        if meta & _CODE and table[at.STEPPING] == _U(0):
            table[at.FAULT_LINE] = line
            table[at.STOP] = at.STOP_CODE_WRITE
            return False
        table[place] = meta | _DIRTY
        entry[0] = line << _PAGE_SHIFT
        entry[1] = _READ | _WRITE
        return True

    if meta & _CODE != _U(0):
        copy = table[table[at.COPIES_AT] + line]
        entry[0] = _CODE_BASE + (copy << _PAGE_SHIFT)
        entry[1] = _READ
        if need == _EXEC:
            entry[1] = _READ | _EXEC
            row = table[at.EXECUTED_AT] + (page & _EXECUTED_MASK) * _EXECUTED_WORDS
            table[row] = page
            table[row + _ONE] = table[at.EPOCH]
            table[row + _TWO] = copy
        return True
    if need == _EXEC:
        table[at.FAULT_LINE] = line
        table[at.STOP] = at.STOP_NEW_CODE
        return False
    entry[0] = line << _PAGE_SHIFT
    entry[1] = _READ
    if meta & _DIRTY and rights & _WRITE:
        entry[1] = _READ | _WRITE  # It is dirty anyway: spares the fill of the next write.
    return True
