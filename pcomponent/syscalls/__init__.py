"""The system calls: the table, and one file for each family."""

from __future__ import annotations

import importlib
import pkgutil


def load_all() -> None:
    """Imports every family, which fills `table.TABLE`."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
