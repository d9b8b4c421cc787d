r"""Uncertainty of a ratio of multilinear functions of risks.

The mean is a ratio of expectations, :math:`E[N]/E[D]`, the probability for the next fetus among those for whom what is
known holds; it is exact, and total probability holds for it. The distribution is that of N/D over settings, each setting
weighted by how often it produces what is known. A part that shares no risk with the rest is a risk of its own, worked out
first. One risk is integrated in closed form given the others, which makes the distribution function smooth in them; the
others are integrated by the trapezoidal rule on the logit of their levels, which converges geometrically (Trefethen and
Weideman, SIAM Review 2014, section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel._support.checks import Rng, as_rng, checked_levels
from riskmodel._support.kept import Shelf, kept
from riskmodel.distributions.base import Complement, Distribution, PointMass
from riskmodel.distributions.diagram import Branch, Node, cancel, compress, edges_of, evaluate, restrict
from riskmodel.distributions.integral import LOGITS, POINTS, RARE_POINTS, SPACING, Inner, Integral, inner_logit, nodes
from riskmodel.distributions.special import logit, sigmoid
from riskmodel.distributions.ties import FINE, TILT_LOGITS, TILT_STEP, Ties, Tilt

Array = NDArray[np.float64]

#: The edge that stands for the share of one way among those for whom what is known holds.
_SHARE = -100
#: A part becomes a risk of its own where no more combinations of sets of counts than this speak of it.
_MOST_SETS = 32
#: Values of a table of quantiles, and cells that are worked out at once.
_TABLE = 97
#: Grid on which quantiles are sought first, how far it reaches in spreads, and the cuts of its cells in each round after.
_GRID, _REACH, _CUTS, _ROUNDS = 21, 5.0, 4, 3
_CELLS = 400_000
#: Parts that several answers share: a question about a group has the parts of the question about all.
_PARTS = Shelf(128)
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
        inner = self._inner
        n0, n1, d0, d1, weights = inner[:5]
        if not d1.any():
            held = weights * d0
            with np.errstate(divide="ignore", invalid="ignore"):
                a, b = (np.where(d0 > 0, one / d0, 0.0) for one in (n0, n1))
            first, square = inner.partial.whole, a * a + 2 * a * b * inner.partial.whole + b * b * inner.squared
            centre = (held * (a + b * first)).sum() / held.sum()
            return float(np.sqrt(max((held * square).sum() / held.sum() - centre * centre, 0.0)))
        # The ratio is no polynomial of the integrated risk: at the levels of the table.
        risk = inner.risk[::FINE, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            bottom = d0 + d1 * risk
            value = np.where(bottom > 0, (n0 + n1 * risk) / bottom, 0.0)
        held = inner.below.slope.T * weights * bottom
        centre = (held * value).sum() / held.sum()
        return float(np.sqrt((held * (value - centre) ** 2).sum() / held.sum()))

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
        part = _part(Propagated(share, bottom, {edge: self.risks[edge] for edge in sorted(known)}, tied))
        if ties and tied and asked & ties.sets.keys():
            if tied.weights.size > _MOST_SETS:
                return None
            means = {edge: risk.mean for edge, risk in self.risks.items()} | ties.means()
            ties = ties.beside(_SHARE, ties.rows(sorted(known))[2], _tilt(part, tied))
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
            risks[edge] = _part(Propagated(part, 1.0, {one: self.risks[one] for one in own}, tied))
            if ties and tied:
                ties = ties.beside(edge, ties.rows(own)[2], _tilt(risks[edge], tied))
        edges = sorted(edges_of(numerator) | edges_of(denominator))
        ties = ties.among(edges) if ties else None
        main = _most_influential(numerator, denominator, risks, edges)
        rest = [edge for edge in edges if edge != main]
        logits, weights = nodes(len(rest), POINTS if denominator == 1.0 else RARE_POINTS)
        points = {edge: _at_logits(risks[edge], at) for edge, at in zip(rest, logits, strict=True)}
        size = weights.size

        def coefficients(node: Node) -> tuple[Array, Array]:
            low, high = (evaluate(restrict(node, {main: value}), points) for value in (0.0, 1.0))
            return np.broadcast_to(low, (size,)).astype(float), np.broadcast_to(high - low, (size,)).astype(float)

        ways, sets, ratios = weights[None], np.zeros(1, np.int64), np.ones((1, TILT_LOGITS.size))
        if ties is not None:
            ways, sets = ties.weights[:, None] * weights, np.zeros(ties.weights.size, np.int64)
            for edge, at in zip(rest, logits, strict=True):
                if edge in ties.sets:
                    tilt = ties.tilts[edge].at(at)
                    ways = ways * (tilt / (tilt @ weights)[:, None])[ties.sets[edge]]
            if main in ties.sets:
                sets, ratios = ties.sets[main], ties.tilts[main].ratios
        at_points = ways.sum(axis=0)
        ratio = ratios
        if len(ratios) > 1:
            ratio = (
                ((np.arange(len(ratios))[:, None] == sets) @ ways).T @ ratios / np.maximum(at_points, 1e-300)[:, None]
            )
        risk = np.maximum.accumulate(risks[main].quick_ppf(sigmoid(LOGITS)))
        level, at_tilt = sigmoid(TILT_LOGITS) * sigmoid(-TILT_LOGITS), risk[::FINE]

        def integrals(density: Array) -> tuple[Integral, Integral]:
            below = Integral.of(density)
            return below.over(below.whole), Integral.of(density * at_tilt).over(below.whole)

        below, partial = integrals(ratio * level)
        return Inner(
            *coefficients(numerator),
            *coefficients(denominator),
            at_points / at_points.sum(),
            risk,
            below,
            partial,
            Integral.of(below.slope * at_tilt**2).whole,
            ways,
            sets,
            integrals(ratios * level) if len(ratios) > 1 else (below, partial),
        )

    def _below(self, t: Array) -> Array:
        """Probability that the ratio is at most t, of the shape of t: one-dimensional."""
        inner, found = self._inner, []
        step = max(1, _CELLS // inner.n0.size)
        for first in range(0, t.size, step):
            share, total = self._share(t[first : first + step, None], inner.below, inner.partial)
            found.append(share @ inner.weights / (total @ inner.weights))
        return np.concatenate(found)

    def by_way(self, t: Array) -> Array:
        """Probability that the ratio is at most t in each way, of shape (ways, values)."""
        inner = self._inner
        found = np.empty((len(inner.ways), t.size))
        for one in np.unique(inner.sets):
            below, partial = (Integral(table.value[[one]], table.slope[[one]]) for table in inner.by_set)
            share, total = self._share(t[:, None], below, partial)
            ways = inner.ways[inner.sets == one]
            found[inner.sets == one] = ways @ share.T / (ways @ total)[:, None]
        return found

    def _share(self, t: Array, below: Integral, partial: Integral) -> tuple[Array, Array]:
        """How much of each point has a ratio up to t, of shape (values, points), and all of it, of shape (points,)."""
        n0, n1, d0, d1, _, risk = self._inner[:6]
        slope, rest = n1 - t * d1, t * d0 - n0
        with np.errstate(divide="ignore", invalid="ignore"):
            cut = np.where(slope == 0, np.where(rest >= 0, np.inf, -np.inf), rest / slope)
        level = (np.interp(cut, risk, LOGITS) - TILT_LOGITS[0]) / TILT_STEP
        place = np.minimum(level.astype(int), TILT_LOGITS.size - 2)
        under, over = cut < risk[0], cut >= risk[-1]

        def up_to(integral: Integral) -> Array:
            return np.where(under, 0.0, np.where(over, integral.whole, integral.at(place, level - place)))

        lower, total = d0 * up_to(below), d0
        if d1.any():
            lower, total = lower + d1 * up_to(partial), d0 + d1 * partial.whole
        return np.where(slope < 0, total - lower, lower), np.asarray(total)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a risk up to `x`, of the shape of `x`."""
        x = np.asarray(x, float)
        inside = self._below(np.clip(x.ravel(), 0.0, 1.0)).reshape(x.shape)
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
        found = sigmoid(self._quantiles(inner_logit(flat)))
        ends = [(flat <= self._below(np.zeros(1))[0], 0.0), (flat == 1.0, 1.0)]
        for at_end, value in ends:
            found = np.where(at_end, value, found)
        return found.reshape(levels.shape)

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles from a table, straight between logits of level and of risk, of the shape of `q`."""
        return np.asarray(sigmoid(np.interp(inner_logit(checked_levels(q)), *self._table)))

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws, by inversion of the table."""
        return self.quick_ppf(as_rng(rng).random(size))

    def _quantiles(self, wanted: Array) -> Array:
        """Logits of the quantiles at levels with some logits: on a grid, and on ever finer ones where each lies."""
        mean = min(max(self.mean, 1e-12), 1 - 1e-12)
        spread = min(max(self.sd / (mean * (1 - mean)), 0.05), 2.0)
        ends = np.array([logit(mean) - _REACH * spread, logit(mean) + _REACH * spread])
        while True:  # a risk nearer 0 or 1 than 4e-18 is 0 or 1
            first, last = np.clip(ends, -40.0, 40.0)
            grid = np.linspace(first, last, _GRID)
            levels = np.maximum.accumulate(self._logits(grid))
            outside = (levels[0] > wanted.min() and ends[0] > -40, levels[-1] < wanted.max() and ends[1] < 40)
            if not any(outside):
                break
            ends += np.array([-2.0, 2.0]) * spread * outside
            spread *= 2
        place = np.clip(np.searchsorted(levels, wanted) - 1, 0, grid.size - 2)
        low, high, below, above = grid[place], grid[place + 1], levels[place], levels[place + 1]
        for _ in range(_ROUNDS):
            inside = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _CUTS + 1)[1:-1]
            values = self._logits(inside.ravel()).reshape(inside.shape)
            cells = np.concatenate([low[:, None], inside, high[:, None]], axis=1)
            values = np.maximum.accumulate(np.concatenate([below[:, None], values, above[:, None]], axis=1), axis=1)
            place = np.clip((values < wanted[:, None]).sum(axis=1) - 1, 0, _CUTS - 1)
            rows = np.arange(wanted.size)
            low, high, below, above = (one[rows, place + more] for one in (cells, values) for more in (0, 1))
        along = np.clip((wanted - below) / np.where(above > below, above - below, 1.0), 0.0, 1.0)
        return np.asarray(low + along * (high - low))

    def _logits(self, at: Array) -> Array:
        """Logits of the probability of a risk below those with some logits."""
        return inner_logit(self._below(sigmoid(at)))

    @kept
    def _table(self) -> tuple[Array, Array]:
        """Logits of levels, rising, and of the risks at them."""
        first, last = np.clip(self._quantiles(inner_logit([1e-6, 1 - 1e-6])), -28.0, 28.0)
        logits = np.linspace(first - 0.5, last + 0.5, _TABLE)
        return np.maximum.accumulate(self._logits(logits)), logits


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
    return Propagated(
        numerator, denominator, {edge: risks[edge] for edge in edges}, ties.among(edges) if ties else None
    )


