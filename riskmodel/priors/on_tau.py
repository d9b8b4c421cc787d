"""Families of priors on tau, each one class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, polygamma, stdtrit

from riskmodel._support.checks import Rng, as_rng
from riskmodel.priors.families import TauPrior

Array = NDArray[np.float64]

_HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))
#: Power with which a bounded log-normal ends: at a tau of 2 the density falls by 15 %. A sharper end leaves more below it
#: (at 6 the density falls by 6 %), but is a wall to the sampler (at 6 transitions diverge) and wants twice the nodes.
_SHARPNESS = 4


@dataclass(frozen=True)
class HalfNormalOnTau(TauPrior):
    """A half-normal on tau."""

    family = "half-normal"
    said = '("half-normal", scale) on tau'
    ranges = ((1e-3, 10.0),)

    width: float  # standard deviation of the normal that is folded

    def formula(self, tau: Any, xp: Any = np) -> Any:
        """The half-normal's."""
        return np.log(2.0) - 0.5 * (tau / self.width) ** 2 - np.log(self.width) - _HALF_LOG_2PI

    def median_and_spread(self) -> tuple[float, float]:
        """The standard deviation of the logarithm of a half-normal is pi / sqrt(8)."""
        return self.width * 0.6744897501960817, float(np.pi / np.sqrt(8))

    def centre(self) -> tuple[float, float]:
        """Near that of the bulk; where the search begins decides the last digits of every stored fit."""
        return 2 * float(np.log(0.5 * self.width)), 2.0

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws of tau."""
        return np.asarray(np.abs(as_rng(rng).normal(0.0, self.width, size)))

    def __str__(self) -> str:
        """The half-normal it is."""
        return f"tau ~ HalfNormal({self.width:.6g})"


@dataclass(frozen=True)
class HalfTOnTau(TauPrior):
    """A half-t on tau; with one degree of freedom the half-Cauchy."""

    family = "half-t"
    said = '("half-t", df, scale) on tau'
    ranges = ((1.0, 100.0), (1e-2, 10.0))

    df: float  # degrees of freedom
    width: float  # scale of the t that is folded

    def formula(self, tau: Any, xp: Any = np) -> Any:
        """The half-t's."""
        half = (self.df + 1) / 2
        constant = (
            np.log(2.0) + gammaln(half) - gammaln(self.df / 2) - 0.5 * np.log(self.df * np.pi) - np.log(self.width)
        )
        return constant - half * xp.log1p((tau / self.width) ** 2 / self.df)

    def median_and_spread(self) -> tuple[float, float]:
        """The variance of its logarithm is that of half a log F: (psi'(1/2) + psi'(df/2)) / 4."""
        spread = 0.5 * np.sqrt(polygamma(1, 0.5) + polygamma(1, self.df / 2))
        return self.width * float(stdtrit(self.df, 0.75)), float(spread)

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws of tau."""
        return np.asarray(self.width * np.abs(as_rng(rng).standard_t(self.df, size)))

    def __str__(self) -> str:
        """The half-t it is."""
        return f"tau ~ HalfT({self.df:.6g} df, {self.width:.6g})"


@dataclass(frozen=True)
class HalfCauchyOnTau(HalfTOnTau):
    """A half-Cauchy on tau (Gelman A. Bayesian Anal 2006;1:515-34)."""

    family = "half-cauchy"
    said = '("half-cauchy", scale) on tau'
    ranges = ((1e-2, 10.0),)  # type: ignore[assignment]  # of the scale alone

    @classmethod
    def of(cls, *numbers: float) -> Self:
        """From its scale."""
        return cls(1.0, *numbers)

    def __str__(self) -> str:
        """The half-Cauchy it is."""
        return f"tau ~ HalfCauchy({self.width:.6g})"


@dataclass(frozen=True)
class ExponentialOnTau(TauPrior):
    """An exponential on tau: the prior that penalises complexity (Simpson D et al. Stat Sci 2017;32:1-28)."""

    family = "exponential"
    said = '("exponential", mean) on tau'
    ranges = ((1e-2, 10.0),)

    mean: float  # of tau

    def formula(self, tau: Any, xp: Any = np) -> Any:
        """The exponential's."""
        return -np.log(self.mean) - tau / self.mean

    def median_and_spread(self) -> tuple[float, float]:
        """The standard deviation of the logarithm of an exponential is pi / sqrt(6)."""
        return self.mean * float(np.log(2.0)), float(np.pi / np.sqrt(6))

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws of tau."""
        return np.asarray(as_rng(rng).exponential(self.mean, size))

    def __str__(self) -> str:
        """The exponential it is."""
        return f"tau ~ Exponential(mean {self.mean:.6g})"


@dataclass(frozen=True)
class LogNormalOnTau(TauPrior):
    """A log-normal on tau."""

    family = "log-normal"
    said = '("log-normal", median, sigma) on tau'
    ranges = ((1e-2, 10.0), (1e-2, 10.0))

    median: float  # of tau
    sigma: float  # standard deviation of log(tau)

    def formula(self, tau: Any, xp: Any = np) -> Any:
        """The log-normal's."""
        log_tau = xp.log(tau)
        z = (log_tau - np.log(self.median)) / self.sigma
        return -0.5 * z**2 - np.log(self.sigma) - _HALF_LOG_2PI - log_tau

    def median_and_spread(self) -> tuple[float, float]:
        """As stated."""
        return self.median, self.sigma

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws of tau."""
        return np.asarray(self.median * np.exp(self.sigma * as_rng(rng).standard_normal(size)))

    def __str__(self) -> str:
        """The log-normal it is, by its median."""
        return f"tau ~ LogNormal(median {self.median:.6g}, sigma {self.sigma:.6g})"


@dataclass(frozen=True)
class BoundedLogNormalOnTau(LogNormalOnTau):
    r"""A log-normal on tau that ends about pi: its density times :math:`\exp(-(\tau/\pi)^4)`.

    Pi is the standard deviation of logit(theta) under Jeffreys' prior, Beta(1/2, 1/2), which is what is held of a risk of
    which nothing is known. Settings of one finding do not differ more than that. In the log-normal's tail beyond, settings
    have risks of 0 or 1, and a risk would rise with the number seen without an event. A smooth end keeps the quadrature's
    error what it is.
    """

    family = "bounded-log-normal"
    said = '("bounded-log-normal", median, sigma) on tau'
    ranges = ((1e-2, 3.0), (1e-2, 10.0))

    def formula(self, tau: Any, xp: Any = np) -> Any:
        """The log-normal's, less what the end takes, over what it leaves."""
        return super().formula(tau, xp) - (tau / np.pi) ** _SHARPNESS - _log_inside(self.median, self.sigma)

    def sample(self, size: int, rng: Rng) -> Array:
        """Draws of the log-normal, each taken with the probability that the end leaves it."""
        rng = as_rng(rng)
        found = np.empty(0)
        while found.size < size:
            tau = super().sample(size, rng)
            found = np.append(found, tau[rng.random(size) < np.exp(-((tau / np.pi) ** _SHARPNESS))])
        return found[:size]

    def __str__(self) -> str:
        """The log-normal it is, and its end."""
        return f"tau ~ LogNormal(median {self.median:.6g}, sigma {self.sigma:.6g}) to pi"


@lru_cache(maxsize=64)
def _log_inside(median: float, sigma: float) -> float:
    """Logarithm of the mean of exp(-(tau / pi)**_SHARPNESS), by the trapezoid rule in log(tau)."""
    z, step = np.linspace(-12.0, 12.0, 48_001, retstep=True)
    with np.errstate(over="ignore"):
        inside = np.exp(-0.5 * z**2 - (median * np.exp(sigma * z) / np.pi) ** _SHARPNESS)
    return float(np.log(inside.sum() * step) - _HALF_LOG_2PI)
