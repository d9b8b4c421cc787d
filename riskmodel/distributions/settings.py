"""The risks of single settings: of each series' own and of a new one, as data from which each is made when asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, logit

from riskmodel._support.kept import Value, beside, kept
from riskmodel.distributions.base import DeferredDistribution, Distribution, SettingDistribution
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.special import g_of, log_sigmoids, tau_of

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Share of settings that differ more than the others, in the contaminated model, and their spread in spreads of the others:
#: of shares of 0.1 and 0.2 the one that covers more with few series (docs/default-prior.md).
SHARE = 0.2
FACTOR = 2.0


class Joint(NamedTuple):
    """Draws of everything that a fit is of, paired."""

    logit: Array  # logit, tau: of mu, and the standard deviation of logit(theta) between settings, of shape (size,)
    tau: Array
    new: Array  # theta_new, of shape (size,)
    own: Array  # theta, of shape (size, series)


@dataclass(frozen=True, eq=False, repr=False)
class Settings(Value, Sequence[Distribution]):
    """The risk in each series' own setting, in their order, and in a new one.

    What these return is kept beside the settings, so it must not refer back to them.
    """

    events: Counts  # events, totals: of the series
    totals: Counts

    @property
    @abstractmethod
    def new_setting(self) -> SettingDistribution:
        """The risk in a setting that is not among the series."""

    @abstractmethod
    def own(self, i: int) -> Distribution:
        """The risk in the setting of series number i."""

    @abstractmethod
    def joint(self, size: int, rng: np.random.Generator) -> Joint:
        """Draws of the hyperparameters, and of all risks given them."""

    @abstractmethod
    def given(self, logit: Array, tau: Array, series: int, rng: np.random.Generator) -> Array:
        """Draws of so many settings' risks at each logit(mu) and tau, of shape (size, series)."""

    @abstractmethod
    def log_integrated(self, logit: Array, tau: Array, power: float = 1.0) -> Array:
        """Logarithm of each series' likelihood at some logit(mu) and tau, its own risk integrated out.

        Without binomial coefficients, of shape (*logit.shape, series); the likelihood given the risk may have a power.
        """

    def __len__(self) -> int:
        """How many series."""
        return self.events.size

    @overload
    def __getitem__(self, i: int) -> Distribution: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[Distribution, ...]: ...
    def __getitem__(self, i: int | slice) -> Distribution | tuple[Distribution, ...]:
        """One series' risk, made when first asked for; a slice of them."""
        if isinstance(i, slice):
            return tuple(self[place] for place in range(len(self))[i])
        place = range(len(self))[i]
        held = beside(self)
        if place not in held:
            held[place] = self.own(place)
        one: Distribution = held[place]
        return one

    def __repr__(self) -> str:
        """How many there are."""
        return f"{type(self).__name__}({len(self)} series)"


@dataclass(frozen=True, eq=False, repr=False)
class AlikeSettings(Settings):
    """All settings have one risk."""

    risk: SettingDistribution

    @property
    def new_setting(self) -> SettingDistribution:
        """The risk."""
        return self.risk

    def own(self, i: int) -> SettingDistribution:
        """The risk."""
        return self.risk

    def joint(self, size: int, rng: np.random.Generator) -> Joint:
        """One risk for all."""
        risk = self.risk.sample(size, rng)
        with np.errstate(divide="ignore"):
            return Joint(logit(risk), np.zeros(size), risk, np.repeat(risk[:, None], len(self), axis=1))

    def given(self, logit: Array, tau: Array, series: int, rng: np.random.Generator) -> Array:
        """The average."""
        return np.repeat(expit(logit)[:, None], series, axis=1)

    def log_integrated(self, logit: Array, tau: Array, power: float = 1.0) -> Array:
        """The binomial's: there is one risk."""
        log_risk, log_rest = (side[..., None] for side in log_sigmoids(logit))
        return np.asarray(power * (self.events * log_risk + (self.totals - self.events) * log_rest))


