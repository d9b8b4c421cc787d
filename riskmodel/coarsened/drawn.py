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

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, once
from riskmodel.coarsened.divisions import Divisions
from riskmodel.coarsened.nodes import Nodes
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import Branch, Node, edges_of
from riskmodel.distributions.points import kronecker
from riskmodel.distributions.ties import distinct

Array = NDArray[np.float64]
Places = NDArray[np.int64]

#: Ways that are drawn: a mean is then good to a seventieth of what it differs between ways.
WAYS = 4096
#: Combinations of classes, and most classes of one branch.
_COMBINATIONS, _MOST_CLASSES = 520, 24
#: How often classes are cut.
_ROUNDS = 2
#: Numbers that a branch's table is made of: nodes for every cell, as many as that leaves.
_BUDGET = 500_000
#: Classes for each of several rows by branch; all of them; or whichever gives most.
At = tuple[Places, ...] | Literal["most"] | None
#: Share of the likeliest choice below which another is not looked at.
_NIL = 1e-9
#: Numbers of a table that are worked out at once.
_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Classes(Value):
    """A branch's nodes in few classes."""

    nodes: Nodes
    of_node: Places  # class of each node
    mass: Array  # probability of each class, of shape (classes,)

    @classmethod
    def cut(cls, nodes: Nodes, spread: Array, count: int) -> Classes:
        """Cut nodes by their mean into classes of equal `spread`."""
        order = np.argsort(nodes.mean)
        upto = np.cumsum(spread[order])
        group = np.empty(order.size, np.int64)
        group[order] = np.minimum((upto / upto[-1] * count * (1 - 1e-12)).astype(int), count - 1)
        group = np.unique(group, return_inverse=True)[1].astype(np.int64)
        mass = np.bincount(group, nodes.weights)
        return cls(nodes, group, mass / mass.sum())

    def few(self, most: int) -> tuple[Nodes, Places]:
        """At most so many nodes, each standing for as much of its class as any other, and the class of each."""

        def few() -> tuple[Nodes, Places]:
            if self.of_node.size <= most:
                return self.nodes, self.of_node
            order = np.lexsort((self.nodes.a + self.nodes.b, self.of_node))
            each = max(2, most // self.mass.size)
            level = (np.arange(each) + 0.5) / each
            ends = np.cumsum(self.mass)
            wanted = ((ends - self.mass)[:, None] + self.mass[:, None] * level).ravel()
            weights = self.nodes.weights[order]
            chosen = order[np.searchsorted(np.cumsum(weights) / weights.sum(), wanted)]
            group = np.repeat(np.arange(self.mass.size), each)
            return Nodes(self.nodes.a[chosen], self.nodes.b[chosen], np.repeat(self.mass / each, each)), group

        return once(self, ("few", most), few)

    def chances(self, coarse: Coarse, edge: int, hits: Places, missed: Places) -> Array:
        """Probability of some cells in each class, of shape (classes, *cells)."""
        events, rest = coarse.row.events, coarse.row.total - coarse.row.events
        size = (events + 1) * (rest + 1)
        if edge != coarse.node.edge:  # a branch that all fetuses pass has a line of cells, another a table
            size = max(size, math.prod(_ends(coarse, _place(coarse.node, edge))))
        nodes, group = self.few(max(24, _BUDGET // size))
        shares = (group[:, None] == np.arange(self.mass.size)) * nodes.weights[:, None]
        table = nodes.divided(coarse.known.get(edge, (0, 0))).cells(hits, missed)
        return np.moveaxis(table @ (shares / shares.sum(axis=0)), -1, 0)


@dataclass(frozen=True, eq=False)
class _Tables(Value):
    """Likelihoods of one count at every combination of classes, whoever reaches a place of the diagram.

    Arrays have an axis for each shared branch, then one for events and one for non-events, each of length one where all
    must arrive.
    """

    coarse: Coarse
    classes: Mapping[int, Classes]
    axes: tuple[int, ...]  # branches that have an axis

    @property
    def most(self) -> tuple[int, int]:
        """Events and non-events of the count."""
        return self.coarse.row.events, self.coarse.row.total - self.coarse.row.events

    def chances(self, edge: int, hits: Places, missed: Places) -> Array:
        """Probability of some cells of a branch, with an axis for each shared branch."""
        found = self.classes[edge].chances(self.coarse, edge, hits, missed)
        shape = [1] * len(self.axes)
        if edge in self.axes:
            shape[self.axes.index(edge)] = len(found)
        return found.reshape(*shape, *found.shape[1:])

    def table(self, node: Branch, free: tuple[bool, bool]) -> Array:
        """Likelihood by how many events and non-events arrive at a branch; where not `free`, all of them do."""
        return once(self, ("table", node, free), lambda: self._table(node, free))

    @property
    def whole(self) -> Array:
        """Likelihood of the count."""
        return self.table(self.coarse.node, (False, False))

    def cells(self, node: Branch, free: tuple[bool, bool]) -> Array:
        """Probability of each cell of a branch by its hits and misses; by hits alone where all fetuses arrive."""

        def cells() -> Array:
            if free == (False, False):
                hits = np.arange(sum(self.most) + 1)
                return self.chances(node.edge, hits, hits[::-1])
            taken, left = _ends(self.coarse, node)
            return self.chances(node.edge, np.arange(taken)[:, None], np.arange(left)[None, :])

        return once(self, ("cells", node, free), cells)

    def _table(self, node: Branch, free: tuple[bool, bool]) -> Array:
        ends = [np.arange(most + 1) if one else np.array([most]) for one, most in zip(free, self.most, strict=True)]
        events, rest = self.choices(node)
        combinations = int(np.prod([self.classes[edge].mass.size for edge in edges_of(node)]))
        block = max(1, _AT_ONCE // (ends[0].size * ends[1].size * combinations))
        blocks = [None] if rest is None else np.array_split(np.arange(len(rest)), -(-len(rest) // block))
        total: Array | None = None
        for first in events or (None,):
            reached = ends[0][ends[0] >= (first or 0)][:, None, None]
            for some in blocks:
                left = ends[1][ends[1] >= (0 if some is None else some[0])][:, None]
                second = None if some is None else np.minimum(some, left)
                terms = self.terms(node, free, (reached, left), (first, second))
                if some is not None:
                    terms = terms * (some <= left)
                if total is None:
                    total = np.zeros((*terms.shape[:-3], ends[0].size, ends[1].size))
                total[..., ends[0].size - len(reached) :, ends[1].size - len(left) :] += terms.sum(axis=-1)
        assert total is not None
        return total

    def choices(self, node: Branch) -> tuple[range | None, range | None]:
        """How many events, and non-events, can take a branch; None where the rest of the diagram settles it."""
        events, rest = self.most
        return (
            None if 0.0 in (node.hit, node.miss) else range(events + 1),
            None if 1.0 in (node.hit, node.miss) else range(rest + 1),
        )

    def terms(
        self,
        node: Branch,
        free: tuple[bool, bool],
        arrive: tuple[Places, Places],
        taken: tuple[int | Places | None, int | Places | None],
        at: At = None,
    ) -> Array:
        """Probability that of those who arrive some take a branch, and both sides then come out as they must.

        Without `at` for every combination of classes, otherwise for one of each row of `arrive`, or the most of any.
        """
        moved: list[Places] = []
        for side, (one, here) in enumerate(zip(taken, arrive, strict=True)):
            if one is not None:
                moved.append(np.broadcast_to(one, np.broadcast_shapes(np.shape(one), here.shape)))
            else:  # one end takes none, or the other leaves none
                moved.append(np.zeros_like(here) if node.hit == float(side) else here)
        events, rest = moved
        hits, missed = events + rest, (arrive[0] - events) + (arrive[1] - rest)
        table = self.cells(node, free)
        found = _at(table, (hits,) if free == (False, False) else (hits, missed), at)
        for child, left in ((node.hit, (events, rest)), (node.miss, (arrive[0] - events, arrive[1] - rest))):
            if isinstance(child, Branch):
                wide = self.below(node, free)
                index = tuple(one if is_free else np.zeros_like(one) for one, is_free in zip(left, wide, strict=True))
                found = found * _at(self.table(child, wide), np.broadcast_arrays(*index), at)
        return found

    def below(self, node: Branch, free: tuple[bool, bool]) -> tuple[bool, bool]:
        """Whether any number of events, and of non-events, may arrive at what follows a branch."""
        settled = self.choices(node)
        return free[0] or settled[0] is not None, free[1] or settled[1] is not None

    def draw(self, at: tuple[Places, ...], levels: Mapping[int, Array]) -> dict[int, tuple[Places, Places]]:
        """Cells of one way for each row of classes, by the levels of each branch."""
        found: dict[int, tuple[Places, Places]] = {}
        size = next(iter(levels.values())).size

        def down(node: Node, free: tuple[bool, bool], arrive: tuple[Places, Places]) -> None:
            if not isinstance(node, Branch):
                return
            settled = self.choices(node)
            options = [np.arange(1) if one is None else np.asarray(one) for one in settled]
            grid = [one.ravel() for one in np.meshgrid(*options, indexing="ij")]
            taken: list[Places | None]
            events, rest = np.empty(size, np.int64), np.empty(size, np.int64)
            # At the top many draws have the same choice before them, and most of it is next to impossible.
            top = free == (False, False)
            if top:
                taken = [None if one is None else each for one, each in zip(settled, grid, strict=True)]
                ends = tuple(np.full(grid[0].size, most) for most in self.most)
                bound = self.terms(node, free, (ends[0], ends[1]), (taken[0], taken[1]), "most")
                shown = bound >= _NIL * bound.max()  # all of them where none is possible: then the counts contradict
                grid = [each[shown] for each in grid]
            cases, place = np.stack([*arrive, *at]), np.arange(size)
            if top:
                rows, place = distinct(cases.T)
                cases = rows.T
            pick = np.empty(size, np.int64)
            step = max(1, _AT_ONCE // grid[0].size)
            for first in range(0, cases.shape[1], step):
                part = cases[:, first : first + step, None]
                fits = np.ones((part.shape[1], grid[0].size), bool)
                taken = [None, None]
                for side in (0, 1):
                    if settled[side] is not None:
                        fits &= grid[side] <= part[side]
                        taken[side] = np.minimum(grid[side], part[side])
                wide = tuple(np.broadcast_to(one, fits.shape) for one in part[:2])
                terms = self.terms(node, free, (wide[0], wide[1]), (taken[0], taken[1]), tuple(part[2:]))
                upto = np.cumsum(np.where(fits, terms, 0.0), axis=1)
                if top:
                    for row, line in enumerate(upto, start=first):
                        those = np.flatnonzero(place == row)
                        pick[those] = np.searchsorted(line, levels[node.edge][those] * line[-1], side="right")
                else:
                    here = levels[node.edge][first : first + step, None] * upto[:, -1:]
                    pick[first : first + step] = (upto <= here).sum(axis=1)
            pick = np.minimum(pick, grid[0].size - 1)
            for side, out in enumerate((events, rest)):
                if settled[side] is None:
                    out[:] = 0 if node.hit == float(side) else arrive[side]
                else:
                    out[:] = grid[side][pick]
            missed = arrive[0] - events, arrive[1] - rest
            found[node.edge] = events + rest, missed[0] + missed[1]
            wide_below = self.below(node, free)
            down(node.hit, wide_below, (events, rest))
            down(node.miss, wide_below, missed)

        down(self.coarse.node, (False, False), tuple(np.full(size, most) for most in self.most))  # type: ignore[arg-type]
        return found


def _at(table: Array, place: tuple[Places, ...], at: At) -> Array:
    """Entries of a table for every combination of classes, for one of each row, or the largest of any."""
    if at == "most":
        table = table.max(axis=tuple(range(table.ndim - len(place))))
    if at is None or at == "most":
        return np.asarray(table[(..., *place)])  # type: ignore[arg-type]
    axes = table.ndim - len(place)
    index = tuple(one if table.shape[i] > 1 else np.zeros_like(one) for i, one in enumerate(at[:axes]))
    return np.asarray(table[(*index, *place)])


def _place(node: Node, edge: int) -> Branch:
    """Where a branch stands in a diagram that has it once."""
    assert isinstance(node, Branch)
    if node.edge == edge:
        return node
    return _place(node.hit if edge in edges_of(node.hit) else node.miss, edge)


def _ends(coarse: Coarse, node: Branch) -> tuple[int, int]:
    """How many numbers of fetuses may take a branch, and may not."""
    events, rest = coarse.row.events, coarse.row.total - coarse.row.events
    hits, missed = (
        1 + (events if child != 0.0 else 0) + (rest if child != 1.0 else 0) for child in (node.hit, node.miss)
    )
    return hits, missed


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
    for _ in range(_ROUNDS):
        held = {edge: Classes.cut(one, spread[edge], count if edge in axes else 1) for edge, one in nodes.items()}
        tables = [_Tables(row, held, axes) for row in rows]
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
    likelihoods_at = np.stack([_at(one.whole, (np.zeros(size, np.int64),) * 2, at) for one in tables])
    classes = {}
    for edge, those in speaking.items():
        each = np.ones((len(rows), held[edge].mass.size, size))
        for i, row in enumerate(rows):
            if row in those:
                each[i] = held[edge].chances(row, edge, *cells[edge][:, i].T)
        classes[edge] = held[edge].mass, each
    return Drawn(rows, cells, _log_chance(classes), classes=classes, likelihoods_at=likelihoods_at)


def _weights(tables: list[_Tables], held: Mapping[int, Classes], axes: tuple[int, ...]) -> Array:
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
