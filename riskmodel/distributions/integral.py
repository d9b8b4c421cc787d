"""Integrals over one risk up to a level at points of the others, their quantiles, and nodes that integrate over several."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel.distributions.points import kronecker
from riskmodel.distributions.quantiles import IN_CACHE
from riskmodel.distributions.special import logit, sigmoid
from riskmodel.distributions.ties import FINE, TILT_LOGITS, TILT_STEP, Places

Array = NDArray[np.float64]

#: Spacing of the nodes, in logits of a level, by how many risks are not integrated in closed form; more of them than three
#: run through fixed points that fill the cube, more points where what is known may be rare. An end of a 95 % interval lies
#: within 0.001 in probability in nine derived risks of ten of the shipped trees, in all within 0.005 (beside finer ones).
SPACING = {1: 0.25, 2: 0.9, 3: 1.5}
#: Roots of polynomials whose powers span a lattice with no two nodes in line, so that each risk by itself has many levels
#: (Frolov, Doklady Akademii Nauk SSSR 1976;231:818-821).
_ROOTS = {
    1: np.ones(1),
    2: (1 + np.sqrt(5) * np.array([-1, 1])) / 2,
    3: 2 * np.cos(2 * np.pi * np.arange(1, 4) / 7),
}
#: Points that together hold less are left out.
LIGHT = 2e-5
FARTHEST_NODE = 12.0
POINTS, RARE_POINTS = 4096, 16384
#: Points of a table of quantiles, before cubics between them.
_TABLE = 97
#: Grid on which quantiles are sought first: its reach in spreads, in how many steps, how many more at once, each twice as
#: long; how close to a line through it they are expected, as a share of its cells; rounds of cutting cells where they are
#: not, or where its slope changes by more than a share from one step to the next; points of which half make a grid; and of
#: how many levels one is enough for a spread.
_REACH, _STEPS, _FURTHER, _CLOSE, _ROUNDS, _BENT, _FEW, _ABOUT = 5.0, 10, 3, 1 / 8, 3, 0.1, 2048, 4
#: Logits of the levels at which the integrated risk is tabulated: those at which a tilt is known.
LEVELS = 1 + FINE * (TILT_LOGITS.size - 1)
LOGITS = np.linspace(TILT_LOGITS[0], TILT_LOGITS[-1], LEVELS)
#: The same in steps of a tilt.
_PLACES = np.arange(LEVELS) / FINE


class Integral(NamedTuple):
    """An integral up to the levels of a tilt, and its slope there, at each point or the same at all."""

    value: Array  # of shape (points, levels) or (1, levels)
    slope: Array

    @classmethod
    def of(cls, slope: Array) -> Integral:
        """By the four-point rule of Gill and Miller (Computer Journal 1972)."""
        cells = TILT_STEP / 24 * (13 * (slope[:, 1:-2] + slope[:, 2:-1]) - slope[:, :-3] - slope[:, 3:])
        ends = 0.5 * TILT_STEP * (slope[:, [0, -2]] + slope[:, [1, -1]])
        steps = np.concatenate([np.zeros((len(slope), 1)), ends[:, :1], cells, ends[:, 1:]], axis=1)
        return cls(np.cumsum(steps, axis=1), slope)

    @property
    def total(self) -> Array:
        """Over all levels, of shape (points,) or (1,)."""
        return self.value[:, -1]

    def over(self, divisor: Array) -> Integral:
        """Divided by a number for each point."""
        return Integral(self.value / divisor[:, None], self.slope / divisor[:, None])

    def mixed(self, shares: Array) -> Integral:
        """Sums of the rows with shares, of shape (points, rows)."""
        # Not by `@`, which for tables of this size wakes threads and waits for them.
        value, slope = (np.einsum("ps,sl->pl", shares, one) for one in self)
        return Integral(value, slope)

    @property
    def fine(self) -> Array:
        """At all levels of `LOGITS`, of shape (points, levels)."""
        place = np.minimum(np.arange(LEVELS) // FINE, TILT_LOGITS.size - 2)[:, None]
        return self.at(place, _PLACES[:, None] - place).T

    def at(self, place: Places, along: Array) -> Array:
        """Between levels the cubic that has the slopes; `place` and `along` have shape (values, points)."""
        first = place + np.arange(len(self.value)) * self.value.shape[1]  # where tables are written one after another
        second, rest = first + 1, 1 - along
        left, right = self.value.take(first), self.value.take(second)
        bend = TILT_STEP * (self.slope.take(first) * rest - self.slope.take(second) * along)
        return np.asarray(left + along * along * (3 - 2 * along) * (right - left) + along * rest * bend)


#: What each level of a slope adds to its integral over all of them.
_RULE = Integral.of(np.eye(TILT_LOGITS.size)).total


class Inner(NamedTuple):
    """The ratio as (n0 + n1 p) / (d0 + d1 p) in the risk p that is integrated, at the points of the others."""

    n0: Array  # n0, n1, d0, d1: of shape (points,)
    n1: Array
    d0: Array
    d1: Array
    weights: Array  # of the points, summing to one
    risk: Array  # values of p at many levels
    #: At each point: probability of p up to a level and, where d1 is not nought, integral of p.
    tables: tuple[Integral, ...]
    ways: Array  # weights of the points in each way, of shape (ways, points)
    sets: Places  # which set of counts speaks of p in each way
    by_set: tuple[Integral, ...]  # the same tables for each set
    #: Where one table serves all points, at all levels; where there are two, the second as the imaginary part.
    fine: NDArray[Any] | None

    @classmethod
    def of(
        cls,
        top: tuple[Array, Array],
        bottom: tuple[Array, Array],
        risk: Array,
        ways: Array,
        sets: Places,
        ratios: Array,  # densities of p under each set over its margin's, of shape (sets, levels)
    ) -> Inner:
        """From its numerator and denominator, how the points and the risk go together in each way, and its densities."""
        density = ratios * (sigmoid(TILT_LOGITS) * sigmoid(-TILT_LOGITS))
        below, weights = Integral.of(density), ways.sum(axis=0)
        # Where the ratio is a line in the risk, its integral falls out.
        both = (below, Integral.of(density * risk[::FINE]))[: 1 + bool(bottom[1].any())]
        tables = by_set = tuple(one.over(below.total) for one in both)
        if len(ratios) > 1:
            order = np.argsort(sets, kind="stable")
            some, first = np.unique(sets[order], return_index=True)
            held = np.zeros((len(ratios), weights.size))
            held[some] = np.add.reduceat(ways[order], first) * below.total[some, None]
            shares = (held / np.maximum(held.sum(axis=0), 1e-300)).T
            tables = tuple(one.mixed(shares) for one in by_set)
        fine = None
        if len(tables[0].value) == 1:
            fine = sum(unit * one.fine[0] for unit, one in zip((1.0, 1j), tables, strict=False))
        return cls(*top, *bottom, weights / weights.sum(), risk, tables, ways, sets, by_set, fine)

    @property
    def sd(self) -> float:
        """Standard deviation of the ratio, each setting weighted by its bottom."""
        return self._deviation(2)  # steps of one of a logit: the trapezoidal rule leaves 1e-8

    def _deviation(self, every: int) -> float:
        """The same, by one in some of the table's levels where the ratio is no line in the integrated risk."""
        slope, risk = self.tables[0].slope, self.risk[::FINE]
        with np.errstate(divide="ignore", invalid="ignore"):
            if len(self.tables) == 1:
                held = self.weights * self.d0
                a, b = (np.where(self.d0 > 0, one / self.d0, 0.0) for one in (self.n0, self.n1))
                first, second = slope @ (_RULE * risk), slope @ (_RULE * risk**2)
                centre = (held * (a + b * first)).sum() / held.sum()
                square = (held * (a * a + 2 * a * b * first + b * b * second)).sum() / held.sum()
                return float(np.sqrt(max(square - centre * centre, 0.0)))
            risk, slope = risk[::every, None], slope[:, ::every].T
            top, bottom = self.n0 + self.n1 * risk, self.d0 + self.d1 * risk
            squared = np.where(bottom > 0, top * top / bottom, 0.0)
        # By one weight for all points where one table serves them.
        parts = (slope.T @ one if slope.shape[1] == 1 else (slope * one).sum(axis=0) for one in (bottom, top, squared))
        total, mean, of_square = (float((part @ self.weights).sum()) for part in parts)
        return math.sqrt(max(of_square / total - (mean / total) ** 2, 0.0))

    def below(self, t: Array) -> Array:
        """Probability that the ratio is at most t, of the shape of t: one-dimensional."""
        held = np.stack([self.d0, self.d1][: len(self.tables)]) * self.weights
        totals = np.stack([np.broadcast_to(table.total, self.weights.shape) for table in self.tables])
        found = []
        for some in self._blocks(t):
            cut, falls = self._cut(some[:, None])
            if self.fine is None:
                level = np.interp(cut, self.risk, _PLACES)
                place = np.minimum(level.astype(int), TILT_LOGITS.size - 2)
                lower = [table.at(place, level - place) for table in self.tables]
            else:
                read = np.interp(cut, self.risk, self.fine)
                lower = [read] if len(self.tables) == 1 else [read.real, read.imag]
            if len(self.tables) == 1:  # a point's ratio falls at all values or at none
                found.append(lower[0] @ (held[0] * np.where(falls, -1.0, 1.0)) + (held * totals)[0] @ falls)
            else:
                parts = zip(held, totals, lower, strict=True)
                found.append(sum(np.where(falls, whole - one, one) @ part for part, whole, one in parts))
        return np.concatenate(found) / (held * totals).sum()

    @property
    def shares(self) -> Array:
        """Probability of each way, of shape (ways,)."""
        whole = self._held_by_way
        return np.asarray(whole / whole.sum())

    @property
    def _held_by_way(self) -> Array:
        pairs = zip((self.d0, self.d1), self.by_set, strict=False)
        return np.asarray(sum((self.ways @ held) * table.total[self.sets] for held, table in pairs))

    def by_way(self, t: Array) -> Array:
        """Probability that the ratio is at most t in each way, of shape (ways, values)."""
        pairs = [(self.ways * held, table.fine) for held, table in zip((self.d0, self.d1), self.by_set, strict=False)]
        found = []
        for some in self._blocks(t):
            cut, falls = self._cut(some[:, None])
            level = np.interp(cut, self.risk, np.arange(LEVELS))
            place = np.minimum(level.astype(int), LEVELS - 2)
            along = level - place
            part = np.zeros((len(self.ways), some.size))
            for one in np.unique(self.sets):
                ways = self.sets == one
                for held, table in pairs:
                    lower = table[one].take(place) + along * np.diff(table[one]).take(place)
                    part[ways] += held[ways] @ np.where(falls, table[one, -1] - lower, lower).T
            found.append(part)
        return np.asarray(np.concatenate(found, axis=1) / self._held_by_way[:, None])

    def _blocks(self, t: Array) -> list[Array]:
        step = max(1, IN_CACHE // self.n0.size)
        return [t[first : first + step] for first in range(0, t.size, step)]

    def _cut(self, t: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Value of the integrated risk that makes each point's ratio t, and whether the ratio falls in it."""
        if len(self.tables) == 1:  # a line: one product and one difference for all values
            flat = self.n1 == 0
            slope = np.where(flat, 1e-300, self.n1)
            return t * (self.d0 / slope) - (self.n0 / slope - flat), slope < 0
        slope, rest = self.n1 - t * self.d1, t * self.d0 - self.n0
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(slope == 0, np.where(rest >= 0, np.inf, -np.inf), rest / slope), slope < 0

    def quantiles(self, wanted: Array, mean: float) -> Array:
        """Logits of the quantiles at levels with some logits: on a grid, and close to where a line through it has them."""
        rows = np.arange(wanted.size)
        for few in (self._few, self)[self._few is self :]:
            grid, levels = few._grid(wanted.min(), wanted.max(), mean)
            place = np.clip(np.searchsorted(levels, wanted) - 1, 0, grid.size - 2)
            low, high, below, above = grid[place], grid[place + 1], levels[place], levels[place + 1]
            close = np.clip(_share(wanted, below, above)[:, None] + _CLOSE * np.array([-1, 0, 1]), 0, 1)
            cells = low[:, None] + (high - low)[:, None] * close
            values = np.maximum.accumulate(self._logits(cells.ravel()).reshape(cells.shape), axis=1)
            steps, rises = np.diff(cells, axis=1), np.diff(values, axis=1)
            smooth = np.abs(steps[:, 0] * rises[:, 1] - steps[:, 1] * rises[:, 0]) < _BENT * steps[:, 0] * rises[:, 1]
            if np.all(smooth & (values[:, 0] < wanted) & (wanted <= values[:, 2])):
                return _between(wanted, values, cells)
        for _ in range(_ROUNDS):  # the line leads astray: even cuts
            cells = np.linspace(low, high, 5, axis=1)
            inside = self._logits(cells[:, 1:-1].ravel()).reshape(rows.size, 3)
            values = np.maximum.accumulate(np.concatenate([below[:, None], inside, above[:, None]], axis=1), axis=1)
            place = np.clip((values < wanted[:, None]).sum(axis=1) - 1, 0, 3)
            low, high, below, above = (one[rows, place + more] for one in (cells, values) for more in (0, 1))
        return np.asarray(low + _share(wanted, below, above) * (high - low))

    @property
    def _few(self) -> Inner:
        """One in several of many points, evenly over where they cut the integrated risk, to look about with; all of few."""
        if self.weights.size <= _FEW:
            return self
        kept = slice(None, None, 2 * self.weights.size // _FEW)
        tables = tuple(
            one if len(one.value) == 1 else Integral(one.value[kept], one.slope[kept]) for one in self.tables
        )
        n0, n1, d0, d1, weights = (one[kept] for one in (self.n0, self.n1, self.d0, self.d1, self.weights))
        return self._replace(n0=n0, n1=n1, d0=d0, d1=d1, weights=weights / weights.sum(), tables=tables)

    def reach(self, mean: float) -> Array:
        """Logits of risks, even, between which nearly all of it lies."""
        ends = inner_logit([1e-6, 1 - 1e-6])
        grid, levels = self._few._grid(ends[0], ends[1], mean)
        first, last = np.clip(np.interp(ends, levels, grid), -28.0, 28.0) + np.array([-0.5, 0.5])
        return np.linspace(first, last, _TABLE)

    def _grid(self, least: float, most: float, mean: float) -> tuple[Array, Array]:
        """Logits of risks about a mean, and of the levels at them, rising, that reach from one level to another."""
        mean = min(max(mean, 1e-12), 1 - 1e-12)
        step = _REACH / _STEPS * min(max(self._deviation(_ABOUT) / (mean * (1 - mean)), 0.05), 2.0)
        grid = logit(mean) + step * np.arange(-_STEPS, _STEPS + 1)
        levels = self._logits(grid)
        further = step * np.cumsum(2.0 ** np.arange(1, _FURTHER + 1))
        # A risk nearer 0 or 1 than 4e-18 is 0 or 1.
        while levels[0] > least and grid[0] > -40:
            more = np.maximum(grid[0] - further[::-1], -40.0)
            grid, levels = np.concatenate([more, grid]), np.concatenate([self._logits(more), levels])
        while levels[-1] < most and grid[-1] < 40:
            more = np.minimum(grid[-1] + further, 40.0)
            grid, levels = np.concatenate([grid, more]), np.concatenate([levels, self._logits(more)])
        return grid, np.maximum.accumulate(levels)

    def _logits(self, at: Array) -> Array:
        """Logits of the probability of a risk below those with some logits."""
        return inner_logit(self.below(sigmoid(at)))


def _share(wanted: Array, below: Array, above: Array) -> Array:
    """How far from one value to another some lie."""
    return np.clip((wanted - below) / np.where(above > below, above - below, 1.0), 0.0, 1.0)


def _between(wanted: Array, values: Array, at: Array) -> Array:
    """Where the parabola through three points, rising throughout, has some values."""
    slopes = np.diff(at, axis=1) / np.diff(values, axis=1)
    along = wanted - values[:, 0]
    bend = (slopes[:, 1] - slopes[:, 0]) / (values[:, 2] - values[:, 0])
    return np.asarray(at[:, 0] + along * (slopes[:, 0] + bend * (wanted - values[:, 1])))


@cache
def nodes(dimensions: int, most: int) -> tuple[Array, Array]:
    """Logits of the levels of some risks, of shape (dimensions, points), and the points' weights, which sum to one."""
    if dimensions == 0:
        return np.empty((0, 1)), np.ones(1)
    if dimensions not in SPACING:
        return inner_logit(kronecker(dimensions, most)), np.full(most, 1 / most)
    basis = np.vander(_ROOTS[dimensions], increasing=True)
    basis = basis * SPACING[dimensions] / abs(np.linalg.det(basis)) ** (1 / dimensions)
    count = int(FARTHEST_NODE * np.abs(np.linalg.inv(basis)).sum(axis=1).max())
    steps = np.arange(-count, count + 1.0)
    logits = basis @ np.stack([one.ravel() for one in np.meshgrid(*[steps] * dimensions)])
    logits = logits[:, (np.abs(logits) <= FARTHEST_NODE).all(axis=0)]
    weights = np.prod(sigmoid(logits) * sigmoid(-logits), axis=0)
    weights /= weights.sum()
    order = np.argsort(weights)
    heavy = np.sort(order[np.searchsorted(np.cumsum(weights[order]), LIGHT) :])
    return logits[:, heavy], weights[heavy] / weights[heavy].sum()


def inner_logit(level: ArrayLike) -> Array:
    """Logit of a level that rounding may have brought to 0 or 1."""
    return logit(np.clip(level, 1e-15, 1 - 1e-15))