@dataclass(frozen=True, eq=False, repr=False)
class ConjugateSettings(Settings):
    """Settings whose risk is a Beta given the hyperparameters, so that a series' own has its counts added to each."""

    @property
    @abstractmethod
    def new_setting(self) -> BetaMixture:
        """A Beta for every value of the hyperparameters."""

    def own(self, i: int) -> BetaMixture:
        """Each Beta updated: weights stay, for the hyperparameters have seen all series."""
        return self.new_setting.shifted(int(self.events[i]), int(self.totals[i]))

    def joint(self, size: int, rng: np.random.Generator) -> Joint:
        """A Beta by its weight, and from it every risk."""
        mixture = self.new_setting
        at = rng.choice(len(mixture), size, p=mixture.weights)
        a, b = mixture.a[at], mixture.b[at]
        own = rng.beta(a[:, None] + self.events, b[:, None] + (self.totals - self.events))
        return Joint(np.log(a) - np.log(b), _tau(a, b), rng.beta(a, b), own)

    def given(self, logit: Array, tau: Array, series: int, rng: np.random.Generator) -> Array:
        """Draws of the Beta with that mean and tau."""
        a, b = _shapes(logit, tau)
        return rng.beta(a[:, None], b[:, None], (logit.size, series))

    def log_integrated(self, logit: Array, tau: Array, power: float = 1.0) -> Array:
        """A ratio of Beta functions."""
        return _log_beta_ratio(*_shapes(logit, tau), power * self.events, power * (self.totals - self.events))


def _tau(a: Array, b: Array) -> Array:
    """Standard deviation of the logit of Betas."""
    size = a + b
    return np.asarray(tau_of(a / size, b / size, 1 / size)[0])


def _shapes(logit: Array, tau: Array) -> tuple[Array, Array]:
    """Shapes of the Betas whose means have these logits, and whose own logits these standard deviations."""
    mu, rest = expit(logit), expit(-logit)
    g = g_of(tau, mu, rest)
    return mu / g, rest / g


def _log_beta_ratio(a: Array, b: Array, hits: NDArray[Any], missed: NDArray[Any]) -> Array:
    """Logarithm of B(a + hits, b + missed) / B(a, b), counts on a last axis; a Beta worth a billion is a point."""
    scale = np.minimum(1.0, 1e9 / (a + b))
    a, b = (np.maximum(scale * side, 1e-300)[..., None] for side in (a, b))
    return np.asarray(betaln(a + hits, b + missed) - betaln(a, b))


@dataclass(frozen=True, eq=False, repr=False)
class BetaSettings(ConjugateSettings):
    """The same from Betas that are there."""

    mixture: BetaMixture  # a Beta for every draw of the hyperparameters

    @property
    def new_setting(self) -> BetaMixture:
        """The mixture."""
        return self.mixture


def wider(mu: Array, rest: Array, g: Array) -> Array:
    """The g, (rho / (1 - rho)), at which settings spread `FACTOR` times as much about the same mu."""
    return g_of(FACTOR * tau_of(mu, rest, g)[0], mu, rest)


