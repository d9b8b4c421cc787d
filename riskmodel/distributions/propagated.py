r"""Uncertainty of a ratio of multilinear functions of risks.

The mean is a ratio of expectations, :math:`E[N]/E[D]`, the probability for the next fetus among those for whom what is
known holds; it is exact, and total probability holds for it. The distribution is that of N/D over settings, each setting
weighted by how often it produces what is known. A part that shares no risk with the rest is a risk of its own, worked out
first. One risk is integrated in closed form given the others, which makes the distribution function smooth in them; the
others are integrated by the trapezoidal rule on a lattice of the logits of their levels, which converges geometrically
(Trefethen and Weideman, SIAM Review 2014, section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel._support.checks import Rng, as_rng, checked_levels
from riskmodel._support.kept import Shelf, kept, once
from riskmodel.distributions.base import Complement, Distribution, PointMass
from riskmodel.distributions.diagram import Branch, Node, cancel, compress, edges_of, evaluate, restrict
from riskmodel.distributions.integral import (
    LOGITS,
    POINTS,
    RARE_POINTS,
    SPACING,
    Inner,
    inner_logit,
    nodes,
)
from riskmodel.distributions.quantiles import LOGIT_LIMIT
from riskmodel.distributions.special import between, logit, sigmoid
from riskmodel.distributions.ties import TILT_LOGITS, TILT_STEP, Ties, Tilt, finer

Array = NDArray[np.float64]

#: The edge that stands for the share of one way among those for whom what is known holds.
_SHARE = -100
#: A part becomes a risk of its own where no more combinations of sets of counts than this speak of it.
_MOST_SETS = 32
#: Points are more where fewer than this share of them, by what is known at each, count.
_COUNTING = 0.25
#: Risks that several answers share: routes of one question are often the same, and a question about a group has the parts
#: of the question about all.
_SHARED = Shelf(256)
#: What is worked out at the points takes megabytes: the latest only.
_INNERS = Shelf(12)


@dataclass(frozen=True, eq=False, repr=False)
class Propagated(Distribution):
    """A derived risk N/D; worked out when first asked, for many answers only need their mean."""

    numerator: Node  # numerator, denominator: diagrams N and D
    denominator: Node
    risks: Mapping[int, Distribution]  # of the edges; those that are tied by their margins
    ties: Ties | None = None  # None where all are independent

    @kept
    def mean(self) -> float:
        """The probability for the next fetus: exact."""
        means: dict[int, float | Array] = {edge: one.mean for edge, one in self.risks.items()}
        if self.ties is None:
            return float(evaluate(self.numerator, means) / evaluate(self.denominator, means))
        means |= self.ties.means()
        top, bottom = ((self.ties.weights * evaluate(part, means)).sum() for part in (self.numerator, self.denominator))
        return float(top / bottom)

    @kept
    def sd(self) -> float:
        """Standard deviation over settings."""
        return self._inner.sd

    @property
    def _inner(self) -> Inner:
        return _INNERS.get_or_make(self, self._made)

    def _factored(self) -> Propagated | None:
        """The same where a ratio is the average of two, N1 of D1 and N2 of D2, weighted by how often each way is taken.

        N/D is then w X + (1 - w) Y with w the share of the first way among those for whom what is known holds: one risk.
        """
        top, bottom = self.numerator, self.denominator
        if not (isinstance(top, Branch) and isinstance(bottom, Branch) and top.edge == bottom.edge):
            return None
        (first, one), (second, other) = cancel(top.hit, bottom.hit), cancel(top.miss, bottom.miss)
        known, asked = edges_of(bottom), edges_of(first) | edges_of(second)
        if not (one == other == 1.0 and asked and not asked & known):
            return None
        ties = self.ties
        tied = ties.among(sorted(known)) if ties else None
        share = Branch(bottom.edge, bottom.hit, 0.0)
        part = shared(Propagated(share, bottom, {edge: self.risks[edge] for edge in sorted(known)}, tied))
        if ties and tied and asked & ties.sets.keys():
            if tied.weights.size > _MOST_SETS:
                return None
            means = {edge: risk.mean for edge, risk in self.risks.items()} | ties.means()
            ties = ties.beside(_SHARE, ties.rows(sorted(known))[2], part.tilt)
            ties = ties.weighted(evaluate(bottom, means))
        else:
            ties = None if tied else ties
        risks = {edge: self.risks[edge] for edge in sorted(asked)} | {_SHARE: part}
        return Propagated(Branch(_SHARE, first, second), 1.0, risks, ties.among(risks) if ties else None)

    def _made(self) -> Inner:
        factored = self._factored()
        if factored is not None:
            return factored._inner
        ties, risks = self.ties, dict(self.risks)

        def separate(own: frozenset[int]) -> bool:
            # Each combination of sets makes a part anew: only where the points would otherwise have to fill a cube.
            most = _MOST_SETS if len(self.risks) > 1 + max(SPACING) else 1
            return self.ties is None or self.ties.rows(own)[1].shape[1] <= most

        numerator, denominator, parts = compress(self.numerator, self.denominator, separate)
        for edge, part in parts.items():
            own = sorted(edges_of(part))
            tied = self.ties.among(own) if self.ties else None
            risks[edge] = one = shared(Propagated(part, 1.0, {one: self.risks[one] for one in own}, tied))
            if ties and tied:
                ties = ties.beside(edge, ties.rows(own)[2], one.tilt)
        edges = sorted(edges_of(numerator) | edges_of(denominator))
        ties = ties.among(edges) if ties else None
        main = _most_influential(numerator, denominator, risks, edges)
        rest = [edge for edge in edges if edge != main]
        means = {edge: risks[edge].mean for edge in edges}
        for most in (POINTS, RARE_POINTS):
            logits, weights = nodes(len(rest), most)
            points = {
                edge: once(risks[edge], ("at", place, *logits.shape), partial(_at_logits, risks[edge], logits[place]))
                for place, edge in enumerate(rest)
            }
            (n0, n1), (d0, d1) = (_line(node, main, points, weights.shape) for node in (numerator, denominator))
            known = weights * (d0 + d1 * means[main])
            if weights.size != most or known.sum() ** 2 > _COUNTING * most * (known**2).sum():
                break
        # In the order of where they cut the integrated risk: a search near the last place is short.
        with np.errstate(divide="ignore", invalid="ignore"):
            order = np.argsort((self.mean * d0 - n0) / (n1 - self.mean * d1))
        (n0, n1, d0, d1, weights), logits = (one[order] for one in (n0, n1, d0, d1, weights)), logits[:, order]
        ways, sets, ratios = weights[None], np.zeros(1, np.int64), np.ones((1, TILT_LOGITS.size))
        if ties is not None:
            ways, sets = ties.weights[:, None] * weights, np.zeros(ties.weights.size, np.int64)
            for edge, at in zip(rest, logits, strict=True):
                if edge in ties.sets:
                    tilt = ties.tilts[edge].at(at)
                    ways = ways * (tilt / (tilt @ weights)[:, None])[ties.sets[edge]]
            if main in ties.sets:
                sets, ratios = ties.sets[main], ties.tilts[main].ratios
        return Inner.of((n0, n1), (d0, d1), _at_levels(risks[main]), ways, sets, ratios)

    @kept
    def tilt(self) -> Tilt:
        """What it is in each of its ways, by how much of each lies between levels half way to the next."""
        assert self.ties is not None
        ends = np.append(TILT_LOGITS - TILT_STEP / 2, TILT_LOGITS[-1] + TILT_STEP / 2)
        weights = self.ties.weights
        means = {edge: one.mean for edge, one in self.risks.items()} | self.ties.means()
        mean = np.broadcast_to(evaluate(self.numerator, means) / evaluate(self.denominator, means), weights.shape)
        risk = self.quick_ppf(sigmoid(ends))
        if self._by_way is not None:
            at = finer(self._reach[None])[0]
            below = np.stack([sigmoid(np.interp(logit(risk), at, row)) for row in finer(inner_logit(self._by_way))])
        else:
            ways = (self.ties.only(way) for way in range(weights.size))
            below = np.stack([Propagated(self.numerator, self.denominator, self.risks, one).cdf(risk) for one in ways])
        share = np.maximum(np.diff(below, axis=1), 0.0)
        whole = weights @ share
        # Where next to nothing lies the nearest level that says something speaks.
        says = np.flatnonzero(whole > 1e-3 * sigmoid(TILT_LOGITS) * sigmoid(-TILT_LOGITS))
        nearest = says[np.abs(np.arange(TILT_LOGITS.size)[:, None] - says).argmin(axis=1)]
        return Tilt(share[:, nearest] / whole[nearest], mean)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a risk up to `x`, of the shape of `x`."""
        x = np.asarray(x, float)
        inside = self._inner.below(np.clip(x.ravel(), 0.0, 1.0)).reshape(x.shape)
        return np.where(x < 0, 0.0, np.where(x >= 1, 1.0, inside))

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
        flat = levels.ravel()
        inner = self._inner
        found = sigmoid(inner.quantiles(inner_logit(flat), self.mean))
        if found.min(initial=1.0) < 1e-15:
            found = np.where(flat <= inner.below(np.zeros(1))[0], 0.0, found)
        found = np.where(flat == 1.0, 1.0, found)
        return found.reshape(levels.shape)

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles from a table of logits of levels and of risks, of the shape of `q`."""
        return np.asarray(sigmoid(np.interp(inner_logit(checked_levels(q)), *self._table)))

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws, by inversion of the table."""
        return self.quick_ppf(as_rng(rng).random(size))

    @kept
    def _reach(self) -> Array:
        """Logits of risks, even, between which nearly all of it lies."""
        return self._inner.reach(self.mean)

    @kept
    def _by_way(self) -> Array | None:
        """Probability up to `_reach` in each way; None where its points do not tell the ways apart, or ways are many."""
        ways = 0 if self.ties is None else self.ties.weights.size
        if not 0 < ways <= _MOST_SETS or self._factored() is not None or len(self._inner.ways) != ways:
            return None
        return self._inner.by_way(sigmoid(self._reach))

    @kept
    def _table(self) -> tuple[Array, Array]:
        """Logits of levels, rising, and of the risks at them: cubics through few."""
        rows = self._by_way
        below = self._inner.below(sigmoid(self._reach)) if rows is None else self._inner.shares @ rows
        levels, at = finer(np.stack([inner_logit(below), self._reach]))
        return np.maximum.accumulate(levels), at


