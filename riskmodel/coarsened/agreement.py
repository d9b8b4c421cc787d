"""Whether a coarser count agrees with the branches that it did not feed, and whether it could have disagreed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel.coarsened.counts import Divided, likelihood
from riskmodel.coarsened.nodes import at_levels
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import Branch, Node, edges_of
from riskmodel.distributions.points import kronecker
from riskmodel.posterior import Posterior

#: Settings that are simulated: a tail probability of 2.5 % is then good to some 0.25 points.
_SETTINGS = 4096
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


def predicted(coarse: Coarse, posteriors: Mapping[int, Posterior]) -> NDArray[np.float64]:
    """What the branches predict for a coarse count in a new setting."""
    edges = sorted(edges_of(coarse.node))
    rng = np.random.default_rng(20261123)
    risks = {}
    for edge, level in zip(edges, kronecker(len(edges), _SETTINGS), strict=True):
        a, b = at_levels(posteriors[edge], level)
        hits, seen = coarse.known.get(edge, (0, 0))
        risks[edge] = rng.beta(np.maximum(a + hits, 1e-12), np.maximum(b + seen - hits, 1e-12))
    total = coarse.row.total
    events = _simulated(coarse.node, np.full(_SETTINGS, total), risks, coarse, rng)
    return np.bincount(events, minlength=total + 1) / _SETTINGS


def agreement(coarse: Coarse, posteriors: Mapping[int, Posterior]) -> Agreement:
    """How a coarse count compares with its prediction.

    Lancaster HO. Significance tests in discrete distributions. JASA 1961;56:223-234 (the mid-p); Dias S, et al. Checking
    consistency in mixed treatment comparison meta-analysis. Stat Med 2010;29:932-944, section 3 (indirect against direct).
    """
    pmf = predicted(coarse, posteriors)
    total = coarse.row.total
    below = np.cumsum(pmf) - 0.5 * pmf
    low, high = np.flatnonzero(below < TAIL), np.flatnonzero(below > 1 - TAIL)
    return Agreement(
        expected=float(pmf @ np.arange(total + 1)),
        mid_p=float(below[coarse.row.events]),
        detectable_low=int(low[-1]) if low.size else None,
        detectable_high=int(high[0]) if high.size else None,
    )


def log_predictive(coarse: Coarse, posteriors: Mapping[int, Posterior]) -> float | None:
    """Logarithm of the predictive probability of a coarse count."""
    edges = sorted(edges_of(coarse.node))
    parts = {}
    for edge, level in zip(edges, kronecker(len(edges), _SETTINGS), strict=True):
        parts[edge] = Divided(*at_levels(posteriors[edge], level), coarse.known.get(edge, (0, 0)))
    probability = float(np.mean(likelihood(parts, coarse.node, coarse.row.events, coarse.row.total)))
    return math.log(probability) if probability > 0 else None


def _simulated(
    node: Node,
    entered: NDArray[np.int64],
    risks: Mapping[int, NDArray[np.float64]],
    coarse: Coarse,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Events among the fetuses that reach a place of the tree, of shape (settings,)."""
    if not isinstance(node, Branch):
        return entered if node == 1.0 else np.zeros_like(entered)
    hits = rng.binomial(entered, risks[node.edge])
    own = coarse.known.get(node.edge)
    if own is not None:
        # Where as many fetuses entered as the series itself reports of this branch, they are the same ones.
        hits = np.where(entered == own[1], own[0], hits)
    first = _simulated(node.hit, hits, risks, coarse, rng)
    return first + _simulated(node.miss, entered - hits, risks, coarse, rng)
