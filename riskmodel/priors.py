r"""Named priors, each with its source and the reason it is here.

Two questions are put to a prior. How large is the average risk ``mu``? The answer is symmetric and weak: a prior shaped
by published risks, few of which exceed 44 %, would turn 19 of 19 into 0.6. And how much do settings differ? With one to
three series the data hardly say, so this prior decides the width of an interval. It lives on the logit scale, as
``tau``, the standard deviation of logit(theta), because a spread of risks between 1 and 2 % is a different thing from one
between 31 and 32 %; priors on the intra-class correlation ``rho`` are offered for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from riskmodel._support.checks import finite_number, positive_number
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.special import log_sigmoids, tau_of
from riskmodel.errors import InputError, UnknownNameError

Array = NDArray[np.float64]
Scale = Literal["rho", "tau"]

_HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))


class MuPrior(Protocol):
    """Prior on the average risk mu, as a density with respect to logit(mu)."""

    def log_density(self, logit: Array) -> Array:
        """Logarithm of the density of logit(mu)."""

    def mirrored(self) -> MuPrior:
        """The prior that 1 - mu has."""

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws of logit(mu)."""

    def __str__(self) -> str:
        """As it is written down beside a result."""


@dataclass(frozen=True)
class MixturePrior:
    """A Beta, or a mixture of Betas, on the average risk.

    Parameters
    ----------
    mixture : BetaMixture
        The prior on mu.
    """

    mixture: BetaMixture

    def log_density(self, logit: Array) -> Array:
        """Logarithm of the density of logit(mu), of the shape of `logit`."""
        log_mu, log_rest = log_sigmoids(logit)
        parts = [
            np.log(w) + a * log_mu + b * log_rest - betaln(a, b)
            for w, a, b in zip(self.mixture.weights, self.mixture.a, self.mixture.b, strict=True)
        ]
        return np.asarray(parts[0] if len(parts) == 1 else np.logaddexp.reduce(np.stack(parts), axis=0))

    def mirrored(self) -> MixturePrior:
        """The prior that 1 - mu has."""
        return MixturePrior(self.mixture.complement())

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws of logit(mu), ndarray of shape (size,)."""
        chosen = rng.choice(len(self.mixture), size=size, p=self.mixture.weights)
        # As the ratio of two gammas, so that neither mu nor its complement is rounded away.
        return np.asarray(_log_gamma(self.mixture.a[chosen], rng) - _log_gamma(self.mixture.b[chosen], rng))

    def __str__(self) -> str:
        """Components by weight and shape."""
        m = self.mixture
        many = len(m) > 1
        parts = [
            (f"{w:.4g} " if many else "") + f"Beta({a:.6g}, {b:.6g})"
            for w, a, b in zip(m.weights, m.a, m.b, strict=True)
        ]
        return "mu ~ " + " + ".join(parts[:6]) + (f" + {len(parts) - 6} more" if len(parts) > 6 else "")


@dataclass(frozen=True)
class LogitNormalPrior:
    """A normal on logit(mu): what RBesT, and most regression software, calls the prior on the intercept.

    Parameters
    ----------
    location, sd : float
        Mean and standard deviation of logit(mu).
    """

    location: float
    sd: float

    def log_density(self, logit: Array) -> Array:
        """Logarithm of the density of logit(mu), of the shape of `logit`."""
        return np.asarray(-0.5 * ((logit - self.location) / self.sd) ** 2 - np.log(self.sd) - _HALF_LOG_2PI)

    def mirrored(self) -> LogitNormalPrior:
        """The prior that 1 - mu has."""
        return LogitNormalPrior(-self.location, self.sd)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws of logit(mu), ndarray of shape (size,)."""
        return rng.normal(self.location, self.sd, size)

    def __str__(self) -> str:
        """The normal it is."""
        return f"logit(mu) ~ Normal({self.location:.6g}, {self.sd:.6g})"


class HeterogeneityPrior(Protocol):
    """Prior on how much settings differ, as a density with respect to log g, g = rho / (1 - rho), at a given mu."""

    @property
    def scale(self) -> Scale:
        """What the prior is stated on."""

    def log_density(self, mu: Array, rest: Array, g: Array) -> Array:
        """Logarithm of the density of log g at mu and rest = 1 - mu."""

    def centre(self) -> tuple[float, float]:
        """Centre and scale of the prior's bulk, on log g for rho and on log q for tau (see quadrature)."""

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws of what the prior is stated on: rho or tau."""

    def __str__(self) -> str:
        """As it is written down beside a result."""


class TauPrior(HeterogeneityPrior, Protocol):
    """A prior that is stated on tau, the standard deviation of logit(theta), and so serves any model that has one."""

    def log_density_of_tau(self, tau: Array) -> Array:
        """Logarithm of the density of tau."""


@dataclass(frozen=True)
class BetaOnRho:
    """A Beta on the intra-class correlation rho.

    Parameters
    ----------
    a, b : float
        Shapes.
    """

    a: float
    b: float
    scale: Scale = "rho"

    def log_density(self, mu: Array, rest: Array, g: Array) -> Array:
        """Logarithm of the density of log g; mu does not enter."""
        log_rho, log_rest = np.log(g) - np.log1p(g), -np.log1p(g)
        return np.asarray(self.a * log_rho + self.b * log_rest - betaln(self.a, self.b))

    def centre(self) -> tuple[float, float]:
        """Centre and scale on log g."""
        return float(np.log(self.a) - np.log(self.b)), float(np.sqrt(1 / self.a + 1 / self.b))

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws of rho, ndarray of shape (size,)."""
        return rng.beta(self.a, self.b, size)

    def __str__(self) -> str:
        """The Beta it is."""
        return f"rho ~ Beta({self.a:.6g}, {self.b:.6g})"