def _part(made: Propagated) -> Propagated:
    """The part as it was made before, where it was."""
    return _PARTS.get_or_make(made, lambda: made)


def _tilt(part: Distribution, ties: Ties) -> Tilt:
    """What a part is in each of its ways, by how much of each lies between levels half way to the next."""
    assert isinstance(part, Propagated)
    ends = np.append(TILT_LOGITS - TILT_STEP / 2, TILT_LOGITS[-1] + TILT_STEP / 2)
    risk = part.quick_ppf(sigmoid(ends))
    means = {edge: one.mean for edge, one in part.risks.items()} | ties.means()
    mean = np.broadcast_to(evaluate(part.numerator, means) / evaluate(part.denominator, means), ties.weights.shape)
    if part._factored() is None and len(part._inner.ways) == ties.weights.size:
        below = part.by_way(risk)
    else:  # its points do not tell the ways apart
        ways = (ties.only(way) for way in range(ties.weights.size))
        below = np.stack([Propagated(part.numerator, part.denominator, part.risks, one).cdf(risk) for one in ways])
    share = np.maximum(np.diff(below, axis=1), 0.0)
    whole = ties.weights @ share
    # Where next to nothing lies the nearest level that says something speaks.
    says = np.flatnonzero(whole > 1e-3 * sigmoid(TILT_LOGITS) * sigmoid(-TILT_LOGITS))
    nearest = says[np.abs(np.arange(TILT_LOGITS.size)[:, None] - says).argmin(axis=1)]
    return Tilt(share[:, nearest] / whole[nearest], mean)


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


def _at_logits(risk: Distribution, logits: Array) -> Array:
    """Quantiles at levels with these logits, of which many may be the same."""
    unique, place = np.unique(logits, return_inverse=True)
    return risk.quick_ppf(sigmoid(unique))[place]
