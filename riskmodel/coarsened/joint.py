r"""All of a tree's counts together: each branch's own, and counts of coarser groups read through the tree.

How the fetuses of a coarser count divided over the branches is not reported, but there are finitely many ways. Given one of
them the branches are independent, each fitted to its cells, and the probability of its cells is a product over branches.
The joint posterior is therefore a finite mixture:

.. math:: p(h \mid \text{all}) \propto \prod_e p_e(h_e) \sum_d \prod_e L_e(\text{cells}_e(d) \mid h_e)

where h_e are the hyperparameters of branch e and d runs over the ways to divide. Where they can be listed its means are
exact; otherwise some ways are drawn and weighted (`riskmodel.coarsened.drawn`), the same ones for every question, so that
total probability holds exactly all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, kept, once
from riskmodel.coarsened.divisions import Divisions, listed
from riskmodel.coarsened.drawn import Drawn, drawn
from riskmodel.coarsened.nodes import (
    alike,
    new_setting_densities,
    nodes_of,
    of_average,
    point_nodes,
    reweighted,
    thinned,
)
from riskmodel.coarsened.points import EACH, Tallied, levels_at, risks_at, risks_given
from riskmodel.coarsened.read_coarse import Coarse, work
from riskmodel.distributions.base import DeferredDistribution, Distribution
from riskmodel.distributions.diagram import Node, cancel, edges_of, evaluate
from riskmodel.distributions.propagated import Propagated, propagate, shared
from riskmodel.distributions.special import sigmoid
from riskmodel.distributions.ties import TILT_LOGITS, Ties, Tilt
from riskmodel.errors import AccuracyError
from riskmodel.posterior import Posterior

Array = NDArray[np.float64]

#: Drawn ways that count, of all: with fewer the classes do not tell where the posterior is.
TOO_FEW = 0.01
#: The same of ways that were drawn for something else: below it they are drawn afresh.
ENOUGH = 0.1
#: Blocks of the drawn ways, each evenly spread by itself, whose differences tell the error of them all.
_BLOCKS = 8


class Fits(Protocol):
    """The branches, each fitted to its own counts."""

    def posterior(self, edge: int, more: tuple[tuple[str, int, int], ...] = ()) -> Posterior:
        """What a branch's own counts say of it, and more cells of it: source, hits, entered."""