@dataclass(frozen=True)
class HalfNormalOnTau:
    """A half-normal on tau, the standard deviation of logit(theta).

    Parameters
    ----------
    width : float
        Standard deviation of the normal that is folded.
    """

    width: float
    scale: Scale = "tau"

    def log_density(self, mu: Array, rest: Array, g: Array) -> Array:
        """Logarithm of the density of log g at mu."""
        tau, log_slope = tau_of(mu, rest, g)
        return self.log_density_of_tau(tau) + log_slope

    def log_density_of_tau(self, tau: Array) -> Array:
        """Logarithm of the density of tau, of the shape of `tau`."""
        return np.asarray(np.log(2.0) - 0.5 * (tau / self.width) ** 2 - np.log(self.width) - _HALF_LOG_2PI)

    def centre(self) -> tuple[float, float]:
        """Centre and scale on log q, q near tau squared."""
        return 2 * float(np.log(0.5 * self.width)), 2.0

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws of tau, ndarray of shape (size,)."""
        return np.asarray(np.abs(rng.normal(0.0, self.width, size)))

    def __str__(self) -> str:
        """The half-normal it is."""
        return f"tau ~ HalfNormal({self.width:.6g})"


@dataclass(frozen=True)
class LogNormalOnTau:
    """A log-normal on tau, the standard deviation of logit(theta).

    Parameters
    ----------
    median : float
        Median of tau.
    sigma : float
        Standard deviation of log(tau).
    """

    median: float
    sigma: float
    scale: Scale = "tau"

    def log_density(self, mu: Array, rest: Array, g: Array) -> Array:
        """Logarithm of the density of log g at mu."""
        tau, log_slope = tau_of(mu, rest, g)
        return self.log_density_of_tau(tau) + log_slope

    def log_density_of_tau(self, tau: Array) -> Array:
        """Logarithm of the density of tau, of the shape of `tau`."""
        log_tau = np.log(tau)
        z = (log_tau - np.log(self.median)) / self.sigma
        return np.asarray(-0.5 * z**2 - np.log(self.sigma) - _HALF_LOG_2PI - log_tau)

    def centre(self) -> tuple[float, float]:
        """Centre and scale on log q, q near tau squared."""
        return 2 * float(np.log(self.median)), 2 * self.sigma

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws of tau, ndarray of shape (size,)."""
        return np.asarray(self.median * np.exp(self.sigma * rng.standard_normal(size)))

    def __str__(self) -> str:
        """The log-normal it is, by its median."""
        return f"tau ~ LogNormal(median {self.median:.6g}, sigma {self.sigma:.6g})"


def _log_gamma(shape: Array, rng: np.random.Generator) -> Array:
    """Logarithms of gamma variates, which small shapes would round to zero (Stuart's theorem, 1962)."""
    return np.asarray(np.log(rng.gamma(shape + 1.0)) + np.log(rng.random(shape.shape)) / shape)


#: Priors on the average risk by name, with the reason for each.
MU_PRIORS: dict[str, tuple[MuPrior, str]] = {
    "jeffreys": (
        MixturePrior(BetaMixture.beta(0.5, 0.5)),
        "Jeffreys' prior of one binomial risk: symmetric, worth one observation. The default.",
    ),
    "uniform": (MixturePrior(BetaMixture.beta(1.0, 1.0)), "Bayes-Laplace: every risk alike; worth two observations."),
    "rbest": (LogitNormalPrior(0.0, 2.0), "logit(mu) ~ Normal(0, 2), as in RBesT's article on binomial data."),
}

