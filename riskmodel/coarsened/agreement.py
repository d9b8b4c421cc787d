"""Whether a coarser count agrees with the branches that it did not feed, and whether it could have disagreed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel.coarsened.counts import Divided, Sums
from riskmodel.coarsened.nodes import HyperNodes
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import Branch, Node, edges_of
from riskmodel.distributions.propagated import kronecker

#: Settings that are simulated: a tail probability of 2.5 % is then good to some 0.25 points.
_SETTINGS = 4096
#: Tail of the prediction beyond which a count is called in conflict, as with a 95 % interval.
TAIL = 0.025


@dataclass(frozen=True)
class Agreement:
    """A coarser count beside what the branches' own counts predict for it.

    Parameters
    ----------
    expected : float
        Expected number of events among as many fetuses.
    mid_p : float
        Predictive probability of fewer events, and half that of as many.
    detectable_low, detectable_high : int or None
        The most events, and the fewest, that would have been in a tail of 2.5 %; None where no number would have been:
        then the count cannot show a conflict on that side whatever it is.
    """

    expected: float
    mid_p: float
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
    """What is predicted for a count.

    Parameters
    ----------
    pmf : ndarray of shape (total + 1,) or None
        Probability of each number of events in a new setting; None where nothing is predicted.
    log_score : float or None
        Logarithm of the probability of the count as it is; None where that is not known.
    reason : str
        Why nothing is predicted; empty where something is.
    """

    pmf: NDArray[np.float64] | None
    log_score: float | None
    reason: str


def predicted(coarse: Coarse, nodes: Mapping[int, HyperNodes]) -> NDArray[np.float64]:
    """What the branches predict for a coarse count in a new setting.

    Parameters
    ----------
    coarse : Coarse
        The count, of which only its group and total matter.
    nodes : mapping of int to HyperNodes
        Of the posteriors of its branches, without it.

    Returns
    -------
    ndarray of shape (total + 1,)
        Probability of each number of events, by simulation of its fetuses through the tree with a fixed seed.
    """
    edges = sorted(edges_of(coarse.node))
    rng = np.random.default_rng(20261123)
    risks = {}
    for edge, level in zip(edges, kronecker(len(edges), _SETTINGS), strict=True):
        a, b = nodes[edge].at(level)
        hits, seen = coarse.known.get(edge, (0, 0))
        risks[edge] = rng.beta(np.maximum(a + hits, 1e-12), np.maximum(b + seen - hits, 1e-12))
    total = coarse.row.total
    events = _simulated(coarse.node, np.full(_SETTINGS, total), risks, coarse, rng)
    return np.bincount(events, minlength=total + 1) / _SETTINGS


def agreement(coarse: Coarse, nodes: Mapping[int, HyperNodes]) -> Agreement:
    """How a coarse count compares with its prediction.

    Parameters
    ----------
    coarse : Coarse
        The count.
    nodes : mapping of int to HyperNodes
        Of the posteriors of its branches, without it.

    Returns
    -------
    Agreement
        By simulation of its fetuses through the tree in new settings, with a fixed seed.

    References
    ----------
    Lancaster HO. Significance tests in discrete distributions. JASA 1961;56:223-234 (the mid-p); Dias S, et al. Checking
    consistency in mixed treatment comparison meta-analysis. Stat Med 2010;29:932-944, section 3 (indirect against direct).
    """
    pmf = predicted(coarse, nodes)
    total = coarse.row.total
    below = np.cumsum(pmf) - 0.5 * pmf
    low, high = np.flatnonzero(below < TAIL), np.flatnonzero(below > 1 - TAIL)
    return Agreement(
        expected=float(pmf @ np.arange(total + 1)),
        mid_p=float(below[coarse.row.events]),
        detectable_low=int(low[-1]) if low.size else None,
        detectable_high=int(high[0]) if high.size else None,
    )


def log_predictive(coarse: Coarse, nodes: Mapping[int, HyperNodes]) -> float | None:
    """Logarithm of the predictive probability of a coarse count.

    Parameters
    ----------
    coarse : Coarse
        The count.
    nodes : mapping of int to HyperNodes
        Of the posteriors of its branches, without it.

    Returns
    -------
    float or None
        From exact sums over how the fetuses divided, averaged over points of the branches' hyperparameters; None where the
        count cannot have come about.
    """
    edges = sorted(edges_of(coarse.node))
    parts = {}
    for edge, level in zip(edges, kronecker(len(edges), _SETTINGS), strict=True):
        parts[edge] = Divided(*nodes[edge].at(level), coarse.known.get(edge, (0, 0)))
    probability = float(np.mean(Sums(parts).likelihood(coarse.node, coarse.row.events, coarse.row.total)))
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
