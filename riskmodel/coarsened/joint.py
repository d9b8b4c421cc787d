r"""All of a tree's counts together: each branch's own, and counts of coarser groups read through the tree.

How the fetuses of a coarser count divided over the branches is not reported, but there are finitely many ways. Given one of
them the branches are independent, each fitted to its cells, and the probability of its cells is a product over branches.
The joint posterior is therefore a finite mixture, and its means are exact:

.. math:: p(h \mid \text{all}) \propto \prod_e p_e(h_e) \sum_d \prod_e L_e(\text{cells}_e(d) \mid h_e)

where h_e are the hyperparameters of branch e and d runs over the ways to divide. Only the joint distribution of several
branches is drawn from, at fixed points of the branches' exact margins, each weighted by the ratio of the joint density to
the product of the margins. Counts that can have divided in too many ways to list enter by the same weights instead, with
their own risks still summed out exactly (`riskmodel.coarsened.counts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, kept, once
from riskmodel.coarsened.allocations import Divisions, divide
from riskmodel.coarsened.counts import Divided, likelihood
from riskmodel.coarsened.nodes import (
    alike,
    at_levels,
    new_setting_densities,
    nodes_of,
    of_average,
    point_nodes,
    reweighted,
)
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import Node, edges_of, evaluate
from riskmodel.distributions.points import kronecker
from riskmodel.distributions.special import sigmoid
from riskmodel.distributions.ties import TILT_LOGITS, Ties, Tilt
from riskmodel.errors import AccuracyError
from riskmodel.posterior import Posterior

Array = NDArray[np.float64]

#: Fixed points of the joint distribution of several branches.
POINTS = 2048
#: Effective points that are enough: a mean is then good to a twentieth of its standard deviation. With fewer, more points
#: are taken, up to this many times as many.
ENOUGH = 400.0
MOST_BLOCKS = 16
#: Effective share below which the answer is refused whatever the number of points: the counts contradict each other.
TOO_FEW = 0.01
#: Settings that are drawn for each point of the hyperparameters.
_REPEATS = 2
#: Blocks of the sequence of points, each a shifted sequence of its own, whose spread tells the error of them all.
_BLOCKS = 8


class Fits(Protocol):
    """The branches, each fitted to its own counts."""

    def posterior(self, edge: int) -> Posterior:
        """What a branch's own counts say of it."""