def propagate(
    numerator: Node, denominator: Node, risks: Mapping[int, Distribution], ties: Ties | None = None
) -> Distribution:
    """Distribution of a ratio of diagrams; the edge's own where it is one edge or its complement."""
    edges = sorted(edges_of(numerator) | edges_of(denominator))
    if not edges:
        assert not isinstance(numerator, Branch)
        assert not isinstance(denominator, Branch)
        return PointMass(numerator / denominator)
    if denominator == 1.0 and numerator == Branch(edges[0], 1.0, 0.0):
        return risks[edges[0]]
    if denominator == 1.0 and numerator == Branch(edges[0], 0.0, 1.0):
        return Complement(risks[edges[0]])
    needed = {edge: risks[edge] for edge in edges}
    return shared(Propagated(numerator, denominator, needed, ties.among(edges) if ties else None))


def shared(made: Propagated) -> Propagated:
    """The risk as it was made before, where it was: what was worked out for it is worked out once."""
    return _SHARED.get_or_make(made, lambda: made)


def _most_influential(numerator: Node, denominator: Node, risks: Mapping[int, Distribution], edges: list[int]) -> int:
    """The edge that moves the ratio most, one standard deviation either way; a fixed one never does."""
    means = np.array([risks[edge].mean for edge in edges])
    reach = np.diag([risks[edge].sd for edge in edges])
    # Each by itself, lower and higher, all at once.
    moved = np.clip(means + np.concatenate([-reach, reach]), 0.0, 1.0).T
    top, bottom = (evaluate(node, dict(zip(edges, moved, strict=True))) for node in (numerator, denominator))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.broadcast_to(np.where(bottom > 0, top / bottom, 0.0), 2 * len(edges))
    return edges[int(np.abs(np.diff(ratio.reshape(2, -1), axis=0)).argmax())]


def _line(node: Node, main: int, points: Mapping[int, Array], shape: tuple[int, ...]) -> tuple[Array, Array]:
    """A diagram at points of the other risks, as a line in one: its value at nought, and its rise."""
    low, high = (np.broadcast_to(evaluate(restrict(node, {main: end}), points), shape) for end in (0.0, 1.0))
    return low, high - low


def _at_logits(risk: Distribution, logits: Array) -> Array:
    """Quantiles at levels with these logits: lines through their logits at those of a table."""
    with np.errstate(divide="ignore"):  # a risk that is nought or one
        table = once(risk, "logits", lambda: np.clip(logit(_at_levels(risk)), -LOGIT_LIMIT, LOGIT_LIMIT))
    return sigmoid(between(table, (logits - LOGITS[0]) / (LOGITS[1] - LOGITS[0])))


def _at_levels(risk: Distribution) -> Array:
    """Quantiles at the levels of the table in which a risk is integrated, rising."""
    return once(risk, "levels", lambda: np.maximum.accumulate(risk.quick_ppf(sigmoid(LOGITS))))
