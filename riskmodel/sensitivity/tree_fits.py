"""Many fits of a tree's question: each branch on its shared nodes, joined as `riskmodel.coarsened.joint` joins exact fits.

Given one of the ways in which coarse counts can have divided, branches are independent, so a fit is a weight for each way
and, for each branch and each set of cells that ways put on it, a row of weights of its nodes. Means are sums over the ways.
Intervals are of the answer at points that fill the cube of way and branches evenly, each as heavy as it produces what is
known. Risks of one centre that go together have normal scores with one correlation, as in `within_centre`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from riskmodel._support.kept import Value, kept, once
from riskmodel.coarsened.divisions import Divisions
from riskmodel.coarsened.nodes import Nodes
from riskmodel.coarsened.questions import NotOnTreeError, diagram
from riskmodel.distributions.diagram import Branch, Node, cancel, edges_of, evaluate, restrict
from riskmodel.distributions.special import logit, sigmoid
from riskmodel.errors import AccuracyError
from riskmodel.evidence.finding import Outcome
from riskmodel.evidence.known import Known
from riskmodel.priors import HeterogeneityPrior, MuPrior
from riskmodel.sensitivity.shared_nodes import SharedNodes
from riskmodel.tree.answer import direct_rows, joint, numerator, unknown
from riskmodel.tree.branches import Rows
from riskmodel.tree.model import ProbabilityTree

Array = NDArray[np.float64]
Places = NDArray[np.int64]
Cell = tuple[int, int]

#: Points in the cube of way and branches: ends of intervals then agree with 131,072 to 0.002 in probability (2026-11).
POINTS = 2048
#: Sets of cells of one branch that have distribution functions of their own; with more it has that of all together, and an
#: interval no longer knows which branches go together over the ways. Means do.
MOST_SETS = 64
#: Share of the heaviest node's weight below which a node does not show.
_LIGHT = 1e-10
#: The place of a risk that series report directly, beside the branches.
DIRECT = -1


@dataclass(frozen=True)
class Prior:
    """Priors of one fit: of a risk that is reported directly, of each branch, and of the spread between settings."""

    direct: MuPrior
    branches: tuple[MuPrior, ...]
    heterogeneity: HeterogeneityPrior | None


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Value):
    """A question under some evidence and under one prior after another."""

    top: Node
    bottom: Node
    divisions: Divisions
    scores: Mapping[int, Array]  # by branch, logits of distribution functions, of shape (priors, sets or 1, levels)
    means: Mapping[int, Array]  # by branch, of shape (priors, sets)
    weights: Array  # of the ways, of shape (priors, ways)
    held: Mapping[int, float]  # branches with one value
    nodes: Mapping[int, SharedNodes]

    def sets(self, edge: int) -> Places:
        """Which set of cells each way puts on a branch, of shape (ways,)."""
        spoken = edge in self.divisions.cells
        return self.divisions.sets(edge) if spoken else np.zeros(self.divisions.size, np.int64)

    def _at_means(self, prior: int, *parts: Node) -> Iterator[Array]:
        """Values of diagrams at the branches' means, in each way."""
        risks: dict[int, Any] = {edge: means[prior][self.sets(edge)] for edge, means in self.means.items()}
        return (np.asarray(evaluate(part, {**self.held, **risks})) for part in parts)

    def mean(self, prior: int) -> float:
        """Probability for the next fetus."""
        upper, lower = ((self.weights[prior] * one).sum() for one in self._at_means(prior, self.top, self.bottom))
        return float(upper / lower)

    @kept
    def ratio(self) -> tuple[Node, Node]:
        """The answer without common factors: they only tell which ways what is known came from."""
        return cancel(self.top, self.bottom)

    def _told(self, prior: int) -> Array:
        """Weights of the ways after what is known."""
        whole, rest = self._at_means(prior, self.bottom, self.ratio[1])
        told = self.weights[prior] * whole / rest
        return np.asarray(told / told.sum())

    @kept
    def raises(self) -> dict[int, bool]:
        """Whether a larger risk of each branch raises the answer, the others at their means."""
        (top, bottom), middle = self.ratio, {**self.held, **{one: float(m[0].mean()) for one, m in self.means.items()}}

        def at(edge: int, value: float) -> float:
            below = evaluate(bottom, {**middle, edge: value})
            return float(evaluate(top, {**middle, edge: value}) / below) if below > 0 else 0.0

        edges = sorted((edges_of(top) | edges_of(bottom)) & self.means.keys())
        return {edge: at(edge, 1.0) >= at(edge, 0.0) for edge in edges}

    def logits(self, correlation: float) -> tuple[Array, Array]:
        """At the points, what chooses the way, and the logit of each branch's level, of shape (branches, points)."""

        def points() -> tuple[Array, Array]:
            uniform = _cube(len(self.raises) + 2)
            if not correlation:
                return uniform[0], logit(uniform[2:])
            signs = np.where(list(self.raises.values()), 1.0, -1.0)[:, None]
            own, common = math.sqrt(1 - correlation) * ndtri(uniform[2:]), math.sqrt(correlation) * ndtri(uniform[1])
            return uniform[0], _logits(ndtr(own + signs * common))

        return once(self, ("points", correlation), points)

    def summary(self, prior: int, correlation: float, probabilities: Sequence[float]) -> tuple[float, Array]:
        """Mean and quantiles over the points, with the branches' risks in one centre tied so much."""
        chosen, logits = self.logits(correlation)
        ways = np.searchsorted(np.cumsum(self._told(prior)), chosen).clip(0, self.divisions.size - 1)
        risks: dict[int, Any] = dict(self.held)
        for edge, level in zip(self.raises, logits, strict=True):
            sets, scores, nodes = self.sets(edge)[ways], self.scores[edge][prior], self.nodes[edge]
            if len(scores) == 1:
                risks[edge] = nodes.at(scores[0], level)
                continue
            risks[edge] = np.empty(POINTS)
            for one in np.unique(sets):
                held = sets == one
                risks[edge][held] = nodes.at(scores[one], level[held])
        above, below = (np.broadcast_to(evaluate(part, risks), (POINTS,)) for part in self.ratio)
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.where(below > 0, above / below, 0.0)
        order = np.argsort(value)
        share = np.cumsum(below[order]) - 0.5 * below[order]
        ends = sigmoid(np.interp(np.asarray(probabilities) * below.sum(), share, _logits(value[order])))
        return float(above.sum() / below.sum()), ends


