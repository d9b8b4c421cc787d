"""Fixed points that fill the unit cube evenly, in place of random ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def kronecker(dimensions: int, size: int, shift: float = 0.5) -> Array:
    """Kronecker sequence in the unit cube, folded so that it is continuous at its ends."""
    root = 1.5
    for _ in range(60):
        root = (1 + root) ** (1 / (dimensions + 1))
    steps = root ** -np.arange(1, dimensions + 1)
    return _folded((shift + np.outer(steps, np.arange(1, size + 1))) % 1.0)


def _folded(raw: Array) -> Array:
    return np.asarray(np.clip(1 - np.abs(2 * raw - 1), 1e-9, 1 - 1e-9), np.float64)
