"""Compiled loops for bulk work: the same numbers from hundreds of fits, in a fraction of the time.

Imports: nothing of the package; Numba, which comes with PyMC, only inside `bulk`.
Belongs here: the context, the twins of plain functions (`kernel`), and the loops that Numba compiles (`loops`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

#: Fits from which on loading the compiled loops, half a second, costs less than it saves.
MANY = 100
_KERNEL: ContextVar[Any] = ContextVar("_KERNEL", default=None)


def compiled() -> Any:
    """The module of compiled loops inside `bulk`, elsewhere None."""
    return _KERNEL.get()


@contextmanager
def bulk(many: bool = True) -> Iterator[None]:
    """Work with compiled loops, if it is many fits and Numba can be used; a thread or a process opens its own."""
    token = _KERNEL.set(_loaded() if many else None)
    try:
        yield
    finally:
        _KERNEL.reset(token)


@cache
def _loaded() -> Any:
    """The module, compiled or read from the disk; None and one warning where that fails, whatever the reason."""
    try:
        from riskmodel.distributions.bulk import kernel
    except Exception as error:
        what = (
            f"bulk work goes on without compiled loops, slower and to the same numbers: {type(error).__name__}: {error}"
        )
        warnings.warn(what, RuntimeWarning, stacklevel=2)
        return None
    return kernel
