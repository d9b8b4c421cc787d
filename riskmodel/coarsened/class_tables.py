"""Tables by which one count's ways to divide are summed and drawn, where each branch's nodes are put into few classes."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, once
from riskmodel.coarsened.nodes import Nodes
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import Branch, Node, edges_of
from riskmodel.distributions.ties import distinct

Array = NDArray[np.float64]
Places = NDArray[np.int64]

#: Numbers that a branch's table is made of: nodes for every cell, as many as that leaves.
_BUDGET = 500_000
#: Classes for each of several rows by branch; all of them; or whichever gives most.
At = tuple[Places, ...] | Literal["most"] | None
#: Share of the likeliest choice below which another is not looked at.
_NIL = 1e-9
#: Numbers of a table that are worked out at once, and of a product of tables.
_AT_ONCE, _IN_CACHE = 2_000_000, 400_000


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
        # Drawn cells are often the same: each is worked out once.
        both = np.stack(np.broadcast_arrays(hits, missed), axis=-1)
        cells, place = distinct(both.reshape(-1, 2))
        table = nodes.divided(coarse.known.get(edge, (0, 0))).cells(*cells.T)
        return np.asarray((table @ (shares / shares.sum(axis=0))).T[:, place.reshape(both.shape[:-1])])


@dataclass(frozen=True, eq=False)
class Tables(Value):
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
        # Without a shared branch it is the same however those are cut.
        keeper = self if edges_of(node) & frozenset(self.axes) else self.classes[node.edge]
        return once(keeper, ("table", self.coarse.row, node, free), lambda: self._table(node, free))

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
        if free == (False, False):
            return self._where_all_arrive(node)
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
                terms = product(self.factors(node, free, (reached, left), (first, second)))
                if some is not None:
                    terms = terms * (some <= left)
                if total is None:
                    total = np.zeros((*terms.shape[:-3], ends[0].size, ends[1].size))
                total[..., ends[0].size - len(reached) :, ends[1].size - len(left) :] += terms.sum(axis=-1)
        assert total is not None
        return total

    def _where_all_arrive(self, node: Branch) -> Array:
        """The same where all arrive: no two factors have a class in common, so that the last comes in by a product."""
        grid, settled, total = self.grid(node), self.choices(node), np.zeros(())
        combinations = int(np.prod([self.classes[edge].mass.size for edge in edges_of(node)]))
        step = max(1, _IN_CACHE // combinations)
        for first in range(0, grid[0].size, step):
            some = [each[first : first + step] for each in grid]
            taken = [each if one is not None else None for one, each in zip(settled, some, strict=True)]
            arrive = [np.full(some[0].size, most) for most in self.most]
            factors = self.factors(node, (False, False), (arrive[0], arrive[1]), (taken[0], taken[1]))
            *others, last = (at_classes(table, place, None) for table, place in factors)
            rest = functools.reduce(np.multiply, others, np.ones((*[1] * len(self.axes), some[0].size)))
            total = total + rest.reshape(-1, some[0].size) @ last.reshape(-1, some[0].size).T
        # Of each axis either the one or the other has its classes.
        held = total.reshape((*rest.shape[:-1], *last.shape[:-1]))
        order = [i + side for i in range(len(self.axes)) for side in (0, len(self.axes))]
        shape = np.maximum(rest.shape[:-1], last.shape[:-1]).astype(int)
        return np.asarray(held.transpose(order).reshape(*shape, 1, 1))

    def grid(self, node: Branch) -> list[Places]:
        """How many events and non-events can take a branch, every pair; nought where the rest of the diagram settles it."""
        options = [np.arange(1) if one is None else np.asarray(one) for one in self.choices(node)]
        return [one.ravel() for one in np.meshgrid(*options, indexing="ij")]

    def choices(self, node: Branch) -> tuple[range | None, range | None]:
        """How many events, and non-events, can take a branch; None where the rest of the diagram settles it."""
        events, rest = self.most
        return (
            None if 0.0 in (node.hit, node.miss) else range(events + 1),
            None if 1.0 in (node.hit, node.miss) else range(rest + 1),
        )

    def factors(
        self,
        node: Branch,
        free: tuple[bool, bool],
        arrive: tuple[Places, Places],
        taken: tuple[int | Places | None, int | Places | None],
    ) -> list[tuple[Array, tuple[Places, ...]]]:
        """Probability that of those who arrive some take a branch, and both sides then come out as they must.

        As factors: a table of the branch and one of what follows on either side, and the places in them.
        """
        moved: list[Places] = []
        for side, (one, here) in enumerate(zip(taken, arrive, strict=True)):
            if one is not None:
                moved.append(np.broadcast_to(one, np.broadcast_shapes(np.shape(one), here.shape)))
            else:  # one end takes none, or the other leaves none
                moved.append(np.zeros_like(here) if node.hit == float(side) else here)
        events, rest = moved
        hits, missed = events + rest, (arrive[0] - events) + (arrive[1] - rest)
        found: list[tuple[Array, tuple[Places, ...]]]
        found = [(self.cells(node, free), (hits,) if free == (False, False) else (hits, missed))]
        for child, left in ((node.hit, (events, rest)), (node.miss, (arrive[0] - events, arrive[1] - rest))):
            if isinstance(child, Branch):
                wide = self.below(node, free)
                index = tuple(one if is_free else np.zeros_like(one) for one, is_free in zip(left, wide, strict=True))
                found.append((self.table(child, wide), np.broadcast_arrays(*index)))
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
            grid = self.grid(node)
            events, rest = np.empty(size, np.int64), np.empty(size, np.int64)
            top = free == (False, False)
            if top:  # all have the same choice before them, and most of it is next to impossible
                ends = [np.full((1, grid[0].size), most) for most in self.most]
                sides = [None if one is None else each[None] for one, each in zip(settled, grid, strict=True)]
                bound = product(self.factors(node, free, (ends[0], ends[1]), (sides[0], sides[1])), "most")[0]
                shown = bound >= _NIL * bound.max()  # all of them where none is possible: then the counts contradict
                grid = [each[shown] for each in grid]
            # Many draws have the same before them: their classes matter where the rest of the diagram has them.
            own_at = (
                one if edge in edges_of(node) else np.zeros_like(one) for edge, one in zip(self.axes, at, strict=False)
            )
            rows, place = distinct(np.stack([*arrive, *own_at], axis=1))
            pick = np.empty(size, np.int64)
            step = max(1, _AT_ONCE // grid[0].size)
            for first in range(0, len(rows), step):
                part = rows[first : first + step].T[:, :, None]
                here = part[:2, :1] if top else part[:2]
                taken = [
                    None if one is None else np.minimum(each, to)
                    for one, each, to in zip(settled, grid, here, strict=True)
                ]
                wide = tuple(np.broadcast_to(one, (one.shape[0], grid[0].size)) for one in here)
                factors = self.factors(node, free, (wide[0], wide[1]), (taken[0], taken[1]))
                terms = product(factors, tuple(part[2:]))
                for one, each, to in zip(settled, grid, here, strict=True):
                    if one is not None and not top:
                        terms = np.where(each <= to, terms, 0.0)
                upto = np.cumsum(terms, axis=1)
                # Every row's sums above the one's before, so that all are searched at once.
                whole = upto[:, -1:]
                upto = upto / np.where(whole > 0, whole, 1.0) + np.arange(len(upto))[:, None]
                those = np.flatnonzero((first <= place) & (place < first + step))
                own = place[those] - first
                pick[those] = (
                    np.searchsorted(upto.ravel(), levels[node.edge][those] + own, side="right") - own * grid[0].size
                )
            pick = np.clip(pick, 0, grid[0].size - 1)
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


def product(factors: Iterable[tuple[Array, tuple[Places, ...]]], at: At = None) -> Array:
    """Entries of tables, multiplied: for every combination of classes, for one of each row, or the most of any."""
    return functools.reduce(np.multiply, (at_classes(table, place, at) for table, place in factors))


def at_classes(table: Array, place: tuple[Places, ...], at: At) -> Array:
    """Entries of a table for every combination of classes, for one of each row, or the largest of any."""
    if at == "most":
        table = table.max(axis=tuple(range(table.ndim - len(place))))
    if at is None or at == "most":
        return np.asarray(table[(..., *place)])  # type: ignore[arg-type]
    axes = table.ndim - len(place)
    index = tuple(one if table.shape[i] > 1 else np.zeros_like(one) for i, one in enumerate(at[:axes]))
    if len(place[0]) == 1:  # the same entries for all rows
        held = table[(..., *(one[0] for one in place))]
        return np.asarray(held[tuple(one[:, 0] for one in index)] if index else held[None])
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
