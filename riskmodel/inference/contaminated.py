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

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from riskmodel._support.kept import kept
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.settings import Settings
from riskmodel.distributions.special import g_of, log_rising, tau_of
from riskmodel.inference import beta_binomial
from riskmodel.inference.lattice import Lattice
from riskmodel.posterior import Posterior
from riskmodel.priors import HeterogeneityPrior, MuPrior

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

NAME = "contaminated-beta-binomial"
#: Share of settings that differ more. Of 0.1 and 0.2 the one that predicts as well and covers more (docs/default-prior.md).
SHARE = 0.2
#: Their spread, in spreads of the others.
FACTOR = 2.0


def wider(mu: Array, rest: Array, g: Array) -> Array:
    """The g at which settings spread `FACTOR` times as much about the same mu."""
    return g_of(FACTOR * tau_of(mu, rest, g)[0], mu, rest)


@dataclass(frozen=True)
class Problem(beta_binomial.Problem):
    """Counts and priors, as the integrand needs them."""

    share: float = SHARE  # of settings that differ more

    def with_likelihood(self, log_prior: Array, mu: Array, rest: Array, g: Array) -> Array:
        """Each series by itself: which component it is of is not known."""
        if not self.events.size:
            return log_prior
        pairs, repeats = np.unique(np.stack([self.events, self.totals]), axis=1, return_counts=True)
        usual = _log_likelihoods(mu, rest, g, *pairs)
        wide = _log_likelihoods(mu, rest, wider(mu, rest, g), *pairs)
        for repeat, one, other in zip(repeats, usual, wide, strict=True):
            log_prior = log_prior + repeat * np.logaddexp(np.log1p(-self.share) + one, np.log(self.share) + other)
        return log_prior


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
    return beta_binomial.solve(problem, labels, NAME, partial(ContaminatedSettings, share=share))


@dataclass(frozen=True, eq=False, repr=False)
class ContaminatedSettings(Settings):
    """Settings whose risk is a mixture of two Betas at each node of a lattice."""

    lattice: Lattice
    share: float = SHARE  # of settings that differ more

    @kept
    def components(self) -> tuple[BetaMixture, BetaMixture]:
        """Usual and wide Betas of the same nodes, with the nodes' weights."""
        usual = beta_binomial.mixture_nodes(self.lattice)
        size = usual.a + usual.b
        mu, rest = usual.a / size, usual.b / size
        g = wider(mu, rest, 1 / size)
        return usual, BetaMixture(usual.weights, mu / g, rest / g)

    @kept
    def new_setting(self) -> BetaMixture:
        """Two Betas for every node."""
        return self._joined(0, 0, np.full(len(self.components[0]), self.share))

    def own(self, i: int) -> BetaMixture:
        """Each node's two, updated: the node's weight stays, for it has seen all series; its share moves."""
        events, total = int(self.events[i]), int(self.totals[i])
        usual, wide = (one.log_ratio(events, total - events) for one in self.components)
        return self._joined(events, total, expit(wide - usual + np.log(self.share) - np.log1p(-self.share)))

    def _joined(self, events: int, total: int, share: Array) -> BetaMixture:
        usual, wide = (one.shifted(events, total) for one in self.components)
        weights = np.concatenate([usual.weights * (1 - share), wide.weights * share])
        a, b = np.concatenate([usual.a, wide.a]), np.concatenate([usual.b, wide.b])
        keep = weights > 0
        return BetaMixture(weights[keep], a[keep], b[keep])
