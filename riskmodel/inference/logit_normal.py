r"""The logit-normal model, known as binomial-normal, by adaptive two-dimensional quadrature.

.. math::

    y_i \sim \mathrm{Binomial}(n_i, \theta_i), \qquad \mathrm{logit}\,\theta_i \sim \mathrm{N}(x, \tau^2)

The rows and columns are those of `quadrature`, with ``w = log(tau)`` outside and ``x``, the logit of the average, inside;
each series' own risk is integrated out by `logit_normal_likelihood`. Here `average` is expit(x), the risk in the middle
setting, not the mean of the new setting's: they differ where settings do. It is the model of RBesT's gMAP (Weber, Li,
Seaman, Kakizume and Schmidli, Journal of Statistical Software 2021;100(19)) and of Stijnen, Hamza and Ozdemir (Statistics
in Medicine 2010;29:3046-67).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import kept
from riskmodel.errors import AccuracyError
from riskmodel.inference.lattice import Lattice
from riskmodel.inference.logit_normal_likelihood import NORMAL, RandomEffect, Spreads
from riskmodel.inference.logit_normal_settings import LogitNormalSettings
from riskmodel.inference.marginals import AverageMarginal, TauMarginal
from riskmodel.inference.quadrature import LARGEST_ERROR, integrate, log_combinations, should_mirror
from riskmodel.posterior import ErrorEstimate, Posterior
from riskmodel.priors import MuPrior, TauPrior

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: How fine the inner rule is where only a few percent matter: two standard deviations apart, 2 exp(-2 pi**2 / 4).
_ROUGH = 0.4
#: Rows and columns at which the inner rule is compared with a finer one.
_CHECKED = 8


@dataclass(frozen=True)
class Problem:
    """Counts and priors, as the integrand needs them."""

    events: Counts  # events, totals: counts; no series is allowed
    totals: Counts
    mu_prior: MuPrior  # prior on the average
    tau_prior: TauPrior  # prior on the spread between settings
    spreads: Spreads = NORMAL  # how logits of risks lie about their middle
    finer: float = 1.0  # how much finer than usual the inner rule shall be
    log_g_over_m: bool = False

    def mirrored(self) -> Problem:
        """The same problem with events and non-events exchanged."""
        return replace(self, events=self.totals - self.events, mu_prior=self.mu_prior.mirrored())

    @kept
    def _alike(self) -> tuple[RandomEffect, NDArray[np.int64]]:
        """Series with the same counts once, and how often each occurs."""
        pairs, repeats = np.unique(np.stack([self.events, self.totals]), axis=1, return_counts=True)
        return RandomEffect(pairs[0], pairs[1], self.finer), repeats

    @kept
    def _rough(self) -> Problem:
        return replace(self, finer=_ROUGH, spreads=self.spreads.fewer())

    def start(self) -> tuple[float, float]:
        """Centre and scale of log tau under its prior, which states those of log tau squared."""
        centre, scale = self.tau_prior.centre()
        return centre / 2, scale / 2

    def first_guess(self, w: Array) -> tuple[Array, Array]:
        """Centre and scale of x given w: logits weighted by their inverse variances (DerSimonian and Laird, 1986)."""
        if not self.events.size:
            return np.zeros(w.shape), np.full(w.shape, 2.0)
        hits, misses = self.events[:, None] + 0.5, (self.totals - self.events)[:, None] + 0.5
        weight = 1 / (1 / hits + 1 / misses + np.exp(2 * np.minimum(w, 20.0)))
        total = weight.sum(axis=0)
        return (weight * (np.log(hits) - np.log(misses))).sum(axis=0) / total, 1 / np.sqrt(total)

    def log_density(self, x: Array, w: Array) -> Array:
        """Logarithm of likelihood times prior density with respect to x, of shape (rows, columns), and w, (rows, 1)."""
        tau = np.exp(w[:, 0])
        value = self.mu_prior.log_density(x) + (self.tau_prior.formula(tau) + w[:, 0])[:, None]
        effect, repeats = self._alike
        if repeats.size:
            value = value + np.tensordot(repeats, effect.mixed_log_likelihood(x, tau, self.spreads), 1)
        return np.asarray(value)

    def rough_log_density(self, x: Array, w: Array) -> Array:
        """The same to a few percent, to find where it matters."""
        return self._rough.log_density(x, w)


def fit(
    events: Counts,
    totals: Counts,
    *,
    labels: tuple[str, ...],
    mu_prior: MuPrior,
    tau_prior: TauPrior,
    spreads: Spreads = NORMAL,
    model: str = "logit-normal",
) -> Posterior:
    """Posterior of the logit-normal model, or of one with other spreads about the middle."""
    problem = Problem(events, totals, mu_prior, tau_prior, spreads)
    # The rarer of event and non-event is modelled: exact symmetry, and no digits lost to risks near one.
    flip = should_mirror(events, totals)
    problem = problem.mirrored() if flip else problem
    lattice, outer = integrate(problem, between_nodes=True)
    inner = _inner_error(problem, lattice)
    if not inner <= LARGEST_ERROR:
        raise AccuracyError(
            f"the estimated error {inner:.1g} of the inner integral is above 1e-6 for {events.size} series",
            where="pool",
            remedy='Use model="beta-binomial", or a prior without mass at the extremes',
        )
    lattice = lattice.mirrored() if flip else lattice
    tau = TauMarginal(lattice)
    return Posterior(
        events=events,
        totals=totals,
        labels=labels,
        average=AverageMarginal(lattice),
        settings=LogitNormalSettings(events, totals, lattice, spreads),
        heterogeneity=tau,
        tau=tau,
        model=model,
        method="quadrature",
        prior=str(mu_prior),
        heterogeneity_prior=str(tau_prior),
        priors=(mu_prior, tau_prior),
        log_evidence=lattice.log_total + log_combinations(events, totals),
        error=ErrorEstimate(
            outer.mean + inner, outer.sd + inner, outer.log_evidence + inner, lattice.weights.size, "quadrature"
        ),
    )


def _inner_error(problem: Problem, lattice: Lattice) -> float:
    """What a finer inner rule changes: the weighted mean of the change of the log-likelihood at some nodes."""
    if not problem.events.size:
        return 0.0
    rows = np.argsort(lattice.weights.sum(axis=1))[::-1][:: max(1, lattice.w.size // _CHECKED)]
    columns = slice(None, None, max(1, lattice.u.size // _CHECKED))
    x, w = lattice.x[rows][:, columns], lattice.w[rows, None]
    weights = lattice.weights[rows][:, columns]
    change = problem.log_density(x, w) - replace(problem, finer=1.5).log_density(x, w)
    return float((weights * np.abs(change)).sum() / weights.sum())
