"""Fixed points that fill the unit cube evenly, in place of random ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Points for up to two risks that are not integrated in closed form, and for more: shifting them then moves an end of a
#: 95 % interval by 0.0013 (standard deviation over 20 shifts, the worst end on the shipped tree, 2026-11; by 0.003 with
#: 1,597 points, by 0.0004 with 10,946 and a sixth more time). Neighbours in Fibonacci's sequence.
_LATTICE = (2584, 4181)
_MANY = 4096


def lattice_points(dimensions: int, shift: float) -> Array:
    """Fixed points of the unit cube, folded so that they are continuous at its ends; shape (dimensions, points).

    In one or two dimensions a Fibonacci lattice, otherwise a Kronecker sequence with powers of the root of
    x**(d + 1) = x + 1 (Niederreiter, Random Number Generation and Quasi-Monte Carlo Methods 1992, sections 5.1 and 3.1);
    the tent transformation is that of Hickernell (2002).
    """
    if dimensions > 2:
        return kronecker(dimensions, _MANY, shift)
    index = np.arange(_LATTICE[1])
    raw = (np.outer([1.0, _LATTICE[0]], index) / _LATTICE[1] + shift * np.array([[1 / _LATTICE[1]], [0.7]])) % 1.0
    return _folded(raw[:dimensions])


def kronecker(dimensions: int, size: int, shift: float = 0.5) -> Array:
    """Kronecker sequence in the unit cube, folded so that it is continuous at its ends."""
    root = 1.5
    for _ in range(60):
        root = (1 + root) ** (1 / (dimensions + 1))
    steps = root ** -np.arange(1, dimensions + 1)
    return _folded((shift + np.outer(steps, np.arange(1, size + 1))) % 1.0)


def _folded(raw: Array) -> Array:
    return np.asarray(np.clip(1 - np.abs(2 * raw - 1), 1e-9, 1 - 1e-9), np.float64)
