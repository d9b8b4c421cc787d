r"""The integrand with a slope.

.. math::

    \mathrm{logit}\,\mu_k = \beta_0 + \beta_1 z_k, \qquad z_k \in [-1/2, 1/2]

Three hyperparameters: the nodes of `quadrature` are of two of them, and the third is integrated out at each node by the
trapezoid rule on a stretched axis of its own. Which two is a choice: with the logit of one level and the heterogeneity the
result is the lattice of that level as `beta_binomial` and `logit_normal` have them, and all that is read off those is read
off it. With the slope in the level's place it is the lattice of the log odds ratio.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from riskmodel._support.kept import Value, kept
from riskmodel.distributions.special import g_of, log_rising, log_sigmoids, tau_of
from riskmodel.inference.logit_normal_likelihood import NORMAL, RandomEffect, Spreads
from riskmodel.inference.quadrature import FARTHEST
from riskmodel.priors import HeterogeneityPrior, LogitNormalPrior, MuPrior, TauPrior

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: The stretched axis of the inner rule: step, reach, and scales of what the counts say that it counts as one.
_STEP, _REACH, _WIDEN = 0.2, 3.7, 2.0
_ROUGH = 2.5  # how much coarser where only a few percent matter
#: Where the inner variable's scale is tabulated, on the logit of mu.
_LOGITS = np.linspace(-40.0, 40.0, 2001)


@dataclass(frozen=True, eq=False)
class Problem(Value):
    """Counts by level and priors, as the integrand needs them."""

    level_events: tuple[Counts, ...]
    level_totals: tuple[Counts, ...]
    places: tuple[float, ...]  # of the levels, from -1/2 to 1/2
    mu_prior: MuPrior  # on the average half-way between the first level and the last
    effect_prior: LogitNormalPrior  # on the log odds ratio of the last level against the first
    heterogeneity_prior: HeterogeneityPrior | None  # None where settings are alike
    at: int | None  # the level whose logit the nodes are of; None where they are of the log odds ratio
    finer: float = 1.0

    @property
    def events(self) -> Counts:
        """Events of each series."""
        return np.concatenate(self.level_events)

    @property
    def totals(self) -> Counts:
        """Total of each series."""
        return np.concatenate(self.level_totals)

    def mirrored(self) -> Problem:
        """The same problem with events and non-events exchanged."""
        rest = tuple(n - y for y, n in zip(self.level_events, self.level_totals, strict=True))
        return replace(
            self,
            level_events=rest,
            mu_prior=self.mu_prior.mirrored(),
            effect_prior=self.effect_prior.mirrored(),
        )

    @abstractmethod
    def spread(self, x: Array, w: Array) -> tuple[Array, Array]:
        """What all levels have in common, tau or g, at each node, and the logarithm of its prior density."""

    @abstractmethod
    def level(self, k: int, x: Array, common: Array) -> Array:
        """Log-likelihood of one level's series at its logit averages x, of shape (rows, columns, points)."""

    @abstractmethod
    def rough_tau(self, common: Array) -> Array:
        """Near tau."""

    def log_density(self, x: Array, w: Array) -> Array:
        """Logarithm of likelihood times prior density with respect to x and w, the third integrated out."""
        x = np.asarray(x, float)
        common, value = self.spread(x, w)
        along, middle, slope = self._lines
        if self.at is not None:
            value = value + self.level(self.at, x[..., None], common[..., None])[..., 0]
        centre, scale = self._inner(x, np.broadcast_to(self.rough_tau(common), x.shape))
        step = _STEP / self.finer
        u = np.arange(-np.floor(_REACH / step), np.floor(_REACH / step) + 1) * step
        t = centre[..., None] + (_WIDEN * scale)[..., None] * np.sinh(u)
        held = x[..., None]
        inner = self.mu_prior.log_density(middle[0] * held + middle[1] * t)
        inner += self.effect_prior.log_density(slope[0] * held + slope[1] * t)
        for k, line in enumerate(along):
            if k != self.at:
                inner += self.level(k, line[0] * held + line[1] * t, common[..., None])
        inner += np.log(np.cosh(u)) + np.log(step * _WIDEN * scale)[..., None]
        return np.asarray(value + logsumexp(inner, axis=-1))

    def rough_log_density(self, x: Array, w: Array) -> Array:
        """The same to a few percent, to find where it matters."""
        return self._rough.log_density(x, w)

    @kept
    def _rough(self) -> Problem:
        return replace(self, finer=self.finer / _ROUGH)

    def start(self) -> tuple[float, float]:
        """Centre and scale of w under its prior."""
        assert self.heterogeneity_prior is not None
        return self.heterogeneity_prior.centre()

    def first_guess(self, w: Array) -> tuple[Array, Array]:
        """Centre and scale of x given w."""
        if self.at is None:
            return np.full(w.shape, self.effect_prior.location), np.full(w.shape, min(self.effect_prior.sd, 2.0))
        y, n = self.level_events[self.at].sum(), self.level_totals[self.at].sum()
        tau2 = np.exp(np.minimum(2 * self._log_tau(w), 3.0))
        x = np.log((y + 0.5) / (n - y + 0.5))
        return np.full(w.shape, x), np.sqrt(1 / (y + 0.5) + 1 / (n - y + 0.5) + tau2 / self.level_events[self.at].size)

    def _log_tau(self, w: Array) -> Array:
        """Near log(tau)."""
        return w

    @kept
    def _lines(self) -> tuple[list[tuple[float, float]], tuple[float, float], tuple[float, float]]:
        """How each level's logit, the one half-way and the slope come from the node's x and the inner variable t."""
        if self.at is None:
            return [(z, 1.0) for z in self.places], (0.0, 1.0), (1.0, 0.0)
        here = self.places[self.at]
        return [(1.0, z - here) for z in self.places], (1.0, -here), (0.0, 1.0)

    @kept
    def _mu_moments(self) -> tuple[float, float]:
        """Mean and precision of the logit under the prior half-way."""
        weights = np.exp(self.mu_prior.log_density(_LOGITS))
        weights /= weights.sum()
        mean = float(weights @ _LOGITS)
        return mean, 1 / float(weights @ (_LOGITS - mean) ** 2)

    def _inner(self, x: Array, tau: Array) -> tuple[Array, Array]:
        """Where the inner variable is and how wide: logits weighted by inverse variances, with the priors as two more."""
        along, middle, slope = self._lines
        prior_mean, precision = self._mu_moments
        parts = [(middle, prior_mean, precision), (slope, self.effect_prior.location, self.effect_prior.sd**-2)]
        top, bottom = np.zeros(x.shape), np.zeros(x.shape)
        for line, mean, weight in parts:
            top += weight * line[1] * (mean - line[0] * x)
            bottom += weight * line[1] ** 2
        for k, line in enumerate(along):
            if k == self.at or line[1] == 0:
                continue
            for y, n in zip(self.level_events[k].tolist(), self.level_totals[k].tolist(), strict=True):
                each = line[1] / (1 / (y + 0.5) + 1 / (n - y + 0.5) + tau**2)
                top += each * (np.log((y + 0.5) / (n - y + 0.5)) - line[0] * x)
                bottom += each * line[1]
        return top / bottom, 1 / np.sqrt(bottom)