@lru_cache(maxsize=16)
def _cube(dimensions: int) -> Array:
    """Sobol's points, scrambled: of shape (dimensions, points)."""
    from scipy.stats.qmc import Sobol

    raw = Sobol(dimensions, rng=np.random.default_rng(1)).random(POINTS)
    return np.asarray(np.clip(raw.T, 1e-9, 1 - 1e-9), np.float64)


def _logits(values: Array) -> Array:
    return logit(np.clip(values, 1e-15, 1 - 1e-15))


@dataclass(frozen=True)
class Fitter:
    """Fits of one question; what many fits share is worked out once."""

    outcome: Outcome
    known: Known
    priors: Sequence[Prior]
    _nodes: dict[int, SharedNodes] = field(default_factory=dict)
    _logs: dict[Any, Array] = field(default_factory=dict)

    def fit(self, tree: ProbabilityTree) -> Fit | str:
        """The question under a tree's evidence and every prior, or why it has no answer there."""
        finding, branches, asked = tree.evidence.finding, tree.fitted, self.outcome
        rows = direct_rows(tree, asked, self.known)
        reason = "no series reports exactly this question"
        if asked.variable is not None and asked.state is not None:
            try:
                below = diagram(finding, dict(self.known))
                above = numerator(finding, self.known, asked.variable, asked.state)
            except NotOnTreeError as off:
                reason = str(off)
            else:
                top, bottom = cancel(above, below)
                missing = [i for i in edges_of(top) | edges_of(bottom) if unknown(tree, i)]
                filled = {i: value for i in missing if (value := branches.edges[i].probability) is not None}
                if len(filled) == len(missing):
                    return self._through(tree, restrict(above, filled), restrict(below, filled), filled)
                reason = "no series reports a branch that it depends on"
        return self._direct(rows) if rows else reason

    def _direct(self, rows: Rows) -> Fit:
        cells = [(row.events, row.total) for row in rows]
        shared = self._shared(DIRECT, cells)
        own = self._own(DIRECT, cells, [one.direct for one in self.priors])
        return self._made({DIRECT: shared}, {DIRECT: own}, (Branch(DIRECT, 1.0, 0.0), 1.0), Divisions((), {}), {})

    def _through(self, tree: ProbabilityTree, above: Node, below: Node, filled: Mapping[int, float]) -> Fit | str:
        branches, together = tree.fitted, joint(tree, filled)
        try:
            together.check()
        except AccuracyError as refused:
            return refused.message
        top, bottom = cancel(above, below, keep=together.tied)
        used, held, nodes, own = edges_of(top) | edges_of(bottom), {}, {}, {}
        for edge in sorted(used | frozenset(together.divisions.edges)):
            place = edge % len(branches.edges)
            one = branches.edges[place]
            if one.status not in ("counts", "unknown"):
                held[edge] = float(one.probability or 0.0)
                continue
            cells = [(row.events, row.total) for row in branches.rows[place]]
            cells += [row.cell for row in together.rows if row.cell is not None and row.node.edge == edge]
            nodes[edge] = self._shared(place, cells)
            own[edge] = self._own(place, cells, [prior.branches[place] for prior in self.priors])
        return self._made(nodes, own, (top, bottom), together.divisions, held)

    def _shared(self, place: int, cells: Sequence[Cell]) -> SharedNodes:
        """Nodes of a branch, placed by the first cells that it is asked with."""
        if place not in self._nodes:
            y, n = np.array(cells, np.int64).reshape(-1, 2).T
            self._nodes[place] = SharedNodes(y, n, "beta-binomial")
        return self._nodes[place]

    def _own(self, place: int, cells: Sequence[Cell], on_average: Sequence[MuPrior]) -> Array:
        """Weights of a branch's nodes by its own cells, under every prior, of shape (priors, nodes)."""
        shared, logs = self._nodes[place], self._logs
        for cell in cells:
            if (place, cell) not in logs:
                logs[place, cell] = shared.log_likelihood(*np.array(cell, np.int64)[:, None])[0]
        pairs = [(prior, one.heterogeneity) for prior, one in zip(on_average, self.priors, strict=True)]
        for pair in pairs:
            if (place, *pair) not in logs:
                logs[place, *pair] = shared.log_prior(*pair)
        before = [logs[place, *pair] for pair in pairs]
        found = np.array(before) + np.sum([logs[place, cell] for cell in cells], axis=0)
        return np.asarray(np.exp(found - found.max(axis=1, keepdims=True)))

    def _made(
        self,
        nodes: Mapping[int, SharedNodes],
        own: Mapping[int, Array],
        question: tuple[Node, Node],
        divisions: Divisions,
        held: Mapping[int, float],
    ) -> Fit:
        top, bottom = question
        used = (edges_of(top) | edges_of(bottom)) - held.keys()
        logs, parts = np.zeros((len(self.priors), divisions.size)), {}
        for edge, shared in nodes.items():
            shown = np.flatnonzero(own[edge].max(axis=0) > _LIGHT)
            weights, sets = own[edge][:, shown], np.ones((1, shown.size))
            if edge in divisions.cells:
                a, b = (one[shown] for one in shared.shapes)
                sets = divisions.likelihoods(edge, Nodes(a, b, np.ones(a.size)).divided)
            chance = weights @ sets.T
            if edge in divisions.cells:
                with np.errstate(divide="ignore"):
                    logs += np.log(chance)[:, divisions.sets(edge)]
            parts[edge] = shown, weights, sets, np.where(chance > 0, chance, 1.0)
        if divisions.log_chance is not None:
            logs = np.where(np.isfinite(divisions.log_chance), logs - divisions.log_chance, -np.inf)
        ways = np.exp(logs - logs.max(axis=1, keepdims=True))
        ways /= ways.sum(axis=1, keepdims=True)
        scores, means = {}, {}
        for edge in sorted(used):
            shown, weights, sets, chance = parts[edge]
            means[edge] = ((weights * nodes[edge].means[shown]) @ sets.T) / chance
            if len(sets) > MOST_SETS:
                share = np.array([np.bincount(divisions.sets(edge), one, len(sets)) for one in ways])
                each = (weights * ((share / chance) @ sets))[:, None]
            else:
                each = weights[:, None] * sets / chance[..., None]
            rows = np.zeros((each.shape[0] * each.shape[1], own[edge].shape[1]))
            rows[:, shown] = each.reshape(len(rows), -1)
            scores[edge] = nodes[edge].scores(rows).reshape(*each.shape[:2], -1)
        return Fit(top, bottom, divisions, scores, means, ways, held, nodes)


def shifted(
    fit: Fit, prior: int, correlations: Sequence[float], probabilities: Sequence[float]
) -> Iterator[tuple[float, float, Array]]:
    """Mean and interval at each correlation: by how much the points' move from the first, which is 0, moves the mean."""
    exact = fit.mean(prior)
    start = 0.0
    for place, correlation in enumerate(correlations if len(fit.raises) > 1 else correlations[:1]):
        mean, ends = fit.summary(prior, correlation, probabilities)
        start = mean if not place else start
        moved = float(sigmoid(_logits(np.array(exact)) + _logits(np.array(mean)) - _logits(np.array(start))))
        yield correlation, moved, ends
