r"""The contaminated beta-binomial: a share of settings differ more, about the same average.

.. math::

    \theta_i \sim (1-\varepsilon)\,\mathrm{Beta}(\mu\phi_1, (1-\mu)\phi_1)
    + \varepsilon\,\mathrm{Beta}(\mu\phi_2, (1-\mu)\phi_2), \qquad \tau(\mu, \phi_2) = k\,\tau(\mu, \phi_1)

with tau the standard deviation of logit(theta) in a component, so that tails are heavier and mu stays the mean. The prior on
heterogeneity is on the first component's. It is the contaminated normal of Tukey (A survey of sampling from contaminated
distributions, 1960), which Beath (Research Synthesis Methods 2014;5:285-93) uses for outlying studies of a meta-analysis. A
series' likelihood has two terms, and given a node each risk is a mixture of two Betas: the nodes of `quadrature` serve, and
answers stay mixtures of Betas.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import kept
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.settings import SHARE, ContaminatedSettings, wider
from riskmodel.distributions.special import log_rising
from riskmodel.inference import beta_binomial
from riskmodel.inference.lattice import Lattice
from riskmodel.posterior import Posterior
from riskmodel.priors import HeterogeneityPrior, MuPrior

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

NAME = "contaminated-beta-binomial"


@dataclass(frozen=True)
class Problem(beta_binomial.Problem):
    """Counts and priors, as the integrand needs them."""

    share: float = SHARE  # of settings that differ more

    in_one_product: ClassVar[bool] = False

    def log_likelihood(self, logs: tuple[Array, Array], mu: Array, rest: Array, g: Array) -> Array:
        """Logarithm of the probability of all series' counts in one order."""
        return log_likelihood(self.events, self.totals, mu, rest, g, self.share)


def log_likelihood(events: Counts, totals: Counts, mu: Array, rest: Array, g: Array, share: float = SHARE) -> Array:
    """Logarithm of the probability of all series' counts in one order: of which component each is, is not known."""
    pairs, repeats = np.unique(np.stack([events, totals]), axis=1, return_counts=True)
    usual = _log_likelihoods(mu, rest, g, *pairs)
    wide = _log_likelihoods(mu, rest, wider(mu, rest, g), *pairs)
    value = np.zeros(np.broadcast_shapes(mu.shape, g.shape))
    for repeat, one, other in zip(repeats, usual, wide, strict=True):
        value += repeat * np.logaddexp(np.log1p(-share) + one, np.log(share) + other)
    return value


def _log_likelihoods(mu: Array, rest: Array, g: Array, events: Counts, totals: Counts) -> list[Array]:
    """Logarithm of the probability of each series' counts in one order."""
    sides = ((mu, events), (rest, totals - events), (np.ones_like(g), totals))
    hit, missed, seen = (_each_log_rising(start, g, counts) for start, counts in sides)
    return [one + other - whole for one, other, whole in zip(hit, missed, seen, strict=True)]


def _each_log_rising(start: Array, step: Array, counts: Counts) -> list[Array]:
    """What `log_rising` adds up, for each count by itself: a longer product goes on where a shorter one ends."""
    values, place = np.unique(counts, return_inverse=True)
    found = [np.zeros(np.broadcast_shapes(start.shape, step.shape))]
    for low, high in pairwise([0, *values.tolist()]):
        found.append(found[-1] + log_rising(start + low * step, step, np.array([high - low])))
    return [found[i + 1] for i in place]


def fit(
    events: Counts,
    totals: Counts,
    *,
    labels: tuple[str, ...],
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior,
    share: float = SHARE,
) -> Posterior:
    """Posterior of the contaminated beta-binomial model."""
    problem = Problem(events, totals, mu_prior, heterogeneity_prior, share)
    return beta_binomial.solve(problem, labels, NAME, partial(LatticeContaminated, share=share))


@dataclass(frozen=True, eq=False, repr=False)
class LatticeContaminated(ContaminatedSettings):
    """Settings whose risk is a mixture of two Betas at each node of a lattice."""

    lattice: Lattice

    @kept
    def usual(self) -> BetaMixture:
        """A Beta for every node."""
        return beta_binomial.mixture_nodes(self.lattice)
