r"""The beta-binomial model, in closed form where settings are alike and by quadrature where they may differ.

.. math::

    y_i \sim \mathrm{BetaBinomial}(n_i, \mu\phi, (1-\mu)\phi), \qquad g = 1/\phi = \rho/(1-\rho)

The outer variable of the quadrature is ``w``: log g for priors on rho and log q, ``g = q mu (1 - mu)``, for priors on tau; q
is near tau squared where tau is small and makes mu and heterogeneity nearly independent whatever the risk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import kept
from riskmodel.distributions.base import PointMass, SettingDistribution
from riskmodel.distributions.bulk import bulk, compiled
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.quantiles import lightest_kept
from riskmodel.distributions.settings import AlikeSettings, ConjugateSettings, Settings
from riskmodel.distributions.special import (
    direct_and_left,
    log_rising,
    log_rising_remainder,
    log_sigmoids,
    sigmoid,
)
from riskmodel.inference.lattice import Lattice
from riskmodel.inference.marginals import AverageMarginal, BetaTauMarginal, HeterogeneityMarginal, SettingRisk
from riskmodel.inference.quadrature import integrate, integrate_one, log_combinations, should_mirror
from riskmodel.posterior import ErrorEstimate, Posterior
from riskmodel.priors import HeterogeneityPrior, MixturePrior, MuPrior, TauPrior

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Ripple that a row of Betas standing apart may put on the distribution function, per node.
_RIPPLE = 2e-8
#: Finest subdivision of a row. Components narrower than that are widened to their spacing, at most a sixtieth of the
#: row's own width: 3e-4 of its variance, and only the share of the posterior in which settings are that much alike.
_MAX_SUBDIVISION = 20
#: Components that together hold less than this are left out.
_LEFT_OUT = 1e-9
#: A lighter one is left out in any case: of less than 100,000 nodes those hold less than a tenth of that.
_UNSEEN = 1e-15
#: Counts from which on a last digit of log(mu) shows in the posterior at 1e-12.
_LARGEST_COMPILED = 10_000


@dataclass(frozen=True)
class Problem:
    """Counts and priors, as the integrand needs them."""

    events: Counts  # events, totals: counts; no series is allowed
    totals: Counts
    mu_prior: MuPrior  # prior on the average risk
    heterogeneity_prior: HeterogeneityPrior  # prior on the spread between settings

    #: Whether the likelihood is a product over series of what one Beta gives, which has a compiled twin.
    in_one_product: ClassVar[bool] = True

    def mirrored(self) -> Problem:
        """The same problem with events and non-events exchanged."""
        return replace(self, events=self.totals - self.events, mu_prior=self.mu_prior.mirrored())

    @property
    def log_g_over_m(self) -> bool:
        """Whether w is log g - log(mu (1 - mu))."""
        return self.heterogeneity_prior.scale == "tau"

    def start(self) -> tuple[float, float]:
        """Centre and scale of w under its prior."""
        return self.heterogeneity_prior.centre()

    def log_g(self, x: Array, w: Array) -> Array:
        """Logarithm of g at logit average x and outer variable w."""
        if not self.log_g_over_m:
            return w
        return w + np.add(*log_sigmoids(x))

    def log_density(self, x: Array, w: Array) -> Array:
        """Logarithm of likelihood times prior density with respect to x and w."""
        if (fast := compiled()) is not None and self.in_one_product:
            return self._compiled_log_density(fast, x, w)
        log_mu, log_rest = log_sigmoids(x)
        mu, rest = np.exp(log_mu), np.exp(log_rest)
        g = np.exp(w + log_mu + log_rest) if self.log_g_over_m else np.exp(w)
        prior = self.mu_prior.formula(x, log_mu, log_rest) + self.heterogeneity_prior.log_density(mu, rest, g)
        return np.asarray(prior + self.log_likelihood((log_mu, log_rest), mu, rest, g))

    def log_likelihood(self, logs: tuple[Array, Array], mu: Array, rest: Array, g: Array) -> Array:
        """Logarithm of the probability of all series' counts in one order, at mu and rest = 1 - mu and their logarithms."""
        value = log_rising(mu, g, self.events, logs[0])
        value += log_rising(rest, g, self.totals - self.events, logs[1])
        value -= log_rising(np.ones_like(g), g, self.totals, 0.0)
        return value

    def _compiled_log_density(self, fast: Any, x: Array, w: Array) -> Array:
        """The same by compiled loops."""
        counts, ends = self._products
        log_mu, log_rest, spread, value = fast.integrand(x, w.ravel(), self.log_g_over_m, counts)
        value += self.mu_prior.formula(x, log_mu, log_rest)
        prior = self.heterogeneity_prior
        if isinstance(prior, TauPrior):
            value += prior.formula(spread)
        else:
            value += prior.log_density(np.exp(log_mu), np.exp(log_rest), spread)
        # The ends of long products stay with NumPy: their large terms cancel to the last digit where they are rounded alike.
        if any(ends):
            g = np.exp(self.log_g(x, w))
            for sign, start, end in zip(
                (1, 1, -1), (np.exp(log_mu), np.exp(log_rest), np.ones_like(g)), ends, strict=True
            ):
                for first, count, repeat in end:
                    value += sign * repeat * log_rising_remainder(start + first * g, g, count)
        return np.asarray(value)

    @kept
    def _products(self) -> tuple[Counts, list[list[tuple[int, float, int]]]]:
        """Of events, others and totals the lengths of the products, of shape (3, series), and what is beyond them."""
        sides = [direct_and_left(one) for one in (self.events, self.totals - self.events, self.totals)]
        return np.array([direct for direct, _ in sides]), [left for _, left in sides]

    def rough_log_density(self, x: Array, w: Array) -> Array:
        """The same: it costs little."""
        return self.log_density(x, w)

    def first_guess(self, w: Array) -> tuple[Array, Array]:
        """Centre and scale of x given w, by moments (Kleinman, JASA 1973): weights n / (1 + (n - 1) rho)."""
        if not self.events.size:
            return np.zeros(w.shape), np.full(w.shape, 2.0)
        n = self.totals[:, None]
        x = np.full(w.shape, np.log((self.events.sum() + 0.5) / ((self.totals - self.events).sum() + 0.5)))
        for _ in range(3):
            rho = 1 / (1 + np.exp(-self.log_g(x, w)))
            share = n / (1 + (n - 1) * rho)
            hits = (share * (self.events / self.totals)[:, None]).sum(0) + 0.5
            misses = (share * (1 - self.events / self.totals)[:, None]).sum(0) + 0.5
            x = np.log(hits / misses)
        return x, np.sqrt(1 / hits + 1 / misses)


