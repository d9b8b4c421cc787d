r"""Uncertainty of a ratio of multilinear functions of independent risks.

The mean is a ratio of expectations, :math:`E[N]/E[D]`, the probability for the next fetus among those for whom what is
known holds; it is exact, and total probability holds for it. The distribution is that of N/D over settings, each setting
weighted by how often it produces what is known. One risk is integrated in closed form given the others, which makes the
distribution function smooth in them (conditional Monte Carlo: Asmussen and Glynn, Stochastic Simulation 2007, section
V.4), and the others run through fixed points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from riskmodel._support.checks import checked_levels
from riskmodel._support.kept import beside, kept
from riskmodel.distributions.base import Complement, Distribution, PointMass
from riskmodel.distributions.diagram import Branch, Node, edges_of, evaluate, restrict
from riskmodel.distributions.points import lattice_points
from riskmodel.distributions.special import logit

Array = NDArray[np.float64]

#: A quantile is sought with every so manieth point first.
_THIN = 16
#: Levels at which the integrated risk is tabulated, equally spaced as logits.
_LEVELS = 1025
_FARTHEST_LEVEL = 16.0


@dataclass(frozen=True, eq=False, repr=False)
class Propagated(Distribution):
    """A derived risk N/D; worked out when first asked, for many answers only need their mean."""

    numerator: Node  # numerator, denominator: diagrams N and D
    denominator: Node
    risks: Mapping[int, Distribution]  # independent risks of the edges
    shift: float = 0.5  # start of the sequence of points, in [0, 1): two shifts show the error

    @kept
    def mean(self) -> float:
        """The probability for the next fetus: exact."""
        means = {edge: self.risks[edge].mean for edge in self._edges}
        return float(evaluate(self.numerator, means) / evaluate(self.denominator, means))

    @kept
    def sd(self) -> float:
        """Standard deviation over settings, from the sequence of points in all risks."""
        points = self._points(self._edges)
        size = next(iter(points.values())).size
        weights = np.broadcast_to(np.asarray(evaluate(self.denominator, points), float), (size,))
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(weights > 0, evaluate(self.numerator, points) / weights, 0.0)
        mean = (weights @ values) / weights.sum()
        return float(np.sqrt((weights @ (values - mean) ** 2) / weights.sum()))

    @kept
    def _edges(self) -> list[int]:
        return sorted(edges_of(self.numerator) | edges_of(self.denominator))

    def _points(self, edges: list[int]) -> dict[int, Array]:
        found = {}
        for place, (edge, levels) in enumerate(zip(edges, lattice_points(len(edges), self.shift), strict=True)):
            # Many questions ask for the same branch at the same points.
            held, key = beside(self.risks[edge]), ("at points", len(edges), place, self.shift)
            if key not in held:
                held[key] = self.risks[edge].quick_ppf(levels)
            found[edge] = held[key]
        return found

    @kept
    def _given_others(self) -> tuple[Array, Array, Array, Array, Array, Array]:
        """The ratio as (n0 + n1 p) / (d0 + d1 p) in the risk p that is integrated.

        n0, n1, d0 and d1 at the points of the others; values of p at a table of levels; the integral of p up to each.
        """
        main = _most_influential(self.numerator, self.denominator, self.risks, self._edges)
        rest = [edge for edge in self._edges if edge != main]
        points = self._points(rest) if rest else {}
        size = next(iter(points.values())).size if rest else 1

        def coefficients(node: Node) -> tuple[Array, Array]:
            low, high = (evaluate(restrict(node, {main: value}), points) for value in (0.0, 1.0))
            return np.broadcast_to(low, (size,)).astype(float), np.broadcast_to(high - low, (size,)).astype(float)

        risk = np.maximum.accumulate(self.risks[main].quick_ppf(_levels()))
        middle = 0.5 * (risk + np.concatenate([[0.0], risk[:-1]]))
        partial = np.cumsum(np.diff(_levels(), prepend=0.0) * middle)
        return *coefficients(self.numerator), *coefficients(self.denominator), risk, partial

    def _below(self, t: float, thin: int = 1) -> float:
        """Weighted probability that the ratio is at most t, by all points or by every so manieth."""
        n0, n1, d0, d1, risk, partial = self._given_others
        n0, n1, d0, d1 = n0[::thin], n1[::thin], d0[::thin], d1[::thin]
        slope, rest = n1 - t * d1, t * d0 - n0
        with np.errstate(divide="ignore", invalid="ignore"):
            cut = np.where(slope == 0, np.where(rest >= 0, np.inf, -np.inf), rest / slope)
        lower = d0 * np.interp(cut, risk, _levels(), left=0.0, right=1.0)
        if d1.any():
            lower = lower + d1 * np.interp(cut, risk, partial, left=0.0, right=partial[-1])
        total = d0 + d1 * partial[-1]
        return float(np.where(slope < 0, total - lower, lower).sum() / total.sum())

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a risk up to `x`, of the shape of `x`."""
        x = np.asarray(x, float)
        values = np.array([0.0 if t < 0 else 1.0 if t >= 1 else self._below(t) for t in x.ravel()])
        return values.reshape(x.shape)

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`, by differences over 2 % of the smaller of risk and complement."""
        x = np.asarray(x, float)
        width = np.maximum(0.01 * np.minimum(x, 1 - x), 1e-9)
        inside = (x > 0) & (x < 1)
        return np.where(inside, (self.cdf(x + width) - self.cdf(x - width)) / (2 * width), 0.0)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`: to 1e-6 in probability for a few, by a table for many."""
        levels = checked_levels(q)
        if levels.size > 16:
            return self.quick_ppf(levels)
        return np.array([self._quantile(float(level)) for level in levels.ravel()]).reshape(levels.shape)

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles from a table of 257 values, of the shape of `q`."""
        levels, quantiles = self._table
        return np.interp(checked_levels(q), levels, quantiles)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws, by inversion of the table."""
        return self.quick_ppf(rng.random(size))

    def _quantile(self, level: float) -> float:
        """Found with a few of the points first, and then with all of them, to 1e-6 in probability."""
        if level in (0.0, 1.0) or self._below(0.0) >= level:
            return 1.0 if level == 1.0 else 0.0
        mean = min(max(self.mean, 1e-12), 1 - 1e-12)
        spread = min(max(self.sd / (mean * (1 - mean)), 0.05), 2.0)
        start = float(logit(mean) + spread * ndtri(level))
        near = self._root(level, start, 0.5 * spread, _THIN, 1e-4)
        return _sigmoid(self._root(level, near, 0.1 * spread, 1, 1e-6))

    def _root(self, level: float, start: float, step: float, thin: int, tolerance: float) -> float:
        """Logit of a quantile by false position between logits of risk and of probability, both nearly straight.

        In the Illinois form (Dowell and Jarratt, BIT 1971).
        """
        aim = float(logit(level))

        def excess(at: float) -> float:
            share = min(max(self._below(_sigmoid(at), thin), 1e-15), 1 - 1e-15)
            return float(logit(share)) - aim

        low = high = start
        below = above = excess(low)
        while above < 0 and high < 40:  # a risk nearer 0 or 1 than 4e-18 is 0 or 1
            low, below, high, step = high, above, high + step, 2 * step
            above = excess(high)
        while below > 0 and low > -40:
            high, above, low, step = low, below, low - step, 2 * step
            below = excess(low)
        for _ in range(60):
            if high - low < 1e-9 or above - below < 1e-12:
                break
            middle = (low * above - high * below) / (above - below)
            value = excess(middle)
            if abs(value) * level * (1 - level) < tolerance:
                return middle
            if value < 0:
                low, below, above = middle, value, above / 2
            else:
                high, above, below = middle, value, below / 2
        return 0.5 * (low + high)

    @kept
    def _table(self) -> tuple[Array, Array]:
        ends = [min(max(self._quantile(level), 1e-12), 1 - 1e-12) for level in (1e-5, 1 - 1e-5)]
        first, last = logit(ends)
        risks = 1 / (1 + np.exp(-np.linspace(first - 0.5, last + 0.5, 257)))
        return np.maximum.accumulate([self._below(t) for t in risks]), risks


def propagate(
    numerator: Node, denominator: Node, risks: Mapping[int, Distribution], *, shift: float = 0.5
) -> Distribution:
    """Distribution of a ratio of diagrams."""
    edges = sorted(edges_of(numerator) | edges_of(denominator))
    if not edges:
        assert not isinstance(numerator, Branch)
        assert not isinstance(denominator, Branch)
        return PointMass(numerator / denominator)
    if denominator == 1.0 and numerator == Branch(edges[0], 1.0, 0.0):
        return risks[edges[0]]
    if denominator == 1.0 and numerator == Branch(edges[0], 0.0, 1.0):
        return Complement(risks[edges[0]])
    return Propagated(numerator, denominator, risks, shift)


def _most_influential(numerator: Node, denominator: Node, risks: Mapping[int, Distribution], edges: list[int]) -> int:
    """The edge that moves the ratio most, one standard deviation either way; a fixed one never does."""
    means = {edge: risks[edge].mean for edge in edges}

    def swing(edge: int) -> float:
        ends = []
        for sign in (-1, 1):
            moved = means | {edge: float(np.clip(means[edge] + sign * risks[edge].sd, 0, 1))}
            below = evaluate(denominator, moved)
            ends.append(evaluate(numerator, moved) / below if below > 0 else 0.0)
        return float(abs(ends[1] - ends[0]))

    return max(edges, key=swing)


@cache
def _levels() -> Array:
    return np.asarray(1 / (1 + np.exp(-np.linspace(-_FARTHEST_LEVEL, _FARTHEST_LEVEL, _LEVELS))))


def _sigmoid(at: float) -> float:
    return float(1 / (1 + np.exp(-at)))
