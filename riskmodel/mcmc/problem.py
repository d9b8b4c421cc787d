"""The counts of a tree for the sampler, checked: each branch's own, and coarse ones with the parts that they divide into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from riskmodel._support.checks import checked_counts
from riskmodel.distributions.diagram import Branch, Node, edges_of, evaluate
from riskmodel.errors import ContradictionError, InputError, UnavailableError
from riskmodel.mcmc.options import check_totals, start

Counts = NDArray[np.int64]
Array = NDArray[np.float64]
Cells = Mapping[int, tuple[int, int]]
CoarseCount = tuple[Node, int, int, Cells]

#: Ways in which the events of a coarse count can divide over its parts, all summed at every step.
MOST_WAYS = 50_000


@dataclass(frozen=True)
class Divided:
    """A coarse count as parts whose sizes are certain: `certain` events and, of each part, as many as a binomial gives."""

    certain: int
    sizes: tuple[int, ...]
    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, node: Node, total: int, known: Cells) -> Divided:
        """By the cells that the same series reports of the same fetuses."""
        if total == 0 or node in (0.0, 1.0):
            return cls(total if node == 1.0 else 0, (), ())
        if not isinstance(node, Branch) or known.get(node.edge, (0, -1))[1] != total:
            return cls(0, (total,), (node,))
        hits = known[node.edge][0]
        one, other = cls.of(node.hit, hits, known), cls.of(node.miss, total - hits, known)
        return cls(one.certain + other.certain, one.sizes + other.sizes, one.nodes + other.nodes)

    @property
    def alone(self) -> Branch | None:
        """The branch of which alone it speaks, if so."""
        if len(self.nodes) != 1 or not isinstance(node := self.nodes[0], Branch):
            return None
        return node if {node.hit, node.miss} == {0.0, 1.0} else None

    def log_probability(self, events: int, risks: Mapping[int, Any]) -> Any:
        """Logarithm of the probability of the events, at some risks of the branches: a sum of binomials."""
        from scipy.stats import binom

        left, values = events - self.certain, [np.clip(evaluate(node, risks), 0.0, 1.0) for node in self.nodes]
        if len(values) == 1:
            return binom.logpmf(left, self.sizes[0], values[0])
        total = np.ones((1,))
        for size, value in zip(self.sizes, values, strict=True):
            part = binom.pmf(np.arange(min(size, left) + 1), size, value[..., None])
            longer = np.zeros((*part.shape[:-1], left + 1))
            for k in range(part.shape[-1]):
                longer[..., k : k + total.shape[-1]] += (part[..., k : k + 1] * total)[..., : left + 1 - k]
            total = longer
        with np.errstate(divide="ignore"):
            return np.log(total[..., left] if left < total.shape[-1] else 0.0)

    def most_ways(self, events: int) -> int:
        """No fewer than there are ways."""
        return int(np.prod([min(size, max(events, 0)) + 1.0 for size in self.sizes[:-1]]))

    def ways(self, events: int) -> Counts:
        """How the events that are not certain can divide over the parts; shape (ways, parts)."""
        left = events - self.certain
        if not self.sizes:
            return np.zeros((int(left == 0), 0), np.int64)
        *rest, last = self.sizes
        firsts = product(*(range(min(size, max(left, -1)) + 1) for size in rest))
        found = [(*first, left - sum(first)) for first in firsts if 0 <= left - sum(first) <= last]
        return np.array(found, np.int64).reshape(len(found), len(self.sizes))


@dataclass(frozen=True)
class Problem:
    """Counts of a tree, checked."""

    edges: tuple[int, ...]
    events: tuple[Counts, ...]  # of each branch's series
    totals: tuple[Counts, ...]
    coarse: tuple[CoarseCount, ...]
    divided: tuple[Divided, ...]
    #: Coarse count and branch of each risk of a coarse count's series: of those that are sampled, and of those that are not,
    #: for the count speaks of that branch alone and is a series of it.
    own: tuple[tuple[int, int], ...]
    alone: tuple[tuple[int, int], ...]

    @classmethod
    def checked(cls, branches: Mapping[int, tuple[Any, Any]], coarse: Sequence[CoarseCount]) -> Problem:
        """Refused where a count cannot be, or is too large."""
        if not branches:
            raise InputError("no branches", where="branches", remedy="Give at least one with its counts")
        edges = tuple(sorted(branches))
        none = np.zeros(0, np.int64)
        # A branch without counts has its prior, and whatever coarse counts say.
        pairs = [checked_counts(*branches[edge]) if len(branches[edge][1]) else (none, none) for edge in edges]
        for _, seen in pairs:
            check_totals(seen)
        rows, divided = [], []
        own: list[tuple[int, int]] = []
        alone: list[tuple[int, int]] = []
        for i, count in enumerate(coarse):
            row, parts = _checked_coarse(count, set(edges), f"coarse count {i + 1}")
            rows.append(row)
            divided.append(parts)
            known, lone = row[3], parts.alone
            if lone is not None and lone.edge not in known:
                alone.append((i, lone.edge))
            else:
                own += [(i, edge) for edge in sorted(frozenset().union(*map(edges_of, parts.nodes)))]
        events, totals = ([pair[side] for pair in pairs] for side in (0, 1))
        return cls(edges, tuple(events), tuple(totals), tuple(rows), tuple(divided), tuple(own), tuple(alone))

    @property
    def lone(self) -> Iterator[tuple[int, int, int]]:
        """Place, hits and misses of the branches of coarse counts of one branch."""
        for row, edge in self.alone:
            _, events, total, _ = self.coarse[row]
            node = self.divided[row].nodes[0]
            assert isinstance(node, Branch)
            hits = events if node.hit == 1.0 else total - events
            yield self.edges.index(edge), hits, total - hits

    @property
    def series(self) -> tuple[Counts, Array, Array]:
        """Of every series of one branch: the branch's place, hits and misses."""
        rows = [
            (i, y, n - y)
            for i, both in enumerate(zip(self.events, self.totals, strict=True))
            for y, n in zip(*(one.tolist() for one in both), strict=True)
        ]
        place, hits, missed = np.array([*rows, *self.lone], np.int64).reshape(-1, 3).T
        return place, hits.astype(float), missed.astype(float)

    @property
    def starts(self) -> Array:
        """Where chains start in logit(mu) of each branch."""
        return np.array([start(y, n) for y, n in zip(self.events, self.totals, strict=True)])

    @property
    def seen(self) -> tuple[Counts, Array, Array]:
        """Of each own risk: its branch's place, and the hits and misses in its series' cells."""
        cells = [self.coarse[row][3].get(edge, (0, 0)) for row, edge in self.own]
        hits, totals = np.array(cells, np.float64).reshape(-1, 2).T
        return np.array([self.edges.index(edge) for _, edge in self.own], np.int64), hits, totals - hits

    def divisions(self, row: int) -> tuple[Array, Array, Array]:
        """How a coarse count's events can divide over its parts, how the others then do, and logarithms of how often."""
        parts = self.divided[row]
        ways, sizes = parts.ways(self.coarse[row][1]), np.array(parts.sizes, np.int64)
        choose = gammaln(sizes + 1.0) - gammaln(ways + 1.0) - gammaln(sizes - ways + 1.0)
        return ways.astype(float), (sizes - ways).astype(float), choose.sum(axis=1)


def _checked_coarse(count: CoarseCount, edges: set[int], where: str) -> tuple[CoarseCount, Divided]:
    node, *stated, known = count
    missing = edges_of(node) - edges
    if missing:
        raise InputError(
            f"its diagram needs branches {sorted(missing)}, which are not there",
            where=where,
            remedy="Give them, without counts if there are none, or fix them at a value in the diagram",
        )
    ((events,), (total,)) = (one.tolist() for one in checked_counts(*([one] for one in stated)))
    check_totals(np.array([total]))
    cells = {}
    for edge, cell in known.items():
        ((hits,), (seen,)) = (one.tolist() for one in checked_counts(*([one] for one in cell)))
        cells[edge] = (hits, seen)
    parts = Divided.of(node, total, cells)
    if parts.most_ways(events) > MOST_WAYS:
        raise UnavailableError(
            f"{events:,} of {total:,} can divide in more than {MOST_WAYS:,} ways over the parts that its series tells apart",
            where=where,
        )
    if not len(parts.ways(events)):
        raise ContradictionError(
            f"{events} of {total} cannot be, given its diagram and its series' cells",
            where=where,
            remedy="Correct the count or the cells",
        )
    return (node, events, total, cells), parts
