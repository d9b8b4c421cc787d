"""Families of priors: each is one class, and nothing elsewhere.

Its name, how it is stated in Python and as text, where it is tested, and its density, one formula that NumPy and PyTensor
both evaluate. `pool`, the command line and the samplers read the classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from riskmodel._support.checks import Rng, as_rng
from riskmodel._support.doors import doors
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.special import log_sigmoids, tau_of

Array = NDArray[np.float64]
Scale = Literal["rho", "tau"]

_HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))


class Prior(ABC):
    """A family of priors; a class that names its family is known from then on."""

    families: ClassVar[dict[str, Any]]  # of the same kind, by name
    family: ClassVar[str]  # the first word of how it is stated; numbers alone state the family "beta"
    said: ClassVar[str]  # how it is stated, for those who stated another
    ranges: ClassVar[tuple[tuple[float, float], ...]]  # of each number, where the quadrature is tested, or sense ends

    def __init_subclass__(cls) -> None:
        if "family" in vars(cls):
            assert cls.family not in cls.families, f"two classes state {cls.family!r}"
            cls.families[cls.family] = cls
        doors(cls)

    @classmethod
    def of(cls, *numbers: float) -> Self:
        """From the numbers that state it."""
        return cls(*numbers)

    @abstractmethod
    def __str__(self) -> str:
        """As it is written down beside a result."""


class MuPrior(Prior):
    """Prior on the average risk mu, as a density with respect to logit(mu)."""

    families: ClassVar[dict[str, type[MuPrior]]] = {}

    @abstractmethod
    def formula(self, logit: Any, log_mu: Any, log_rest: Any, xp: Any = np) -> Any:
        """Logarithm of the density of logit(mu), in NumPy's words or another library's; log_rest is log(1 - mu)."""

    def log_density(self, logit: Array) -> Array:
        """Logarithm of the density of logit(mu), of the shape of `logit`."""
        return np.asarray(self.formula(logit, *log_sigmoids(logit)))

    @abstractmethod
    def mirrored(self) -> MuPrior:
        """The prior that 1 - mu has."""

    @abstractmethod
    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws of logit(mu), ndarray of shape (size,)."""