#: Heterogeneity priors by name, with the reason for each.
HETEROGENEITY_PRIORS: dict[str, tuple[HeterogeneityPrior, str]] = {
    "default": (
        LogNormalOnTau(0.9, 0.5),
        (
            "Learned from published meta-analyses of proportions, by predicting left-out series: coverage nearest to what "
            "is promised inside a flat best score (docs/default-prior.md). Settings differ by a factor of two or three in "
            "odds; zero and enormous spread are both unlikely."
        ),
    ),
    "first-default": (
        LogNormalOnTau(0.8, 0.6),
        "The default before one was learned; kept for comparison.",
    ),
    "rbest": (
        HalfNormalOnTau(1.0),
        (
            'The half-normal(1) on tau of RBesT\'s article on binomial data; with prior="rbest" and model="logit-normal" '
            "its whole model (Weber et al., Journal of Statistical Software 2021;100(19))."
        ),
    ),
    "half-normal-1": (HalfNormalOnTau(1.0), "Weakly informative; RBesT's usual choice for binomial data."),
    "half-normal-0.5": (HalfNormalOnTau(0.5), "RBesT's choice where less spread is expected."),
    "uniform-rho": (BetaOnRho(1.0, 1.0), "Every intra-class correlation alike: wide, for comparison."),
    "rho-beta-1-9": (
        BetaOnRho(1.0, 9.0),
        "Mean intra-class correlation 0.1. Badly scaled for rare outcomes, kept for comparison.",
    ),
}


def as_mu_prior(prior: Any) -> MuPrior:
    """Turn what `pool` takes as `prior` into a prior on the average risk.

    Parameters
    ----------
    prior : str, (float, float), BetaMixture, or ("normal", mean, sd)
        A name of `MU_PRIORS`, the shapes of a Beta on mu, a mixture on mu, or a normal on logit(mu).

    Returns
    -------
    MuPrior
        The prior.

    Raises
    ------
    InputError
        If it is none of these.
    """
    remedy = 'Give a name, (a, b) with positive shapes, a BetaMixture, or ("normal", mean, sd)'
    if isinstance(prior, str):
        if prior not in MU_PRIORS:
            raise UnknownNameError("prior", prior, MU_PRIORS, where="prior")
        return MU_PRIORS[prior][0]
    if isinstance(prior, BetaMixture):
        return MixturePrior(prior)
    if isinstance(prior, (MixturePrior, LogitNormalPrior)):
        return prior
    if isinstance(prior, (tuple, list)):
        if len(prior) == 2 and all(positive_number(value) for value in prior):
            _check_range(prior, "prior", 1e-3, 1e7)
            return MixturePrior(BetaMixture.beta(float(prior[0]), float(prior[1])))
        if len(prior) == 3 and prior[0] == "normal" and finite_number(prior[1]) and positive_number(prior[2]):
            _check_range([prior[2]], "prior", 1e-3, 10.0)
            if abs(prior[1]) > 30:
                raise InputError("the mean of logit(mu) must lie in [-30, 30]", where="prior", remedy=remedy)
            return LogitNormalPrior(float(prior[1]), float(prior[2]))
    raise InputError(f"{prior!r} is not a prior on the average risk", where="prior", remedy=remedy)


def as_heterogeneity_prior(heterogeneity: Any) -> HeterogeneityPrior | None:
    """Turn what `pool` takes as `heterogeneity` into a prior; None where all settings are alike.

    Parameters
    ----------
    heterogeneity : str, 0, (float, float), ("half-normal", scale) or ("log-normal", median, sigma)
        A name of `HETEROGENEITY_PRIORS`, zero, a Beta on rho, or a prior on tau.

    Returns
    -------
    HeterogeneityPrior or None
        The prior.

    Raises
    ------
    InputError
        If it is none of these.
    """
    remedy = (
        'Give a name, 0 (all settings alike), (a, b) for a Beta on rho, ("half-normal", scale) or '
        '("log-normal", median, sigma) on tau'
    )
    if isinstance(heterogeneity, str):
        if heterogeneity not in HETEROGENEITY_PRIORS:
            raise UnknownNameError("heterogeneity prior", heterogeneity, HETEROGENEITY_PRIORS, where="heterogeneity")
        return HETEROGENEITY_PRIORS[heterogeneity][0]
    if finite_number(heterogeneity) and heterogeneity == 0:
        return None
    if isinstance(heterogeneity, (BetaOnRho, HalfNormalOnTau, LogNormalOnTau)):
        return heterogeneity
    if isinstance(heterogeneity, (tuple, list)):
        name, *values = heterogeneity if heterogeneity else (None,)
        if len(heterogeneity) == 2 and all(positive_number(value) for value in heterogeneity):
            _check_range(heterogeneity, "heterogeneity", 0.05, 1e4)
            return BetaOnRho(float(heterogeneity[0]), float(heterogeneity[1]))
        if name == "half-normal" and len(values) == 1 and positive_number(values[0]):
            _check_range(values, "heterogeneity", 1e-3, 10.0)
            return HalfNormalOnTau(float(values[0]))
        if name == "log-normal" and len(values) == 2 and all(positive_number(value) for value in values):
            _check_range(values, "heterogeneity", 1e-2, 10.0)
            return LogNormalOnTau(float(values[0]), float(values[1]))
    raise InputError(f"{heterogeneity!r} is not a heterogeneity prior", where="heterogeneity", remedy=remedy)


def _check_range(values: Any, where: str, low: float, high: float) -> None:
    """Refuse shapes at which double precision, or sense, ends: the quadrature is tested inside this range."""
    for value in values:
        if not low <= value <= high:
            raise InputError(f"{value!r} is outside the tested range {low:g} to {high:g}", where=where)