def fit(
    events: Counts,
    totals: Counts,
    *,
    labels: tuple[str, ...],
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior,
) -> Posterior:
    """Posterior of the beta-binomial model."""
    return solve(Problem(events, totals, mu_prior, heterogeneity_prior), labels, "beta-binomial", LatticeSettings)


def solve(problem: Problem, labels: tuple[str, ...], model: str, settings: Callable[..., Settings]) -> Posterior:
    """Posterior of a problem; `settings` are made from its counts and its nodes."""
    events, totals = problem.events, problem.totals
    # The rarer of event and non-event is modelled: exact symmetry, and no digits lost to risks near one.
    flip = should_mirror(events, totals)
    # The digits of large counts cancel alike only where all is rounded alike: they stay with NumPy.
    with bulk(compiled() is not None and bool(totals.max(initial=0) < _LARGEST_COMPILED)):
        lattice, error = integrate(problem.mirrored() if flip else problem)
    if flip:
        lattice = lattice.mirrored()

    return Posterior(
        events=events,
        totals=totals,
        labels=labels,
        average=AverageMarginal(lattice),
        settings=settings(events, totals, lattice=lattice),
        heterogeneity=HeterogeneityMarginal(lattice),
        tau=BetaTauMarginal(lattice),
        model=model,
        method="quadrature",
        prior=str(problem.mu_prior),
        heterogeneity_prior=str(problem.heterogeneity_prior),
        priors=(problem.mu_prior, problem.heterogeneity_prior),
        log_evidence=lattice.log_total + log_combinations(events, totals),
        error=error,
    )


def fit_alike(
    events: Counts, totals: Counts, *, labels: tuple[str, ...], mu_prior: MuPrior, model: str = "beta-binomial"
) -> Posterior:
    """All settings alike: one risk, and counts that add up. For a Beta prior the closed form."""
    if isinstance(mu_prior, MixturePrior):
        hits, seen = int(events.sum()), int(totals.sum())
        mixture = mu_prior.mixture.update(hits, seen)
        error = ErrorEstimate(1e-15, 1e-15, 1e-9, len(mixture), "exact")
        risk: SettingDistribution = mixture
        log_total = mu_prior.mixture.log_probability(hits, seen)
    else:
        lattice, error = _one_risk(events, totals, mu_prior)
        risk, log_total = SettingRisk(lattice), lattice.log_total
    return Posterior(
        events=events,
        totals=totals,
        labels=labels,
        average=risk,
        settings=AlikeSettings(events, totals, risk),
        heterogeneity=PointMass(0.0, "tau" if model.startswith("logit-") else "rho"),
        tau=PointMass(0.0, "tau"),
        model=model,
        method="conjugate" if isinstance(risk, BetaMixture) else "quadrature",
        prior=str(mu_prior),
        heterogeneity_prior="heterogeneity 0",
        priors=(mu_prior, None),
        log_evidence=log_total + log_combinations(events, totals),
        error=error,
    )