@dataclass(frozen=True, eq=False)
class BetaProblem(Problem):
    """Of the beta-binomial model: a prior on tau has tau in common, one on rho has rho."""

    @property
    def log_g_over_m(self) -> bool:
        """Whether w is log g - log(mu (1 - mu)) of the level."""
        return self.at is not None and self._on_tau

    @property
    def _on_tau(self) -> bool:
        return isinstance(self.heterogeneity_prior, TauPrior)

    def start(self) -> tuple[float, float]:
        """Centre and scale of w; of the log odds ratio's nodes log(tau), of a level's near its double."""
        centre, scale = super().start()
        return (centre / 2, scale / 2) if self.at is None and self._on_tau else (centre, scale)

    def _log_tau(self, w: Array) -> Array:
        return w / 2 if self.log_g_over_m else w

    def spread(self, x: Array, w: Array) -> tuple[Array, Array]:
        """The tau or g in common."""
        prior = self.heterogeneity_prior
        if prior is None:
            return np.zeros(x.shape), np.zeros(x.shape)
        if self.at is None and isinstance(prior, TauPrior):
            tau = np.broadcast_to(np.exp(w), x.shape)
            return tau, prior.formula(tau) + w
        log_mu, log_rest = log_sigmoids(x)
        g = np.exp(w + log_mu + log_rest) if self.log_g_over_m else np.broadcast_to(np.exp(w), x.shape)
        mu, rest = np.exp(log_mu), np.exp(log_rest)
        return tau_of(mu, rest, g)[0] if self._on_tau else g, prior.log_density(mu, rest, g)

    def level(self, k: int, x: Array, common: Array) -> Array:
        """Log-likelihood of one level's series, without binomial coefficients."""
        events, totals = self.level_events[k], self.level_totals[k]
        mu, rest = (np.exp(one) for one in log_sigmoids(np.clip(x, -FARTHEST, FARTHEST)))
        g = g_of(common, mu, rest) if self._on_tau else np.broadcast_to(common, mu.shape)
        value = log_rising(mu, g, events) + log_rising(rest, g, totals - events)
        return np.asarray(value - log_rising(np.ones_like(g), g, totals))

    def rough_tau(self, common: Array) -> Array:
        """Tau; of a rho, that of risks near a half."""
        return common if self._on_tau else np.minimum(2 * np.sqrt(common), 3.0)


@dataclass(frozen=True, eq=False)
class LogitProblem(Problem):
    """Of the models on the logit: tau is in common, and w its logarithm."""

    spreads: Spreads = NORMAL
    log_g_over_m: bool = False

    @kept
    def _effects(self) -> list[tuple[RandomEffect, NDArray[np.int64]]]:
        found = []
        for events, totals in zip(self.level_events, self.level_totals, strict=True):
            pairs, repeats = np.unique(np.stack([events, totals]), axis=1, return_counts=True)
            # One rule finds where it matters and another counts: only the former may be rough.
            found.append((RandomEffect(pairs[0], pairs[1], min(self.finer, 1.0)), repeats))
        return found

    @kept
    def _rough(self) -> Problem:
        return replace(self, finer=self.finer / _ROUGH, spreads=self.spreads.fewer())

    def start(self) -> tuple[float, float]:
        """Centre and scale of log(tau)."""
        centre, scale = super().start()
        return centre / 2, scale / 2

    def spread(self, x: Array, w: Array) -> tuple[Array, Array]:
        """The tau in common."""
        assert isinstance(self.heterogeneity_prior, TauPrior)
        tau = np.broadcast_to(np.exp(w), x.shape)
        return tau, self.heterogeneity_prior.formula(tau) + w

    def level(self, k: int, x: Array, common: Array) -> Array:
        """Log-likelihood of one level's series, without binomial coefficients."""
        effect, repeats = self._effects[k]
        flat = np.ascontiguousarray(x.reshape(len(x), -1))
        found = effect.mixed_log_likelihood(flat, common.reshape(len(x), -1)[:, 0], self.spreads)
        return np.asarray(np.tensordot(repeats, found, 1).reshape(x.shape))

    def rough_tau(self, common: Array) -> Array:
        """It is tau."""
        return common
