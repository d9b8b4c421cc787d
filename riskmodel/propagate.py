r"""Uncertainty of a ratio of multilinear functions of independent risks.

The mean is a ratio of expectations, :math:`E[N]/E[D]`, the probability for the next fetus among those for whom what is
known holds; it is exact, and total probability holds for it. Quantiles are those of N/D over settings, each setting
weighted by how often it produces what is known, by a Kronecker sequence of fixed points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel.diagram import Branch, Node, edges_of, evaluate
from riskmodel.distribution import Complement, Distribution, PointMass, checked_levels

Array = NDArray[np.float64]

#: Points of the sequence: an end of a 95 % interval then moves by less than 0.001 between shifts (measured on the shipped
#: tree, 2026-11).
POINTS = 8192


@dataclass(frozen=True, eq=False)
class Propagated(Distribution):
    """A derived risk, as weighted values at the points of a fixed sequence.

    Parameters
    ----------
    exact_mean : float
        Ratio of expectations.
    values, weights : ndarray of shape (points,)
        Risks in increasing order with their weights, which sum to one.
    """

    exact_mean: float
    values: Array
    weights: Array

    @property
    def mean(self) -> float:
        """The probability for the next fetus: exact."""
        return self.exact_mean

    @cached_property
    def sd(self) -> float:  # type: ignore[override]
        """Standard deviation over settings."""
        return float(np.sqrt(self.weights @ (self.values - self.weights @ self.values) ** 2))

    @cached_property
    def _cumulative(self) -> Array:
        return np.cumsum(self.weights) - 0.5 * self.weights

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a risk up to `x`, of the shape of `x`."""
        return np.interp(np.asarray(x, float), self.values, self._cumulative, left=0.0, right=1.0)

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`, over a window of 2 % of the points."""
        x = np.asarray(x, float)
        levels = np.clip(self.cdf(x), 0.01, 0.99)
        width = self.ppf(levels + 0.01) - self.ppf(levels - 0.01)
        inside = (x >= self.values[0]) & (x <= self.values[-1])
        return np.where(inside, 0.02 / np.maximum(width, 1e-12), 0.0)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`."""
        return np.interp(checked_levels(q), self._cumulative, self.values)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws, by inversion."""
        return self.ppf(rng.random(size))


def propagate(numerator: Node, denominator: Node, risks: Mapping[int, Distribution], *, shift: float = 0.5) -> Distribution:
    """Distribution of a ratio of diagrams.

    Parameters
    ----------
    numerator, denominator : float or Branch
        Diagrams; the denominator is 1 where nothing is conditioned on.
    risks : mapping of int to Distribution
        Independent risks of the edges.
    shift : float
        Start of the sequence of points, in [0, 1): two shifts show the error.

    Returns
    -------
    Distribution
        The edge's own where the ratio is one edge or its complement, and otherwise a `Propagated`.
    """
    edges = sorted(edges_of(numerator) | edges_of(denominator))
    if not edges:
        assert not isinstance(numerator, Branch)
        assert not isinstance(denominator, Branch)
        return PointMass(numerator / denominator)
    if denominator == 1.0 and numerator == Branch(edges[0], 1.0, 0.0):
        return risks[edges[0]]
    if denominator == 1.0 and numerator == Branch(edges[0], 0.0, 1.0):
        return Complement(risks[edges[0]])
    means = {edge: risks[edge].mean for edge in edges}
    points = {
        edge: risks[edge].quick_ppf(levels) for edge, levels in zip(edges, _sequence(len(edges), shift), strict=True)
    }
    weights = np.broadcast_to(np.asarray(evaluate(denominator, points), float), (POINTS,))
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(weights > 0, evaluate(numerator, points) / weights, 0.0)
    order = np.argsort(values)
    return Propagated(
        exact_mean=float(evaluate(numerator, means) / evaluate(denominator, means)),
        values=np.clip(values[order], 0.0, 1.0),
        weights=weights[order] / weights.sum(),
    )



def _sequence(dimensions: int, shift: float) -> Array:
    """Kronecker sequence of the generalised golden ratio, folded so that it is smooth at the ends.

    After Niederreiter, Random Number Generation and Quasi-Monte Carlo Methods (1992), section 3.1, with the root of
    x**(d + 1) = x + 1; the tent transformation is Hickernell's (2002).
    """
    root = 1.5
    for _ in range(60):
        root = (1 + root) ** (1 / (dimensions + 1))
    steps = root ** -np.arange(1, dimensions + 1)
    raw = (shift + np.outer(steps, np.arange(1, POINTS + 1))) % 1.0
    folded = 1 - np.abs(2 * raw - 1)
    return np.clip(folded, 1e-9, 1 - 1e-9)
