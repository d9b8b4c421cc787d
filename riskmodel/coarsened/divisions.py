"""The ways in which the fetuses of coarser counts can have divided over the branches: every one, or some drawn of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, once
from riskmodel.coarsened.counts import IN_CACHE, Divided, ways
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import edges_of
from riskmodel.distributions.ties import distinct

Array = NDArray[np.float64]
Places = NDArray[np.int64]
#: From a series' own cell of a branch to how its fetuses divide there.
OfSeries = Callable[[tuple[int, int]], Divided]

#: Most ways in which all counts together can have divided and are all listed: some ten milliseconds.
MOST_WAYS = 1024


@dataclass(frozen=True, eq=False, repr=False)
class Divisions(Value):
    """Ways in which some counts can have divided together."""

    rows: tuple[Coarse, ...]  # the counts
    #: For each branch what each way puts there: hits and misses, of shape (ways, rows, 2); nobody is two zeros.
    cells: Mapping[int, Places]
    log_chance: Array | None = None  # with what density each way was drawn, of shape (ways,); None where all are listed

    @property
    def size(self) -> int:
        """How many ways there are."""
        return len(next(iter(self.cells.values()))) if self.cells else 1

    @property
    def edges(self) -> tuple[int, ...]:
        """Branches of which the counts speak."""
        return tuple(self.cells)

    def _distinct(self, edge: int) -> tuple[Places, Places]:
        """Sets of cells that the ways put on a branch, of shape (sets, rows, 2), and which of them each way puts there."""

        def worked_out() -> tuple[Places, Places]:
            held = self.cells[edge]
            sets, place = distinct(held.reshape(len(held), -1))
            return sets.reshape(-1, *held.shape[1:]), place

        return once(self, ("distinct", edge), worked_out)

    def sets(self, edge: int) -> Places:
        """Which set of cells each way puts on a branch, of shape (ways,)."""
        return self._distinct(edge)[1]

    def several(self, edge: int) -> bool:
        """Whether the ways put different cells on a branch."""
        return len(self._distinct(edge)[0]) > 1

    def likelihoods(self, edge: int, divided: OfSeries) -> Array:
        """Probability of each set of cells of a branch at each point, of shape (sets, points)."""
        return np.concatenate([part for _, part in self.by_sets(edge, divided)])

    def by_sets(self, edge: int, divided: OfSeries) -> Iterator[tuple[slice, Array]]:
        """The same of some sets after others, and which: all at once would be megabytes.

        Of ways that are drawn in single precision, which is beyond what they tell.
        """
        sets, single = self._distinct(edge)[0], self.log_chance is not None
        rows = [(row.known.get(edge, (0, 0)), i) for i, row in enumerate(self.rows) if edge in edges_of(row.node)]
        tables = []
        for known in dict.fromkeys(
            known for known, _ in rows
        ):  # one table for all series that report as much themselves
            those = sets[:, [i for own, i in rows if own == known]]
            cells, place = distinct(those.reshape(-1, 2))
            table = divided(known).cells(*cells.T, single=single)
            tables += [(table, column) for column in place.reshape(those.shape[:2]).T]
        (first, at), *others = tables
        step = max(1, IN_CACHE // first.shape[1])
        for start in range(0, len(sets), step):
            some = slice(start, start + step)
            part = first[at[some]]
            for table, place in others:
                part *= table[place[some]]
            yield some, part

    def totals(self, edge: int, weights: Array) -> tuple[tuple[float, int, int], ...]:
        """What a branch may have got in all: how probable, hits and entered."""
        sets, place = self._distinct(edge)
        share = np.bincount(place, weights, minlength=len(sets))
        hits, missed = sets.sum(axis=1).T
        return tuple(zip(share.tolist(), hits.tolist(), (hits + missed).tolist(), strict=True))


def listed(rows: tuple[Coarse, ...]) -> Divisions | None:
    """Every way in which some counts can have divided; None where there are too many to list."""
    each = []
    size = 1
    for row in rows:
        every = ways(row.node, row.row.events, row.row.total, row.known)
        found = list(itertools.islice(every, MOST_WAYS + 1))
        each.append(found)
        size *= len(found)
        if size > MOST_WAYS:
            return None
    edges = sorted(frozenset[int]().union(*(edges_of(row.node) for row in rows)))
    cells = {edge: np.zeros((size, len(rows), 2), np.int64) for edge in edges}
    for number, together in enumerate(itertools.product(*each)):
        for place, way in enumerate(together):
            for edge, (hits, entered) in way.items():
                cells[edge][number, place] = hits, entered - hits
    return Divisions(rows, cells)