@dataclass(frozen=True)
class MixturePrior(MuPrior):
    """A Beta, or a mixture of Betas, on the average risk."""

    family = "beta"
    said = "(a, b) for a Beta on mu"
    ranges = ((1e-3, 1e7), (1e-3, 1e7))

    mixture: BetaMixture  # the prior on mu

    @classmethod
    def of(cls, *numbers: float) -> Self:
        """From the shapes of one Beta."""
        return cls(BetaMixture.beta(*numbers))

    def formula(self, logit: Any, log_mu: Any, log_rest: Any, xp: Any = np) -> Any:
        """Each component's, added up."""
        m = self.mixture
        parts = [
            np.log(w) + a * log_mu + b * log_rest - betaln(a, b) for w, a, b in zip(m.weights, m.a, m.b, strict=True)
        ]
        return reduce(xp.logaddexp, parts)

    def mirrored(self) -> MixturePrior:
        """With the shapes exchanged."""
        return MixturePrior(self.mixture.complement())

    def sample(self, size: int, rng: Rng) -> Array:
        """As the ratio of two gammas, so that neither mu nor its complement is rounded away."""
        rng = as_rng(rng)
        chosen = rng.choice(len(self.mixture), size=size, p=self.mixture.weights)
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
class LogitNormalPrior(MuPrior):
    """A normal on logit(mu): what RBesT, and most regression software, calls the prior on the intercept."""

    family = "normal"
    said = '("normal", mean, sd) on logit(mu)'
    ranges = ((-30.0, 30.0), (1e-3, 100.0))  # above 10 only where the counts have events and others

    location: float  # location, sd: mean and standard deviation of logit(mu)
    sd: float

    def formula(self, logit: Any, log_mu: Any, log_rest: Any, xp: Any = np) -> Any:
        """The normal's."""
        return -0.5 * ((logit - self.location) / self.sd) ** 2 - np.log(self.sd) - _HALF_LOG_2PI

    def mirrored(self) -> LogitNormalPrior:
        """About minus its mean."""
        return LogitNormalPrior(-self.location, self.sd)

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws of logit(mu)."""
        return as_rng(rng).normal(self.location, self.sd, size)

    def __str__(self) -> str:
        """The normal it is."""
        return f"logit(mu) ~ Normal({self.location:.6g}, {self.sd:.6g})"


class HeterogeneityPrior(Prior):
    """Prior on how much settings differ, as a density with respect to log g, g = rho / (1 - rho), at a given mu."""

    families: ClassVar[dict[str, type[HeterogeneityPrior]]] = {}
    scale: ClassVar[Scale]  # what the prior is stated on

    @abstractmethod
    def log_density(self, mu: Array, rest: Array, g: Array) -> Array:
        """Logarithm of the density of log g at mu and rest = 1 - mu."""

    @abstractmethod
    def centre(self) -> tuple[float, float]:
        """Centre and scale of the prior's bulk, on log g for rho and on log q, q near tau squared, for tau."""

    @abstractmethod
    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws of what the prior is stated on, ndarray of shape (size,)."""


class RhoPrior(HeterogeneityPrior):
    """A prior that is stated on the intra-class correlation rho; mu does not enter."""

    scale = "rho"

    @abstractmethod
    def formula(self, log_rho: Any, log_rest: Any, xp: Any = np) -> Any:
        """Logarithm of the density of log g = logit(rho); log_rest is log(1 - rho)."""

    def log_density(self, mu: Array, rest: Array, g: Array) -> Array:
        """Logarithm of the density of log g."""
        return np.asarray(self.formula(np.log(g) - np.log1p(g), -np.log1p(g)))


class TauPrior(HeterogeneityPrior):
    """A prior that is stated on tau, the standard deviation of logit(theta), and so serves any model that has one."""

    scale = "tau"

    @abstractmethod
    def formula(self, tau: Any, xp: Any = np) -> Any:
        """Logarithm of the density of tau."""

    def log_density(self, mu: Array, rest: Array, g: Array) -> Array:
        """Logarithm of the density of log g at mu and rest = 1 - mu."""
        tau, log_slope = tau_of(mu, rest, g)
        return np.asarray(self.formula(tau) + log_slope)

    @abstractmethod
    def median_and_spread(self) -> tuple[float, float]:
        """Median of tau, and standard deviation of log(tau)."""

    def centre(self) -> tuple[float, float]:
        """Centre and scale on log q."""
        median, spread = self.median_and_spread()
        return 2 * float(np.log(median)), 2 * spread


@dataclass(frozen=True)
class BetaOnRho(RhoPrior):
    """A Beta on the intra-class correlation rho."""

    family = "beta"
    said = "(a, b) for a Beta on rho"
    ranges = ((0.05, 1e4), (0.05, 1e4))

    a: float  # a, b: shapes
    b: float

    def formula(self, log_rho: Any, log_rest: Any, xp: Any = np) -> Any:
        """The Beta's."""
        return self.a * log_rho + self.b * log_rest - betaln(self.a, self.b)

    def centre(self) -> tuple[float, float]:
        """Centre and scale on log g."""
        return float(np.log(self.a) - np.log(self.b)), float(np.sqrt(1 / self.a + 1 / self.b))

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws of rho."""
        return as_rng(rng).beta(self.a, self.b, size)

    def __str__(self) -> str:
        """The Beta it is."""
        return f"rho ~ Beta({self.a:.6g}, {self.b:.6g})"


def _log_gamma(shape: Array, rng: np.random.Generator) -> Array:
    """Logarithms of gamma variates, which small shapes would round to zero (Stuart's theorem, 1962)."""
    return np.asarray(np.log(rng.gamma(shape + 1.0)) + np.log(rng.random(shape.shape)) / shape)
