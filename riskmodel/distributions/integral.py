"""Integrals over one risk up to a level, and nodes that integrate over several."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel.distributions.points import kronecker
from riskmodel.distributions.special import logit, sigmoid
from riskmodel.distributions.ties import FINE, TILT_LOGITS, TILT_STEP, Places

Array = NDArray[np.float64]

#: Spacing of the nodes, in logits of a level, by how many risks are not integrated in closed form. An end of a 95 %
#: interval is then good to 5e-4 (the worst on the shipped trees against two million draws, 2026-11). More risks than three
#: run through fixed points that fill the cube, more of them where what is known may be rare: good to 0.001.
SPACING = {1: 0.25, 2: 0.75, 3: 1.5}
#: Points that together hold less are left out.
LIGHT = 2e-5
FARTHEST_NODE = 12.0
POINTS, RARE_POINTS = 2048, 8192
#: Logits of the levels at which the integrated risk is tabulated: those at which a tilt is known.
LEVELS = 1 + FINE * (TILT_LOGITS.size - 1)
LOGITS = np.linspace(TILT_LOGITS[0], TILT_LOGITS[-1], LEVELS)


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
    def whole(self) -> Array:
        """Over all levels, of shape (points,) or (1,)."""
        return self.value[:, -1]

    def over(self, divisor: Array) -> Integral:
        """Divided by a number for each point."""
        return Integral(self.value / divisor[:, None], self.slope / divisor[:, None])

    @property
    def fine(self) -> Array:
        """At all levels of `LOGITS`, of shape (points, levels)."""
        place = np.minimum(np.arange(LEVELS) // FINE, TILT_LOGITS.size - 2)[:, None]
        return self.at(place, np.arange(LEVELS)[:, None] / FINE - place).T

    def at(self, place: Places, along: Array) -> Array:
        """Between levels the cubic that has the slopes; `place` and `along` have shape (values, points)."""
        first = place + np.arange(len(self.value)) * self.value.shape[1]  # where tables are written one after another
        second, rest = first + 1, 1 - along
        left, right = self.value.take(first), self.value.take(second)
        bend = TILT_STEP * (self.slope.take(first) * rest - self.slope.take(second) * along)
        return np.asarray(left + along * along * (3 - 2 * along) * (right - left) + along * rest * bend)


class Inner(NamedTuple):
    """The ratio as (n0 + n1 p) / (d0 + d1 p) in the risk p that is integrated, at the points of the others."""

    n0: Array  # n0, n1, d0, d1: of shape (points,)
    n1: Array
    d0: Array
    d1: Array
    weights: Array  # of the points, summing to one
    risk: Array  # values of p at many levels
    below: Integral  # probability of p up to a level, at each point
    partial: Integral  # integral of p
    squared: Array  # integral of p squared over all levels, of shape (points,)
    ways: Array  # weights of the points in each way, of shape (ways, points)
    sets: Places  # which set of counts speaks of p in each way
    by_set: tuple[Integral, Integral]  # below and partial under each set


@cache
def nodes(dimensions: int, most: int) -> tuple[Array, Array]:
    """Logits of the levels of some risks, of shape (dimensions, points), and the points' weights, which sum to one."""
    if dimensions == 0:
        return np.empty((0, 1)), np.ones(1)
    if dimensions not in SPACING:
        return inner_logit(kronecker(dimensions, most)), np.full(most, 1 / most)
    count = int(FARTHEST_NODE / SPACING[dimensions])
    at = np.arange(-count, count + 1) * SPACING[dimensions]
    weight = sigmoid(at) * sigmoid(-at)
    logits = np.stack([one.ravel() for one in np.meshgrid(*[at] * dimensions, indexing="ij")])
    weights = np.prod([one.ravel() for one in np.meshgrid(*[weight] * dimensions, indexing="ij")], axis=0)
    weights /= weights.sum()
    order = np.argsort(weights)
    heavy = np.sort(order[np.searchsorted(np.cumsum(weights[order]), LIGHT) :])
    return logits[:, heavy], weights[heavy] / weights[heavy].sum()


def inner_logit(level: ArrayLike) -> Array:
    """Logit of a level that rounding may have brought to 0 or 1."""
    return logit(np.clip(level, 1e-15, 1 - 1e-15))