@dataclass(frozen=True, eq=False, repr=False)
class ContaminatedSettings(Settings):
    """Settings whose risk is, given the hyperparameters, one of two Betas with the same mean: a share of them are wider."""

    share: float  # of the wider Beta

    @property
    @abstractmethod
    def usual(self) -> BetaMixture:
        """The narrower Beta, for every value of the hyperparameters."""

    @kept
    def wide(self) -> BetaMixture:
        """The wider Beta, for the same values, with the same weights."""
        size = self.usual.a + self.usual.b
        mu, rest = self.usual.a / size, self.usual.b / size
        g = wider(mu, rest, 1 / size)
        return BetaMixture(self.usual.weights, mu / g, rest / g)

    @kept
    def new_setting(self) -> BetaMixture:
        """Both, by their shares."""
        return self._joined(0, 0)

    def own(self, i: int) -> BetaMixture:
        """Both, updated: weights stay, for the hyperparameters have seen all series, and shares move."""
        return self._joined(int(self.events[i]), int(self.totals[i]))

    def joint(self, size: int, rng: np.random.Generator) -> Joint:
        """A pair of Betas by their weight, and for each setting one of the two."""
        usual, wide = self.usual, self.wide
        at = rng.choice(len(usual), size, p=usual.weights)

        def drawn(events: int, total: int) -> Array:
            pick = rng.random(size) < self.wide_share(events, total)[at]
            a, b = (np.where(pick, getattr(wide, one)[at], getattr(usual, one)[at]) for one in ("a", "b"))
            return np.asarray(rng.beta(a + events, b + (total - events)))

        a, b = usual.a[at], usual.b[at]
        own = [drawn(int(y), int(n)) for y, n in zip(self.events, self.totals, strict=True)]
        return Joint(
            np.log(a) - np.log(b), _tau(a, b), drawn(0, 0), np.stack(own, axis=1) if own else np.empty((size, 0))
        )

    def given(self, logit: Array, tau: Array, series: int, rng: np.random.Generator) -> Array:
        """Draws of the Beta with that mean and tau, or of the wider one."""
        a, b = _shapes(logit, tau)
        pick = rng.random((logit.size, series)) < self.share
        g = wider(expit(logit), expit(-logit), 1 / (a + b))
        wide = (expit(logit) / g)[:, None], (expit(-logit) / g)[:, None]
        return rng.beta(*(np.where(pick, far, near[:, None]) for far, near in zip(wide, (a, b), strict=True)))

    def log_integrated(self, logit: Array, tau: Array, power: float = 1.0) -> Array:
        """A ratio of Beta functions, or one of the wider Betas."""
        hits, missed = power * self.events, power * (self.totals - self.events)
        a, b = _shapes(logit, tau)
        mu, rest = expit(logit), expit(-logit)
        g = wider(mu, rest, 1 / (a + b))
        usual, far = _log_beta_ratio(a, b, hits, missed), _log_beta_ratio(mu / g, rest / g, hits, missed)
        return np.asarray(np.logaddexp(np.log1p(-self.share) + usual, np.log(self.share) + far))

    def wide_share(self, events: int, total: int) -> Array:
        """Share of the wider Beta after a setting's counts, for every value of the hyperparameters."""
        usual, wide = (one.log_ratio(events, total - events) for one in (self.usual, self.wide))
        return np.asarray(expit(wide - usual + np.log(self.share) - np.log1p(-self.share)))

    def _joined(self, events: int, total: int) -> BetaMixture:
        share = self.wide_share(events, total)
        usual, wide = (one.shifted(events, total) for one in (self.usual, self.wide))
        weights = np.concatenate([usual.weights * (1 - share), wide.weights * share])
        a, b = np.concatenate([usual.a, wide.a]), np.concatenate([usual.b, wide.b])
        keep = weights > 0
        return BetaMixture(weights[keep], a[keep], b[keep])


@dataclass(frozen=True, eq=False, repr=False)
class ContaminatedBetaSettings(ContaminatedSettings):
    """The same from Betas that are there."""

    mixture: BetaMixture  # the narrower Beta for every draw of the hyperparameters

    @property
    def usual(self) -> BetaMixture:
        """The mixture."""
        return self.mixture


@dataclass(frozen=True, eq=False, repr=False)
class NewSetting(DeferredDistribution):
    """The risk in a new setting, which has the mean of the average."""

    average: Distribution
    settings: Settings

    @property
    def mean(self) -> float:
        """Posterior mean: that of the average."""
        return self.average.mean

    @property
    def made(self) -> SettingDistribution:
        """The risk itself."""
        return self.settings.new_setting
