"""Whether a coarser count agrees with the branches that it did not feed, and whether it could have disagreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel.coarsened.nodes import nodes_of
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import Branch, Node
from riskmodel.posterior import Posterior

Array = NDArray[np.float64]

#: A count of one branch, or of several, that has more fetuses is not predicted, nor one of fewer where both sides of a
#: choice below the first lead to other choices: the sums grow with the number of fetuses, its cube, and its fourth power.
LARGEST_ALONE, LARGEST_FORETOLD, LARGEST_FORKED = 10_000, 1000, 300
#: Tail of the prediction beyond which a count is called in conflict, as with a 95 % interval.
TAIL = 0.025


@dataclass(frozen=True)
class Agreement:
    """A coarser count beside what the branches' own counts predict for it."""

    expected: float  # expected number of events among as many fetuses
    mid_p: float  # predictive probability of fewer events, and half that of as many
    #: detectable_low, detectable_high: the most events, and the fewest, that would have been in a tail of 2.5 %; None
    #: where no number would have been: then the count cannot show a conflict on that side whatever it is.
    detectable_low: int | None
    detectable_high: int | None

    @property
    def conflict(self) -> bool:
        """Whether the count lies in a tail of 2.5 %."""
        return not TAIL <= self.mid_p <= 1 - TAIL

    @property
    def testable(self) -> bool:
        """Whether any number of events would have been a conflict."""
        return self.detectable_low is not None or self.detectable_high is not None

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            "expected": self.expected,
            "mid_p": self.mid_p,
            "conflict": self.conflict,
            "testable": self.testable,
            "detectable_low": self.detectable_low,
            "detectable_high": self.detectable_high,
        }


class Foretold(NamedTuple):
    """What is predicted for a count."""

    #: Probability of each number of events in a new setting; None where nothing is predicted.
    pmf: Array | None
    log_score: float | None  # logarithm of the probability of the count as it is; None where that is not known
    reason: str  # why nothing is predicted; empty where something is


def predicted(coarse: Coarse, posteriors: Mapping[int, Posterior]) -> Array | None:
    """Probability of each number of events of a coarse count in a new setting; None where it has too many fetuses.

    By the sums of `coarsened.drawn`, for every number at once. Below the first branch every second row and column of the
    quadrature stands for it, good to 1e-4 of a probability.
    """
    total = coarse.row.total
    if coarse.cell is not None:
        if total > LARGEST_ALONE:
            return None
        alone = posteriors[coarse.node.edge].predict(total)
        return alone if coarse.node.hit else alone[::-1]
    if total > (LARGEST_FORKED if any(map(_forked, coarse.node[1:])) else LARGEST_FORETOLD):
        return None

    def below(node: Node, first: int = 0) -> Array:
        """Probability of each number of events by how many arrive, from `first` on; of shape (arrive + 1, events + 1)."""
        if not isinstance(node, Branch):
            every = np.arange(total + 1)
            return np.asarray(every == every[:, None] * (node == 1.0), float)
        nodes = nodes_of(posteriors[node.edge])
        nodes = nodes if first else nodes.sparse
        missed = nodes.divided(coarse.known.get(node.edge, (0, 0))).missed(first, total, nodes.weights)
        return _together(node, below(node.hit), below(node.miss), missed)

    pmf = below(coarse.node, total)[-1]
    return np.asarray(pmf / np.sum(pmf))


def _forked(node: Node) -> bool:
    """Whether both sides of a choice lead to other choices."""
    sides = (node.hit, node.miss) if isinstance(node, Branch) else ()
    return (bool(sides) and all(isinstance(one, Branch) for one in sides)) or any(map(_forked, sides))


def _together(node: Branch, hit: Array, miss: Array, missed: Array) -> Array:
    """Probability of each number of events by how many arrive, from those of either side and how many miss the branch."""
    for end, rest, beyond in ((node.hit, miss, missed), (node.miss, hit, _rest(missed))):
        if not isinstance(end, Branch):  # all who end there are alike
            return _rest(beyond @ _rest(rest)) if end == 1.0 else beyond @ rest
    found = np.zeros_like(missed)
    for arrive in np.flatnonzero(missed.any(axis=1)):
        for left in range(arrive + 1):
            taken = arrive - left
            found[arrive, : arrive + 1] += missed[arrive, left] * np.convolve(
                hit[taken, : taken + 1], miss[left, : left + 1]
            )
    return found


def _rest(table: Array) -> Array:
    """A table by how many there are and how many of them are of one kind, by how many are of the other."""
    every, kind = np.indices(table.shape)
    return np.asarray(np.where(kind <= every, table[every, every - kind], 0.0))


def agreement(coarse: Coarse, posteriors: Mapping[int, Posterior]) -> Agreement | None:
    """How a coarse count compares with its prediction; None where it has too many fetuses to predict.

    Lancaster HO. Significance tests in discrete distributions. JASA 1961;56:223-234 (the mid-p); Dias S, et al. Checking
    consistency in mixed treatment comparison meta-analysis. Stat Med 2010;29:932-944, section 3 (indirect against direct).
    """
    pmf = predicted(coarse, posteriors)
    if pmf is None:
        return None
    total = coarse.row.total
    below = np.cumsum(pmf) - 0.5 * pmf
    low, high = np.flatnonzero(below < TAIL), np.flatnonzero(below > 1 - TAIL)
    return Agreement(
        expected=float(pmf @ np.arange(total + 1)),
        mid_p=float(below[coarse.row.events]),
        detectable_low=int(low[-1]) if low.size else None,
        detectable_high=int(high[0]) if high.size else None,
    )