def _one_risk(events: Counts, totals: Counts, mu_prior: MuPrior) -> tuple[Lattice, ErrorEstimate]:
    """Nodes of one risk that all settings share, under a prior that is not conjugate."""
    hits, seen = np.array([events.sum()]), np.array([totals.sum()])
    zero = np.zeros((1, 1))

    def log_density(x: Array) -> Array:
        mu, rest = (np.exp(side) for side in log_sigmoids(x))
        likelihood = log_rising(mu, zero, hits) + log_rising(rest, zero, seen - hits)
        return np.asarray(mu_prior.log_density(x) + likelihood)

    return integrate_one(log_density)


@dataclass(frozen=True, eq=False, repr=False)
class LatticeSettings(ConjugateSettings):
    """Settings whose risk is a Beta at each node of a lattice."""

    lattice: Lattice

    @kept
    def new_setting(self) -> BetaMixture:
        """A Beta for every node."""
        return mixture_nodes(self.lattice)


def mixture_nodes(lattice: Lattice) -> BetaMixture:
    """Posterior of the risk in a new setting: a Beta for every node."""
    log_mu, log_rest = lattice.logs
    # What a trigamma is above, and at most twice as much: of two of them tau is the square root.
    far, near = (np.exp(lattice.log_g - side) for side in (log_mu, log_rest))
    tau = np.sqrt(far + near + 0.5 * (far * far + near * near))
    spacing = lattice.scale[:, None] * (np.cosh(lattice.u) * lattice.step)
    # Betas one width apart ripple by 2 exp(-2 pi**2) of their weight (Poisson summation): light nodes may stand apart.
    allowed = np.sqrt(2 * np.pi**2 / np.log(2 * np.maximum(lattice.weights, _RIPPLE) / _RIPPLE))
    needed = np.where(lattice.weights > _RIPPLE, spacing / (tau * allowed), 0.0).max(axis=1)
    subdivision = np.minimum(2 ** np.ceil(np.log2(np.maximum(needed, 1))), _MAX_SUBDIVISION).astype(int)
    parts = [_row_components(lattice, subdivision == factor, int(factor)) for factor in np.unique(subdivision)]
    weights, x, log_g = (np.concatenate([part[i] for part in parts]) for i in range(3))
    keep = weights >= lightest_kept(weights, _LEFT_OUT) * (1 - 1e-9)  # all or none of those that are as heavy
    weights, x, log_g = weights[keep], x[keep], log_g[keep]
    a, b = (np.exp(side - log_g) for side in log_sigmoids(x))
    return BetaMixture(weights, b, a) if lattice.mirror else BetaMixture(weights, a, b)


def _row_components(lattice: Lattice, rows: NDArray[np.bool_], factor: int) -> tuple[Array, Array, Array]:
    """Weights, logits and log g of some rows, each cell cut into `factor`."""
    u = lattice.u
    weights = lattice.weights[rows]
    if factor > 1:
        fine = np.arange((u.size - 1) * factor + 1) / factor
        held = weights
        weights = np.maximum(weights @ np.sinc(fine - np.arange(u.size)[:, None]) / factor, 0.0)
        u = u[0] + fine * lattice.step
    x = lattice.centre[rows, None] + lattice.scale[rows, None] * np.sinh(u)
    if factor > 1:
        weights = _with_moments(weights, sigmoid(x), held, lattice.mu[rows])
    log_g = lattice.log_g_at(x, np.broadcast_to(lattice.w[rows, None], x.shape))
    if factor == _MAX_SUBDIVISION:
        # tau**2 is g / (mu (1 - mu)) where it is this small.
        spacing = lattice.scale[rows, None] * np.cosh(u) * lattice.step / factor
        floor = 2 * np.log(spacing) + np.add(*log_sigmoids(x))
        log_g = np.maximum(log_g, floor)
    keep = weights > _UNSEEN
    return weights[keep], x[keep], log_g[keep]


def _with_moments(weights: Array, mu: Array, held: Array, at: Array) -> Array:
    """Interpolated weights tilted by a line in mu, so that each row keeps the sum and the mean of its nodes."""
    total, first = held.sum(axis=1), (held * at).sum(axis=1)
    m0, m1, m2 = (weights.sum(axis=1), (weights * mu).sum(axis=1), (weights * mu**2).sum(axis=1))
    determinant = m0 * m2 - m1**2
    narrow = determinant <= 1e-12 * m0 * m2  # a row on one point has no mean to mend
    safe = np.where(narrow, 1.0, determinant)
    slope = np.where(narrow, 0.0, (m0 * first - m1 * total) / safe)
    level = np.where(narrow, total / m0, (m2 * total - m1 * first) / safe)
    return np.maximum(weights * (level[:, None] + slope[:, None] * mu), 0.0)