@dataclass(frozen=True, eq=False, repr=False)
class Joint(Value):
    """Posterior of the branches given every count."""

    fits: Fits
    rows: tuple[Coarse, ...]  # the coarse counts
    near: Drawn | None = None  # ways that were drawn for much the same, to be weighted anew where that does

    @kept
    def _divided(self) -> tuple[Coarse, ...]:
        """Counts that speak of several branches, or of fetuses of whom the same series reports more."""
        return tuple(row for row in self.rows if row.cell is None)

    def own(self, edge: int) -> Posterior:
        """What a branch's own counts say of it, those of coarser groups that are cells of it alone among them."""
        cells = ((row.row.source, *row.cell) for row in self.rows if row.cell is not None and row.node.edge == edge)
        found = self.fits.posterior(edge, tuple(cells))
        if self._listed is None and edge in self._tied_together:
            # A prior without counts is on few columns already.
            return once(self, ("own", edge), lambda: thinned(found, columns=2 if found.events.size else 1))
        return found

    @kept
    def _tied_together(self) -> frozenset[int]:
        return frozenset().union(*(edges_of(row.node) for row in self._divided))

    @kept
    def _listed(self) -> Divisions | None:
        known_to_be_too_many = self.near is not None and self.near.rows == self._divided
        return None if known_to_be_too_many else listed(self._divided)

    @kept
    def _divisions(self) -> Divisions:
        if self._listed is not None:
            return self._listed
        again = self.near.among(self._divided) if self.near is not None else None
        if again is not None and effective(_weights(again, self.own)) >= ENOUGH:
            return again
        return drawn(self._divided, {edge: nodes_of(self.own(edge)) for edge in self._tied_together})

    @property
    def divisions(self) -> Divisions:
        """The ways to divide that are in the mixture."""
        return self._divisions

    @property
    def drawn(self) -> Drawn | None:
        """The ways that were drawn; None where all are listed."""
        return self._divisions if isinstance(self._divisions, Drawn) else None

    @property
    def ways(self) -> int:
        """How many ways to divide are in the mixture."""
        return self._divisions.size

    @property
    def exact(self) -> bool:
        """Whether every way to divide is listed, so that means are exact."""
        return self._divisions.log_chance is None

    @property
    def terms(self) -> float:
        """Terms of the sums by which ways are drawn, for each combination of classes."""
        return sum(work(row.node, row.row.events, row.row.total - row.row.events) for row in self._divided)

    @kept
    def involved(self) -> frozenset[int]:
        """Branches of which coarse counts speak."""
        return frozenset().union(*(edges_of(coarse.node) for coarse in self.rows))

    @kept
    def tied(self) -> frozenset[int]:
        """Branches whose posteriors depend on each other."""
        return frozenset(edge for edge in self._divisions.edges if self._divisions.several(edge))

    def sources(self, edge: int) -> list[str]:
        """Sources of the coarse counts that speak of a branch."""
        return [coarse.row.source for coarse in self.rows if edge in edges_of(coarse.node)]

    def ties(self, edges: frozenset[int], *, average: bool) -> Ties | None:
        """How some branches go together over the ways to divide; None where they are independent."""
        tied = sorted(edges & self.tied)
        if not tied:
            return None
        sets = {edge: self._divisions.sets(edge) for edge in tied}
        return Ties(self.weights, sets, {edge: self._tilt(edge, average) for edge in tied})

    def at_points(self, edge: int, average: bool) -> Array:
        """A tied branch's risk at points of the joint posterior, of shape (ways, points of each)."""

        def risks() -> Array:
            margin = self.posterior(edge)
            chosen = margin.average if average else margin.next_setting
            return risks_given(self._levels[edge], chosen, self._tilt(edge, average), self._divisions.sets(edge))

        return once(self, ("points", edge, average), risks)

    @kept
    def _levels(self) -> dict[int, Array]:
        """Levels of each tied branch at the points, of shape (ways, points of each)."""
        edges = sorted(self.tied)
        return dict(zip(edges, levels_at(len(edges), self.ways, seed=1), strict=True))

    def _tilt(self, edge: int, average: bool) -> Tilt:
        """What a branch is under each set of cells that the ways put on it, beside its margin."""

        def tilt() -> Tilt:
            own, margin = self.own(edge), self.posterior(edge)
            risk = (margin.average if average else margin.next_setting).quick_ppf(sigmoid(TILT_LOGITS))
            risk = np.clip(risk, 1e-280, 1 - 1e-15)
            if alike(own):
                density = self._divisions.likelihoods(edge, point_nodes(risk).divided)
            elif average:
                nodes, rows = of_average(own, risk)
                parts = self._divisions.by_sets(edge, nodes.divided)
                density = np.concatenate(
                    [np.einsum("srv,rv->sv", part.reshape(-1, *rows.shape), rows) for _, part in parts]
                )
            else:
                nodes = nodes_of(own).heavy
                at_nodes = new_setting_densities(nodes, risk)
                density = np.concatenate([part @ at_nodes for _, part in self._divisions.by_sets(edge, nodes.divided)])
            probability, means = self._part(edge)
            density = density / np.where(probability > 0, probability, 1.0)[:, None]
            share = np.bincount(self._divisions.sets(edge), self.weights)
            return Tilt(density / np.maximum(share @ density, 1e-300), means)

        return once(self, ("tilt", edge, average), tilt)

    def check(self) -> None:
        """Refuse now, not when a number is printed."""
        self.weights  # noqa: B018

    def _part(self, edge: int) -> tuple[Array, Array]:
        """Probability of each set of cells of a branch, and the branch's mean with it, of shape (sets,)."""
        return _part(self._divisions, edge, self.own(edge))

    @property
    def weights(self) -> Array:
        """Posterior probability of each way, of shape (ways,)."""
        share = self._share
        if share <= (0.0 if self.exact else TOO_FEW):
            first, *others = dict.fromkeys(coarse.row.source for coarse in self.rows)
            names = ", ".join([first, *others[:4]]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
            what = f"the coarser counts of {names} contradict the branches' own counts"
            if share > 0:
                what = f"of the ways in which the fetuses of {names} can have divided {share:.1%} of those drawn count"
                what += f", less than {TOO_FEW:.0%}: these counts are many, or contradict the branches' own"
            raise AccuracyError(what, remedy="Read direct and indirect apart, and ask why the series differ")
        return self._weights

    @kept
    def _weights(self) -> Array:
        """The same, of counts that contradict each other too; zeros where no way can be."""
        return _weights(self._divisions, self.own)

    @kept
    def _share(self) -> float:
        return effective(self._weights)

    @property
    def effective_share(self) -> float:
        """Effective share of the drawn ways; 1 where all are listed."""
        self.check()
        return 1.0 if self.exact else self._share

    def posterior(self, edge: int) -> Posterior:
        """Posterior of a branch given its own counts and the coarse ones."""
        own = self.own(edge)
        if edge not in self._divisions.edges:
            return own

        def margin() -> Posterior:
            probability, _ = self._part(edge)
            share = np.bincount(self._divisions.sets(edge), self.weights, minlength=probability.size)
            factors = np.where(share > 0, share / np.where(probability > 0, probability, 1.0), 0.0)
            parts = self._divisions.by_sets(edge, nodes_of(own).divided)
            ratio = sum((factors[some] @ part for some, part in parts), np.zeros(1))
            return reweighted(own, ratio, self._divisions.totals(edge, self.weights))

        return once(self, ("margin", edge), margin)

    def averages(self, *nodes: Node) -> dict[int, Array]:
        """Each involved branch's average in each way."""
        return {edge: self._average(edge) for edge in frozenset().union(*map(edges_of, nodes)) & self.involved}

    def _average(self, edge: int) -> Array:
        def average() -> Array:
            if edge not in self._divisions.edges:
                return np.asarray(self.own(edge).average.mean)
            return self._part(edge)[1][self._divisions.sets(edge)]

        return once(self, ("average", edge), average)

    def expected(self, node: Node, others: Mapping[int, float]) -> float:
        """Mean of a diagram over the joint posterior."""
        return float((self.weights * evaluate(node, self.averages(node) | dict(others))).sum())

    def mean(self, numerator: Node, denominator: Node, others: Mapping[int, float]) -> float:
        """Ratio of the means of two diagrams over the joint posterior."""
        top, bottom = (self.expected(part, others) for part in (numerator, denominator))
        return top / bottom if bottom > 0 else float("nan")

    def error(self, numerator: Node, denominator: Node, others: Mapping[int, float]) -> float:
        """Standard error of `mean`: 0 where all ways are listed, otherwise by the differences between blocks of them.

        Owen AB. Monte Carlo theory, methods and examples (2013), section 17.3: the variance over randomisations.
        """
        if self.exact:
            return 0.0
        values = self.averages(numerator, denominator) | dict(others)
        top, bottom = (
            np.broadcast_to(self.weights * evaluate(part, values), self.weights.shape).reshape(_BLOCKS, -1).sum(axis=1)
            for part in (numerator, denominator)
        )
        return float((top / bottom).std(ddof=1) / np.sqrt(_BLOCKS))


@dataclass(frozen=True, eq=False, repr=False)
class Tied(DeferredDistribution):
    """A ratio of diagrams over the joint posterior: over each way in which the fetuses can have divided.

    Nothing is worked out until more than the mean is asked for.
    """

    joint: Joint  # whose ways tie the branches
    #: numerator, denominator: diagrams of the ratio. A factor that is tied to the rest is not cancelled: what is
    #: known also tells which ways it came from.
    numerator: Node
    denominator: Node
    others: Mapping[int, Distribution]  # risks of the branches that are not tied
    average: bool  # whether the branches' averages are meant, not the risk in a new setting

    @kept
    def mean(self) -> float:
        """The probability for the next fetus."""
        return self.joint.mean(self.numerator, self.denominator, self._other_means)

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.joint.error(self.numerator, self.denominator, self._other_means)

    @property
    def _other_means(self) -> dict[int, float]:
        return {edge: risk.mean for edge, risk in self.others.items() if edge not in self.joint.involved}

    @kept
    def made(self) -> Distribution:
        """The ratio, worked out: a common factor tells only which ways what is known came from."""
        joint = self.joint
        top, bottom = cancel(self.numerator, self.denominator)
        means = joint.averages(self.numerator, self.denominator) | self._other_means
        factors = np.asarray(evaluate(self.denominator, means) / evaluate(bottom, means))
        known = bool(np.ptp(factors) > 0)
        edges = edges_of(top) | edges_of(bottom)
        one = len(edges) == 1 and edges <= joint.tied
        if not joint.exact and (known or not one):
            return self._at_points(top, bottom, joint.weights * factors)
        ties = joint.ties(edges_of(self.numerator) | edges_of(self.denominator), average=self.average)
        if ties is not None:
            ties = ties.weighted(factors)
        margins = {edge: joint.posterior(edge) for edge in edges if edge not in self.others}
        risks = {edge: margin.average if self.average else margin.next_setting for edge, margin in margins.items()}
        risks |= {edge: one for edge, one in self.others.items() if edge in edges}
        if known and one:  # in the ways that what is known tells, no longer its margin
            return shared(Propagated(top, bottom, risks, ties))
        return propagate(top, bottom, risks, ties)

    def _at_points(self, top: Node, bottom: Node, ways: Array) -> Tallied:
        """The ratio at the points of the joint posterior, where the ways have some weights."""
        edges = sorted(edges_of(top) | edges_of(bottom))
        risks = {edge: self.joint.at_points(edge, self.average) for edge in edges if edge in self.joint.tied}
        others = [edge for edge in edges if edge not in risks]
        if others:
            levels = levels_at(len(others), ways.size, seed=2)
            risks |= {edge: risks_at(at, self.others[edge]) for edge, at in zip(others, levels, strict=True)}
        above, below = (np.broadcast_to(evaluate(part, risks), (ways.size, EACH)) for part in (top, bottom))
        return Tallied.of(above, below, ways[:, None] * below)


def _part(divisions: Divisions, edge: int, own: Posterior) -> tuple[Array, Array]:
    """Probability of each set of cells that ways put on a branch, and the branch's mean with it, of shape (sets,)."""

    def part() -> tuple[Array, Array]:
        nodes = nodes_of(own)
        columns = np.stack([nodes.weights, nodes.weights * nodes.mean], axis=1)
        zeroth, first = np.concatenate([part @ columns for _, part in divisions.by_sets(edge, nodes.divided)]).T
        return zeroth, first / np.where(zeroth > 0, zeroth, 1.0)

    return once(divisions, ("part", edge, own), part)


def _weights(divisions: Divisions, own: Callable[[int], Posterior]) -> Array:
    """Posterior probability of each way, of shape (ways,), where each branch's own counts say so much; zeros where none."""
    logs = np.zeros(divisions.size)
    with np.errstate(divide="ignore"):
        for edge in divisions.edges:
            # A branch that all ways treat alike does not tell them apart.
            if divisions.several(edge):
                logs = logs + np.log(_part(divisions, edge, own(edge))[0])[divisions.sets(edge)]
    chance = divisions.log_chance
    if chance is not None:
        logs = np.where(np.isfinite(chance), logs, -np.inf) - np.where(np.isfinite(chance), chance, 0.0)
    weights = np.exp(logs - logs.max()) if logs.size and np.isfinite(logs.max()) else np.zeros(logs.size)
    return np.asarray(weights / (weights.sum() or 1.0))


def effective(weights: Array) -> float:
    """Effective share of weighted points; 0 where none has a weight.

    Kong A, Liu JS, Wong WH. JASA 1994;89:278-288, section 4.1.
    """
    squares = float((weights**2).sum())
    return 1.0 / (weights.size * squares) if squares > 0 else 0.0
