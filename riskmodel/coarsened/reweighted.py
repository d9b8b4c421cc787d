"""Risks whose branches are tied to each other by counts of coarser groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel._support.checks import checked_levels
from riskmodel._support.kept import kept, once
from riskmodel.coarsened.joint import Joint
from riskmodel.distributions.base import DeferredDistribution, Distribution
from riskmodel.distributions.diagram import Node, cancel, edges_of, evaluate
from riskmodel.distributions.points import kronecker
from riskmodel.distributions.propagated import propagate
from riskmodel.distributions.special import logit, sigmoid

Array = NDArray[np.float64]

_TABLE = 257
_FARTHEST_LOGIT = 12.0


@dataclass(frozen=True, eq=False, repr=False)
class Tied(DeferredDistribution):
    """A ratio of diagrams over the joint posterior, exactly: over each way in which the fetuses can have divided.

    Nothing is worked out until more than the mean is asked for.
    """

    joint: Joint  # whose ways tie the branches
    #: numerator, denominator: diagrams of the ratio. A factor that is tied to the rest is not cancelled: what is
    #: known also tells which ways it came from.
    numerator: Node
    denominator: Node
    others: Mapping[int, Distribution]  # risks of the branches that are not tied
    average: bool  # whether the branches' averages are meant, not the risk in a new setting

    @property
    def mean(self) -> float:
        """The probability for the next fetus."""
        return _mean(self)

    @kept
    def made(self) -> Distribution:
        """The ratio, worked out: a common factor tells only which ways what is known came from."""
        top, bottom = cancel(self.numerator, self.denominator)
        ties = self.joint.ties(edges_of(self.numerator) | edges_of(self.denominator), average=self.average)
        if ties is not None:
            means = {edge: one.mean for edge, one in self.others.items()} | ties.means()
            ties = ties.weighted(evaluate(self.denominator, means) / evaluate(bottom, means))
        return propagate(top, bottom, _risks(self, edges_of(top) | edges_of(bottom)), ties)


@dataclass(frozen=True, eq=False, repr=False)
class Reweighted(Distribution):
    """A ratio of diagrams over the joint posterior by points: the one over its margins, moved as the weights move quantiles.

    Quantiles of the points are noisy with and without their weights, by the same noise: what remains of it in their
    difference is small (a control variate: Asmussen and Glynn, Stochastic Simulation 2007, section V.2). Nothing is drawn
    until more than the mean is asked for.
    """

    joint: Joint  # whose points weigh
    numerator: Node  # numerator, denominator: as of `Tied`
    denominator: Node
    others: Mapping[int, Distribution]  # risks of the branches that are not tied
    average: bool  # whether the branches' averages are meant, not the risk in a new setting

    @kept
    def _base(self) -> Distribution:
        """The ratio with the branches independent, each with its margin."""
        top, bottom = cancel(self.numerator, self.denominator)
        return propagate(top, bottom, _risks(self, edges_of(top) | edges_of(bottom)))

    @property
    def mean(self) -> float:
        """The probability for the next fetus."""
        return _mean(self)

    @kept
    def error(self) -> float:
        """Standard error of the mean."""
        return self.joint.spread(self.numerator, self.denominator, _other_means(self))

    @kept
    def _drawn(self) -> tuple[Array, Array, Array]:
        """Risks, and their weights without and with the coarse counts."""
        shapes, weights = self.joint.points
        drawn = {edge: a / (a + b) for edge, (a, b) in shapes.items()} if self.average else self.joint.settings
        size = next(iter(drawn.values())).size
        rng = np.random.default_rng(20261123)
        risks: dict[int, Array] = {}
        for edge in sorted(edges_of(self.numerator) | edges_of(self.denominator)):
            if edge in drawn:
                risks[edge] = drawn[edge]
            else:
                risks[edge] = self.others[edge].quick_ppf(rng.permutation(kronecker(1, size)[0]))
        plain = np.broadcast_to(np.asarray(evaluate(self.denominator, risks), float), (size,))
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(plain > 0, evaluate(self.numerator, risks) / plain, 0.0)
        return np.clip(values, 0.0, 1.0), plain, plain * np.tile(weights, size // weights.size)

    @kept
    def sd(self) -> float:
        """Standard deviation over settings."""
        values, *both = self._drawn
        spreads = []
        for weights in both:
            centre = (weights @ values) / weights.sum()
            spreads.append(float(np.sqrt((weights @ (values - centre) ** 2) / weights.sum())))
        return self._base.sd * spreads[1] / max(spreads[0], 1e-300)

    @kept
    def _levels(self) -> tuple[Array, Array, Array]:
        """Logits of the risks in order, and the level of each without and with the joint weights."""
        values, *both = self._drawn
        order = np.argsort(values)
        shares = []
        for weights in both:
            cumulative = np.cumsum(weights[order]) - 0.5 * weights[order]
            shares.append(cumulative / weights.sum())
        held = np.clip(values[order], 1e-15, 1 - 1e-15)
        return logit(held), shares[0], shares[1]

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`."""
        levels = checked_levels(q)
        logits, plain, weighted = self._levels
        inner = np.clip(levels, plain[0], plain[-1])
        move = np.interp(inner, weighted, logits) - np.interp(inner, plain, logits)
        base = self._base.ppf(levels)
        inside = (base > 1e-15) & (base < 1 - 1e-15)
        safe = np.where(inside, base, 0.5)
        return np.asarray(np.where(inside, sigmoid(logit(safe) + move), base))

    @kept
    def _table(self) -> tuple[Array, Array]:
        levels = sigmoid(np.linspace(-_FARTHEST_LOGIT, _FARTHEST_LOGIT, _TABLE))
        return levels, np.maximum.accumulate(self.ppf(levels))

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles from a table, of the shape of `q`."""
        return np.asarray(np.interp(checked_levels(q), *self._table))

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a risk up to `x`, of the shape of `x`."""
        levels, quantiles = self._table
        return np.asarray(np.interp(np.asarray(x, float), quantiles, levels, left=0.0, right=1.0))

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`, by differences over 2 % of the smaller of risk and complement."""
        at = np.asarray(x, float)
        width = np.maximum(0.01 * np.minimum(at, 1 - at), 1e-9)
        slope = (self.cdf(at + width) - self.cdf(at - width)) / (2 * width)
        return np.asarray(np.where((at > 0) & (at < 1), slope, 0.0))

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws, by inversion of the table."""
        return self.quick_ppf(rng.random(size))

    def __repr__(self) -> str:
        """Mean."""
        return f"Reweighted(mean {self.mean:.4f})"


def _other_means(one: Tied | Reweighted) -> dict[int, float]:
    return {edge: risk.mean for edge, risk in one.others.items() if edge not in one.joint.involved}


def _mean(one: Tied | Reweighted) -> float:
    return once(one, "mean", lambda: one.joint.mean(one.numerator, one.denominator, _other_means(one)))


def _risks(one: Tied | Reweighted, edges: frozenset[int]) -> dict[int, Distribution]:
    """Risks of some branches, of the tied ones their margins."""
    margins = {edge: one.joint.posterior(edge) for edge in edges if edge not in one.others}
    held = {edge: margin.average if one.average else margin.next_setting for edge, margin in margins.items()}
    return held | {edge: risk for edge, risk in one.others.items() if edge in edges}
