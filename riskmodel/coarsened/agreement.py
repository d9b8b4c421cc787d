"""Whether a coarser count agrees with the branches that it did not feed, and whether it could have disagreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlog1py, xlogy

from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.base import Distribution
from riskmodel.distributions.diagram import Branch, Node, edges_of
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.propagated import propagate
from riskmodel.distributions.special import sigmoid
from riskmodel.posterior import Posterior

#: Steps in which the distribution of a coarse group's risk is read on the logit scale, for a thousand fetuses; in wider ones
#: for fewer, whose binomial is wider.
_STEPS = 1400
#: A count that has more fetuses is not predicted: every number of events takes as long.
LARGEST_FORETOLD = 10_000
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

    A fetus of a setting comes to the event with the probability that the setting's risks give it, so the count is a binomial
    mixed over the distribution of that probability. Good to 3e-4 of a probability.
    """

    def part(node: Node, entered: int) -> NDArray[np.float64]:
        if not isinstance(node, Branch):
            return np.asarray(np.eye(1, entered + 1, entered if node == 1.0 else 0)[0])
        own = coarse.known.get(node.edge, (0, 0))
        if own[1] == entered:  # the same fetuses: how they divided is known
            return np.convolve(part(node.hit, own[0]), part(node.miss, entered - own[0]))
        if own[1] == 0 and {node.hit, node.miss} == {0.0, 1.0}:
            alone: NDArray[np.float64] = posteriors[node.edge].predict(entered)
            return np.asarray(alone if node.hit == 1.0 else alone[::-1])
        settings: dict[int, Distribution] = {edge: posteriors[edge].next_setting for edge in edges_of(node)}
        for edge in settings.keys() & coarse.known.keys():  # this risk has seen its cell, as the hyperparameters have
            risk, (hits, seen) = posteriors[edge].new_setting, coarse.known[edge]
            if isinstance(risk, BetaMixture):
                settings[edge] = BetaMixture(risk.weights, risk.a + hits, risk.b + (seen - hits))
        ends = np.linspace(-14.0, 14.0, 1 + int(_STEPS * np.clip(np.sqrt(entered / 1000), 0.2, 1)))
        share = np.diff(propagate(node, 1.0, settings).cdf(sigmoid(ends)), prepend=0.0, append=1.0)
        risks = sigmoid(np.concatenate([ends[:1], 0.5 * (ends[1:] + ends[:-1]), ends[-1:]]))
        events = np.arange(entered + 1)
        log_ways = gammaln(entered + 1) - gammaln(events + 1) - gammaln(entered - events + 1)
        log_pmf = log_ways + xlogy(events, risks[:, None]) + xlog1py(entered - events, -risks[:, None])
        return np.asarray(share @ np.exp(log_pmf))

    return part(coarse.node, coarse.row.total) if coarse.row.total <= LARGEST_FORETOLD else None


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
