r"""Ways to divide, drawn from nearly their posterior where they are too many to list.

A branch's nodes are put into few classes. Given the class of every branch the likelihood of a count is a sum over the
diagram from the bottom up, each branch's part a matrix of averages over its class: a convolution, and no way is listed. A
class for each branch that several counts share, then the ways of each count from the top down, are drawn at evenly spread
points. How probable a way was to be drawn is a product over branches, and so is its posterior probability, so that their
ratio weights the ways and the classes leave no bias.

Divide and sum: the sum-product algorithm of Kschischang, Frey and Loeliger (IEEE Trans Inf Theory 2001;47:498-519). Weights:
Owen AB. Monte Carlo theory, methods and examples (2013), section 9.2 (self-normalised importance sampling).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from riskmodel.coarsened.class_tables import Classes, Tables, at_classes
from riskmodel.coarsened.divisions import Divisions
from riskmodel.coarsened.nodes import Nodes
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import edges_of
from riskmodel.distributions.points import kronecker

Array = NDArray[np.float64]
Places = NDArray[np.int64]

#: Ways that are drawn: a mean is then good to a seventieth of what it differs between ways.
WAYS = 4096
#: Combinations of classes, and most classes of one branch.
_COMBINATIONS, _MOST_CLASSES = 520, 24
#: How often classes are cut.
_ROUNDS = 2


@dataclass(frozen=True, eq=False, repr=False)
class Drawn(Divisions):
    """Ways that were drawn, with what they were drawn by: other evidence or priors weigh the same ways anew."""

    #: For each branch the probability of each class, of shape (classes,), and that of each count's cells in it, of shape
    #: (rows, classes, ways).
    classes: Mapping[int, tuple[Array, Array]] = field(kw_only=True)
    likelihoods_at: Array = field(kw_only=True)  # of each count at the classes that each way came from, (rows, ways)

    def among(self, rows: tuple[Coarse, ...]) -> Drawn | None:
        """The ways of some of the counts; None where others than these are among them.

        A way of these came with classes that all counts chose. Beside it stand, in what is wanted too, the classes that it
        would have by itself: then the ratio of both densities has one more factor, the likelihood at the classes of each
        count that is left out.
        """
        if not rows or not all(row in self.rows for row in rows):
            return None
        if rows == self.rows:
            return self
        places = [self.rows.index(row) for row in rows]
        left_out = [place for place in range(len(self.rows)) if place not in places]
        edges = frozenset().union(*(edges_of(row.node) for row in rows))
        cells = {edge: held[:, places] for edge, held in self.cells.items() if edge in edges}
        classes = {edge: (self.classes[edge][0], self.classes[edge][1][places]) for edge in edges}
        log_chance = _log_chance(classes) + np.log(self.likelihoods_at[left_out]).sum(axis=0)
        return Drawn(rows, cells, log_chance, classes=classes, likelihoods_at=self.likelihoods_at[places])


def _log_chance(classes: Mapping[int, tuple[Array, Array]]) -> Array:
    """Logarithm of the density of drawing each way, up to a constant, of shape (ways,)."""
    with np.errstate(divide="ignore"):  # a way that no class gives is none
        return np.sum([np.log(mass @ each.prod(axis=0)) for mass, each in classes.values()], axis=0)


def drawn(rows: tuple[Coarse, ...], nodes: Mapping[int, Nodes], size: int = WAYS) -> Drawn:
    """Some ways in which the fetuses of counts can have divided, each with the density of drawing it."""
    speaking = {edge: [row for row in rows if edge in edges_of(row.node)] for edge in sorted(nodes)}
    shared = tuple(edge for edge, those in speaking.items() if len(those) > 1)
    axes = shared if 2 ** len(shared) <= _COMBINATIONS else ()
    count = min(_MOST_CLASSES, int(_COMBINATIONS ** (1 / max(len(axes), 1))))
    nodes = {edge: one.heavy for edge, one in nodes.items()}
    spread = {edge: np.sqrt(one.weights) for edge, one in nodes.items()}
    held = {edge: Classes.cut(one, spread[edge], 1) for edge, one in nodes.items() if edge not in axes}
    for _ in range(_ROUNDS):
        held |= {edge: Classes.cut(nodes[edge], spread[edge], count) for edge in axes}
        tables = [Tables(row, held, axes) for row in rows]
        weights = _weights(tables, held, axes)
        for i, edge in enumerate(axes):
            # Classes where the posterior is, and some where the branch's own counts see it.
            margin = weights.sum(axis=tuple(j for j in range(len(axes)) if j != i))
            known = nodes[edge].weights * (margin / held[edge].mass)[held[edge].of_node]
            spread[edge] = np.sqrt(nodes[edge].weights) / np.sqrt(nodes[edge].weights).sum() + known / known.sum()
    levels = kronecker(len(axes) + sum(len(those) for those in speaking.values()), size)
    at: tuple[Places, ...] = ()
    for i in range(len(axes)):  # each class given those before it
        given = (
            weights.sum(axis=tuple(range(i + 1, len(axes))))[at] if at else weights.sum(axis=tuple(range(1, len(axes))))
        )
        upto = np.cumsum(np.broadcast_to(given, (size, given.shape[-1])), axis=1)
        at = (*at, np.minimum((upto <= levels[i][:, None] * upto[:, -1:]).sum(axis=1), given.shape[-1] - 1))
    cells = {edge: np.zeros((size, len(rows), 2), np.int64) for edge in nodes}
    used = len(axes)
    for i, table in enumerate(tables):
        edges = sorted(edges_of(table.coarse.node))
        found = table.draw(at, dict(zip(edges, levels[used : used + len(edges)], strict=True)))
        used += len(edges)
        for edge, (hits, missed) in found.items():
            cells[edge][:, i] = np.stack([hits, missed], axis=1)
    likelihoods_at = np.stack([at_classes(one.whole, (np.zeros(size, np.int64),) * 2, at) for one in tables])
    classes = {}
    for edge, those in speaking.items():
        each = np.ones((len(rows), held[edge].mass.size, size))
        for i, row in enumerate(rows):
            if row in those:
                each[i] = held[edge].chances(row, edge, *cells[edge][:, i].T)
        classes[edge] = held[edge].mass, each
    return Drawn(rows, cells, _log_chance(classes), classes=classes, likelihoods_at=likelihoods_at)


def _weights(tables: list[Tables], held: Mapping[int, Classes], axes: tuple[int, ...]) -> Array:
    """Posterior probability of each combination of classes, with an axis for each shared branch."""
    shape = tuple(held[edge].mass.size for edge in axes)
    logs = np.zeros(shape)
    with np.errstate(divide="ignore"):
        for i, edge in enumerate(axes):
            logs = logs + np.log(held[edge].mass).reshape([-1 if j == i else 1 for j in range(len(axes))])
        for table in tables:
            logs = logs + np.log(table.whole[..., 0, 0])
    weights = np.exp(logs - logs.max()) if np.isfinite(logs.max()) else np.ones(shape)
    return np.asarray(weights / weights.sum())
