"""Whether a coarser count agrees with the branches that it did not feed, and whether it could have disagreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel.coarsened.nodes import Nodes, nodes_of
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import Branch, Node
from riskmodel.posterior import Posterior

#: A count of several branches that has more fetuses is not predicted: the sums grow with the cube of their number.
LARGEST_FORETOLD = 1000
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
    pmf: NDArray[np.float64] | None
    log_score: float | None  # logarithm of the probability of the count as it is; None where that is not known
    reason: str  # why nothing is predicted; empty where something is


def predicted(coarse: Coarse, posteriors: Mapping[int, Posterior]) -> NDArray[np.float64] | None:
    """Probability of each number of events of a coarse count in a new setting; None where it has too many fetuses.

    By the sums of `coarsened.drawn`, for every number at once. Below the first branch every second row and column of the
    quadrature stands for it, good to 1e-4 of a probability.
    """
    total = coarse.row.total

    every = np.arange(total + 1)

    def cells(edge: int, missed: NDArray[np.int64], nodes: Nodes) -> NDArray[np.float64]:
        hits = every if missed.ndim == 1 else every[:, None]
        return np.asarray(nodes.divided(coarse.known.get(edge, (0, 0))).cells(hits, missed) @ nodes.weights)

    def below(node: Node) -> NDArray[np.float64]:
        """Probability of each number of events by how many arrive, of shape (arrive + 1, events + 1)."""
        found = np.zeros((total + 1, total + 1))
        if not isinstance(node, Branch):
            found[every, every if node == 1.0 else 0] = 1.0
            return found
        hit, miss = below(node.hit), below(node.miss)
        table = cells(node.edge, every[None, :], nodes_of(posteriors[node.edge]).sparse)
        for arrive in range(total + 1):
            for hits in range(arrive + 1):
                found[arrive, : arrive + 1] += table[hits, arrive - hits] * _together(hit, hits, miss, arrive - hits)
        return found

    if sum(isinstance(one, Branch) for one in (coarse.node.hit, coarse.node.miss)) and total > LARGEST_FORETOLD:
        return None
    hit, miss = below(coarse.node.hit), below(coarse.node.miss)
    chances = cells(coarse.node.edge, every[::-1], nodes_of(posteriors[coarse.node.edge]))
    pmf = sum(chance * _together(hit, hits, miss, total - hits) for hits, chance in enumerate(chances))
    return np.asarray(pmf / np.sum(pmf))


def _together(first: NDArray[np.float64], hits: int, second: NDArray[np.float64], missed: int) -> NDArray[np.float64]:
    """Probability of each number of events on two sides, of whom so many are on either."""
    return np.convolve(first[hits, : hits + 1], second[missed, : missed + 1])


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