@dataclass(frozen=True, eq=False)
class Joint(Value):
    """Posterior of the branches given every count."""

    fits: Fits
    rows: tuple[Coarse, ...]  # the coarse counts

    @kept
    def _divided(self) -> tuple[Divisions, tuple[Coarse, ...]]:
        return divide(self.rows)

    @property
    def _listed(self) -> Divisions:
        return self._divided[0]

    @property
    def summed(self) -> tuple[Coarse, ...]:
        """Counts that can have divided in too many ways to list."""
        return self._divided[1]

    @property
    def ways(self) -> int:
        """In how many ways the listed counts can have divided together."""
        return self._listed.size

    @property
    def exact(self) -> bool:
        """Whether every way to divide is listed, so that means are exact."""
        return not self.summed

    @kept
    def involved(self) -> frozenset[int]:
        """Branches of which coarse counts speak."""
        return frozenset().union(*(edges_of(coarse.node) for coarse in self.rows))

    @kept
    def tied(self) -> frozenset[int]:
        """Branches whose posteriors depend on each other."""
        several = frozenset(edge for edge in self._listed.edges if self._listed.several(edge))
        return several.union(*(edges_of(coarse.node) for coarse in self.summed))

    def sources(self, edge: int) -> list[str]:
        """Sources of the coarse counts that speak of a branch."""
        return [coarse.row.source for coarse in self.rows if edge in edges_of(coarse.node)]

    def ties(self, edges: frozenset[int], *, average: bool) -> Ties | None:
        """How some branches go together over the ways to divide; None where they are independent."""
        tied = sorted(edges & self.tied)
        if not tied:
            return None
        sets = {edge: np.unique(self._listed.sets(edge), return_inverse=True)[1] for edge in tied}
        return Ties(self._weights, sets, {edge: self._tilt(edge, average) for edge in tied})

    def _tilt(self, edge: int, average: bool) -> Tilt:
        """What a branch is under each set of cells that the ways put on it, beside its margin."""

        def tilt() -> Tilt:
            own, margin = self.fits.posterior(edge), self.posterior(edge)
            sets, place = np.unique(self._listed.sets(edge), return_inverse=True)
            risk = (margin.average if average else margin.next_setting).quick_ppf(sigmoid(TILT_LOGITS))
            risk = np.clip(risk, 1e-280, 1 - 1e-15)
            if alike(own):
                density = self._listed.likelihoods(edge, point_nodes(risk).divided, sets)
            elif average:
                nodes, rows = of_average(own, risk)
                factors = self._listed.likelihoods(edge, nodes.divided, sets)
                density = (factors.reshape(len(sets), *rows.shape) * rows).sum(axis=1)
            else:
                nodes = nodes_of(own).heavy
                density = new_setting_densities(nodes, self._listed.likelihoods(edge, nodes.divided, sets), risk)
            probability, means = (one[sets] for one in self._part(edge))
            density = density / np.where(probability > 0, probability, 1.0)[:, None]
            share = np.bincount(place, self._weights)
            return Tilt(density / np.maximum(share @ density, 1e-300), means)

        return once(self, ("tilt", edge, average), tilt)

    def check(self) -> None:
        """Refuse now, not when a number is printed."""
        if self.summed:
            self.points  # noqa: B018

    # ------------------------------------------------------------ the mixture over ways to divide

    def _part(self, edge: int) -> tuple[Array, Array]:
        """Probability of each set of cells of a branch, and the branch's mean with it, of shape (sets,)."""

        def part() -> tuple[Array, Array]:
            nodes = nodes_of(self.fits.posterior(edge))
            columns = np.array([nodes.weights, nodes.weights * nodes.mean])
            zeroth, first = self._listed.summed(edge, nodes.divided, columns)
            return zeroth, first / np.where(zeroth > 0, zeroth, 1.0)

        return once(self, ("part", edge), part)

    @kept
    def _weights(self) -> Array:
        """Posterior probability of each way, of shape (ways,)."""
        weights = np.ones(self.ways)
        for edge in self._listed.edges:
            # A branch that all ways treat alike does not tell them apart.
            if self._listed.several(edge):
                weights = weights * self._part(edge)[0][self._listed.sets(edge)]
        if not weights.sum() > 0:
            raise AccuracyError(
                f"the coarser counts of {self._names} cannot be by the branches' own counts",
                where="joint",
                remedy="Read direct and indirect apart, and ask why the series differ",
            )
        return weights / weights.sum()

    def _factors(self, edge: int) -> Array:
        """What multiplies each set of cells of a branch in its margin, of shape (sets,)."""
        probability, _ = self._part(edge)
        share = np.bincount(self._listed.sets(edge), self._weights, minlength=probability.size)
        return np.where(share > 0, share / np.where(probability > 0, probability, 1.0), 0.0)

    @property
    def _names(self) -> str:
        return ", ".join(coarse.row.source for coarse in self.rows)

    def posterior(self, edge: int) -> Posterior:
        """Posterior of a branch given its own counts and the coarse ones whose ways are listed."""
        own = self.fits.posterior(edge)
        if edge not in self._listed.edges:
            return own

        def margin() -> Posterior:
            ratio = self._listed.density(edge, nodes_of(own).divided, self._factors(edge))
            return reweighted(own, ratio, self._listed.totals(edge, self._weights))

        return once(self, ("margin", edge), margin)

    # ------------------------------------------------------------ points of several branches at once

    @kept
    def points(self) -> tuple[dict[int, tuple[Array, Array]], Array]:
        """Shape parameters of the tied branches at some points, and the points' weights, which sum to one."""
        best = self._weighted(POINTS)
        more = int(np.ceil(1.2 * ENOUGH / max(effective(best[1]) * POINTS, 1.0)))
        if more > 1:
            best = self._weighted(min(more, MOST_BLOCKS) * POINTS)
        if self.summed and effective(best[1]) < TOO_FEW:
            raise AccuracyError(
                f"only {effective(best[1]):.1%} of the points carry weight: the coarser counts of {self._names} contradict "
                "the branches",
                where="joint",
                remedy="Read direct and indirect apart, and ask why the series differ",
            )
        return best

    @property
    def effective_share(self) -> float:
        """Effective share of the points; 1 where no branch is tied to another."""
        return effective(self.points[1]) if self.tied else 1.0

    def _weighted(self, size: int) -> tuple[dict[int, tuple[Array, Array]], Array]:
        """Points of the tied branches' margins, weighted by joint density over the product of the margins."""
        edges = sorted(self.tied)
        levels = kronecker(len(edges), size)
        shapes: dict[int, tuple[Array, Array]] = {}
        log_weights = np.zeros(size)
        # A branch that no way of dividing touches differently multiplies all points alike.
        same = (np.ones(size), np.ones(size))
        parts: dict[tuple[int, tuple[int, int]], Divided] = {}

        def divided(edge: int, own: tuple[int, int]) -> Divided:
            return parts.setdefault((edge, own), Divided(*shapes.get(edge, same), own))

        with np.errstate(divide="ignore"):
            for edge, level in zip(edges, levels, strict=True):
                shapes[edge] = at_levels(self.posterior(edge), level)
                if edge in self._listed.edges:
                    log_weights -= np.log(self._listed.density(edge, partial(divided, edge), self._factors(edge)))
            for coarse in self.rows:
                of_row = {edge: divided(edge, coarse.known.get(edge, (0, 0))) for edge in edges_of(coarse.node)}
                log_weights += np.log(likelihood(of_row, coarse.node, coarse.row.events, coarse.row.total))
        top = log_weights.max()
        if not np.isfinite(top):
            # All underflow: one point alone, so that the answer is refused for its effective share.
            return shapes, np.eye(1, size)[0]
        weights = np.exp(log_weights - top)
        return shapes, weights / weights.sum()

    @kept
    def settings(self) -> dict[int, Array]:
        """Risks of the tied branches in new settings, `_REPEATS` at each point."""
        rng = np.random.default_rng(20261123)
        return {
            edge: rng.beta(np.maximum(np.tile(a, _REPEATS), 1e-12), np.maximum(np.tile(b, _REPEATS), 1e-12))
            for edge, (a, b) in self.points[0].items()
        }

    def _averages(self, *nodes: Node) -> tuple[Array, dict[int, Array]]:
        """Weights of the ways, or of the points where there are too many ways; each involved branch's average there."""
        edges = frozenset().union(*map(edges_of, nodes)) & self.involved
        if self.exact:
            return self._weights, {edge: self._part(edge)[1][self._listed.sets(edge)] for edge in edges}
        shapes, weights = self.points
        values: dict[int, Array] = {}
        for edge in edges:
            if edge in shapes:
                a, b = shapes[edge]
                values[edge] = a / (a + b)
            else:  # tied to nothing: one value
                values[edge] = np.asarray(self.posterior(edge).average.mean)
        return weights, values

    def mean(self, numerator: Node, denominator: Node, others: Mapping[int, float]) -> float:
        """Ratio of the means of two diagrams over the joint posterior."""
        weights, means = self._averages(numerator, denominator)
        values = means | dict(others)
        top, bottom = (float((weights * evaluate(part, values)).sum()) for part in (numerator, denominator))
        return top / bottom if bottom > 0 else float("nan")

    def spread(self, numerator: Node, denominator: Node, others: Mapping[int, float]) -> float:
        """Standard error of `mean` by the spread over blocks of the points, each a shifted sequence.

        Owen AB. Monte Carlo theory, methods and examples (2013), section 17.3: the variance over randomisations.
        """
        if self.exact:
            return 0.0
        weights, values = self._averages(numerator, denominator)
        top, bottom = (
            np.broadcast_to(weights * evaluate(part, values | dict(others)), weights.shape)
            for part in (numerator, denominator)
        )
        means = top.reshape(_BLOCKS, -1).sum(axis=1) / bottom.reshape(_BLOCKS, -1).sum(axis=1)
        return float(means.std(ddof=1) / np.sqrt(_BLOCKS))


def effective(weights: Array) -> float:
    """Effective share of weighted points.

    Kong A, Liu JS, Wong WH. JASA 1994;89:278-288, section 4.1.
    """
    return float(1.0 / (weights.size * (weights**2).sum()))
