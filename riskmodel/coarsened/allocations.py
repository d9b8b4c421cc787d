"""The ways in which the fetuses of coarser counts can have divided over the branches, where they can be listed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, kept
from riskmodel.coarsened.counts import Cells, Divided, ways
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import edges_of

Array = NDArray[np.float64]
#: How one count divided: hits and entered at each branch that anybody entered.
Way = dict[int, tuple[int, int]]
#: What one count puts on one branch; None where nobody entered it.
Cell = tuple[int, int] | None
#: From a series' own cell of a branch to how its fetuses divide there.
OfSeries = Callable[[tuple[int, int]], Divided]

#: Most ways in which all listed counts together can have divided: some ten milliseconds.
MOST_WAYS = 1024


@dataclass(frozen=True, eq=False)
class Divisions(Value):
    """Every way in which some counts can have divided together."""

    rows: tuple[Coarse, ...]  # the counts
    each: tuple[tuple[Way, ...], ...]  # the ways of each count

    @kept
    def size(self) -> int:
        """How many ways there are."""
        return int(np.prod([len(one) for one in self.each], dtype=np.int64))

    @kept
    def edges(self) -> tuple[int, ...]:
        """Branches of which the counts speak."""
        return tuple(sorted(frozenset().union(*(edges_of(coarse.node) for coarse in self.rows))))

    @kept
    def _cells(self) -> dict[int, tuple[list[list[Cell]], NDArray[np.int64]]]:
        """For each branch the cells that each count may put there, and which set of cells each way puts there.

        Sets run over the product of the counts' cells, ways over that of the counts' ways, the last count's fastest.
        """
        found = {}
        for edge in self.edges:
            place = np.zeros(1, np.int64)
            possible = []
            for listed in self.each:
                places: dict[Cell, int] = {}
                own = np.array([places.setdefault(way.get(edge), len(places)) for way in listed])
                place = (place[:, None] * len(places) + own).ravel()
                possible.append(list(places))
            found[edge] = (possible, place)
        return found

    def sets(self, edge: int) -> NDArray[np.int64]:
        """Which set of cells each way puts on a branch, of shape (ways,)."""
        return self._cells[edge][1]

    def several(self, edge: int) -> bool:
        """Whether the ways put different cells on a branch."""
        return any(len(cells) > 1 for cells in self._cells[edge][0])

    def _tables(self, edge: int, divided: OfSeries) -> list[Array]:
        """For each count the probability of each of its cells, of shape (cells, points)."""
        tables = []
        for row, cells in zip(self.rows, self._cells[edge][0], strict=True):
            one = divided(row.known.get(edge, (0, 0)))
            tables.append(np.array([np.ones(one.a.size) if cell is None else one.cell(*cell) for cell in cells]))
        return tables

    def likelihoods(self, edge: int, divided: OfSeries, sets: NDArray[np.int64]) -> Array:
        """Probability of some sets of cells of a branch at each point, of shape (sets, points)."""
        tables = self._tables(edge, divided)
        places = np.unravel_index(sets, [len(table) for table in tables])
        return reduce(np.multiply, (table[place] for table, place in zip(tables, places, strict=True)))

    def summed(self, edge: int, divided: OfSeries, columns: Array) -> Array:
        """Sums over points of the probability of each set of cells of a branch."""
        *first, last = self._tables(edge, divided)
        product = columns[:, None, :]
        for table in first:
            product = (product[:, :, None, :] * table).reshape(len(columns), -1, table.shape[1])
        return np.asarray((product @ last.T).reshape(len(columns), -1))

    def density(self, edge: int, divided: OfSeries, factors: Array) -> Array:
        """Weighted sum over the sets of cells of a branch, at each point."""
        *first, last = self._tables(edge, divided)
        total = factors.reshape(-1, len(last)) @ last
        for table in reversed(first):
            total = (total.reshape(-1, len(table), table.shape[1]) * table).sum(axis=1)
        return np.asarray(total[0])

    def totals(self, edge: int, weights: Array) -> tuple[tuple[float, int, int], ...]:
        """What a branch may have got in all."""
        possible, place = self._cells[edge]
        sets = list(itertools.product(*possible))
        share = np.bincount(place, weights, minlength=len(sets))
        return tuple(
            (float(one), sum(cell[0] for cell in cells if cell), sum(cell[1] for cell in cells if cell))
            for one, cells in zip(share, sets, strict=True)
        )


def divide(rows: Iterable[Coarse]) -> tuple[Divisions, tuple[Coarse, ...]]:
    """List the ways of as many counts as can be listed together, those with the fewest ways first."""
    listed = []
    for coarse in rows:
        possible = (way for way in ways(coarse.node, coarse.row.events, coarse.row.total) if _agrees(way, coarse.known))
        listed.append((coarse, tuple(itertools.islice(possible, MOST_WAYS + 1))))
    listed.sort(key=lambda pair: len(pair[1]))
    taken, product = 0, 1
    for _, each in listed:
        product *= len(each)
        if not 0 < product <= MOST_WAYS:
            break
        taken += 1
    few = listed[:taken]
    divisions = Divisions(tuple(one for one, _ in few), tuple(each for _, each in few))
    return divisions, tuple(one for one, _ in listed[taken:])


def _agrees(way: Way, known: Cells) -> bool:
    """Whether a way agrees with what the same series reports of the same fetuses."""
    seen = ((known[edge], cell) for edge, cell in way.items() if edge in known)
    return all(own[0] == hits for own, (hits, entered) in seen if own[1] == entered)
