r"""Counts of a coarser group, read through the tree: 5 of 5 isolated did well, work-up not reported.

A series has one risk for each branch, a Beta given the hyperparameters. Of n fetuses entering a branch m take it, and how
many is not reported; summing over m (and over how the events divide) gives the likelihood of the coarse count given the
hyperparameters exactly, each series' own risks integrated out:

.. math:: L(y, n) = \sum_m \mathrm{BetaBin}(m \mid n, a, b) \sum_{y'} L_{hit}(y', m)\, L_{miss}(y - y', n - m)

All terms are positive, so nothing cancels. Where only one way of dividing is possible the count says the same as its cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from riskmodel._support.kept import Value, beside, once
from riskmodel.distributions.diagram import Branch, Node, edges_of

Array = NDArray[np.float64]
#: Cells of a branch: hits and how many entered.
Cells = Mapping[int, tuple[int, int]]

#: A coarse count of more fetuses is not read through the tree: the sums grow with its square.
LARGEST_COARSE = 400
#: Most ways to divide at single branches, summed over for one count: 40 of 100 on four branches has 5,062.
MOST_SPLITS = 6000


def readable(node: Node) -> bool:
    """Whether every branch occurs in one place only, so that the two sides of a choice are independent."""
    if not isinstance(node, Branch):
        return True
    apart = not (edges_of(node.hit) & edges_of(node.miss))
    return apart and readable(node.hit) and readable(node.miss)


def splits(node: Branch, events: int, total: int) -> Iterator[tuple[int, int]]:
    """Ways in which fetuses can divide at one branch."""
    for hits in range(total + 1):
        rest = total - hits
        low, high = max(0, events - rest), min(hits, events)
        if not isinstance(node.hit, Branch):
            above = hits if node.hit == 1.0 else 0
            low, high = max(low, above), min(high, above)
        if not isinstance(node.miss, Branch):
            above = events - (rest if node.miss == 1.0 else 0)
            low, high = max(low, above), min(high, above)
        for above in range(low, high + 1):
            yield hits, above


def ways(node: Node, events: int, total: int) -> Iterator[dict[int, tuple[int, int]]]:
    """Ways in which the fetuses can have divided."""
    if total == 0:
        yield {}
    elif not isinstance(node, Branch):
        if events == (total if node == 1.0 else 0):
            yield {}
    else:
        for hits, above in splits(node, events, total):
            for first in ways(node.hit, above, hits):
                for second in ways(node.miss, events - above, total - hits):
                    yield {node.edge: (hits, total)} | first | second


@cache
def too_many(node: Node, events: int, total: int) -> bool:
    """Whether summing over how a count's fetuses can have divided would take more than a few seconds."""
    seen = {(node, events, total)}
    waiting = [(node, events, total)]
    number = 0
    while waiting:
        at, inside, entered = waiting.pop()
        if not isinstance(at, Branch) or not entered:
            continue
        for hits, above in splits(at, inside, entered):
            number += 1
            if number > MOST_SPLITS:
                return True
            found = {(at.hit, above, hits), (at.miss, inside - above, entered - hits)} - seen
            seen |= found
            waiting.extend(found)
    return False


@dataclass(frozen=True, eq=False)
class Divided(Value):
    """How those who enter a branch divide in one series, at many values of the hyperparameters."""

    a: Array  # first shape parameter of the Beta of the series' risk, of shape (points,)
    b: Array  # second shape parameter
    #: The cell that the same series reports itself: where as many entered, the division is known; otherwise its risk has
    #: seen them.
    own: tuple[int, int] = (0, 0)

    def cell(self, hits: int, entered: int) -> Array:
        """Beta-binomial probability that so many of those who entered took the branch, of shape (points,)."""
        if self.own[1] == entered:
            return np.full(self.a.shape, float(hits == self.own[0]))

        def probability() -> Array:
            taken, left, both = self._rising(entered)
            log_ways = gammaln(entered + 1) - gammaln(hits + 1) - gammaln(entered - hits + 1)
            return np.asarray(np.exp(log_ways + taken[hits] + left[entered - hits] - both[entered]))

        return once(self, (hits, entered), probability)

    def _rising(self, longest: int) -> tuple[Array, Array, Array]:
        """Logarithms of the rising factorials of a, b and a + b up to `longest` factors; shape (longest + 1, points)."""
        held = beside(self)
        if "rising" not in held or len(held["rising"][0]) <= longest:
            hits, seen = self.own
            longest = max(longest, 6)  # the ways to divide ask for short ones first
            rising = np.zeros((3, longest + 1, self.a.size))
            for one, start in zip(rising, (self.a + hits, self.b + (seen - hits), self.a + self.b + seen), strict=True):
                np.log(start + np.arange(longest)[:, None], out=one[1:])
                for j in range(longest):
                    one[j + 1] += one[j]
            held["rising"] = tuple(rising)
        found: tuple[Array, Array, Array] = held["rising"]
        return found


def likelihood(parts: Mapping[int, Divided], node: Node, events: int, total: int) -> Array | float:
    """Likelihood of a coarse count at the points of `parts`, binomial coefficients included; a number where nothing matters.

    Each branch of the diagram occurs in one place only, and each part of the sum is worked out once.
    """
    sums: dict[tuple[Node, int, int], Array | float] = {}

    def summed(node: Node, events: int, total: int) -> Array | float:
        if total == 0:
            return 1.0
        if not isinstance(node, Branch):
            return 1.0 if events == (total if node == 1.0 else 0) else 0.0
        key = (node, events, total)
        if key not in sums:
            value: Array | float = 0.0
            for hits, above in splits(node, events, total):
                over = summed(node.hit, above, hits)
                under = summed(node.miss, events - above, total - hits)
                value = value + parts[node.edge].cell(hits, total) * over * under
            sums[key] = value
        return sums[key]

    return summed(node, events, total)
