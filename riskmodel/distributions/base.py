"""What every one-dimensional posterior here can say of itself."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel._support.checks import Rng, checked_levels
from riskmodel._support.kept import Value, beside, kept
from riskmodel.distributions.quantiles import densest, shortest_start
from riskmodel.errors import InputError, UnknownNameError

Array = NDArray[np.float64]
IntervalKind = Literal["eti", "hdi"]

#: A mean outside this central interval is carried by few settings, and no figure for most of them. A convention.
CENTRAL = 0.8


class Headline(NamedTuple):
    """The one figure that comes first where a risk is told."""

    figure: float
    statistic: Literal["mean", "median"]
    reason: str  # why it is the median; empty where it is the mean


def _as_unknown[F: Callable[..., Array]](function: F) -> F:
    """A function of values that is not a number where a value is none."""

    @functools.wraps(function)
    def known(self: Distribution, x: ArrayLike) -> Array:
        found, unknown = function(self, x), np.isnan(np.asarray(x, float))
        return np.where(unknown, np.nan, found) if unknown.any() else found

    return known  # type: ignore[return-value]


class Distribution(Value, ABC):
    """A distribution on [0, 1]: of a risk, an average risk or a heterogeneity."""

    def __init_subclass__(cls) -> None:
        for name in ("pdf", "cdf", "sf"):
            if name in vars(cls):
                setattr(cls, name, _as_unknown(vars(cls)[name]))
        super().__init_subclass__()

    #: Parts of equal probability by which peaks are looked for, and how deep, as a share, a valley between two is at least.
    cells: ClassVar[int] = 400
    valley: ClassVar[float] = 0.05

    @property
    @abstractmethod
    def mean(self) -> float:
        """Posterior mean."""

    @property
    @abstractmethod
    def sd(self) -> float:
        """Posterior standard deviation."""

    @abstractmethod
    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`."""

    @abstractmethod
    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value up to `x`, of the shape of `x`."""

    @abstractmethod
    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q` in [0, 1], of the shape of `q`."""

    @abstractmethod
    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws, ndarray of shape (size,); `rng` is a generator or the seed of one."""

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles good to about 1e-5 in probability, for many levels at once; exact ones where that is as cheap."""
        return self.ppf(q)

    def sf(self, x: ArrayLike) -> Array:
        """Probability of a value above `x`, of the shape of `x`."""
        return np.asarray(1.0 - self.cdf(x))

    def __repr__(self) -> str:
        """Mean and sd."""
        return f"{type(self).__name__}(mean {self.mean:.4f}, sd {self.sd:.4f})"

    @property
    def median(self) -> float:
        """Posterior median: the middle of the 95 % interval's quantiles, which are sought together."""
        self.interval()
        middle: float = beside(self)["median"]
        return middle

    @kept
    def headline(self) -> Headline:
        """The figure to tell first: the mean, or the median where the mean lies outside the central 80 % interval."""
        below = float(self.cdf(self.mean))
        side = "above" if below > (1 + CENTRAL) / 2 else "below" if below < (1 - CENTRAL) / 2 else ""
        if not side:
            return Headline(self.mean, "mean", "")
        few = "high" if side == "above" else "low"
        reason = f"the mean lies {side} the central {CENTRAL:.0%} interval: few settings, with {few} risks, carry it"
        return Headline(self.median, "median", reason.replace("%", " %"))

    def interval(self, prob: float = 0.95, *, kind: IntervalKind = "eti") -> tuple[float, float]:
        """Credible interval.

        Parameters
        ----------
        prob : float
            Posterior probability of the interval, in (0, 1).
        kind : {"eti", "hdi"}
            Equal-tailed, or shortest: that of highest density. Of a density with two peaks, such as a U, no one interval is.

        Returns
        -------
        tuple of float
            Lower and upper end.

        Raises
        ------
        InputError
            If `prob` is not in (0, 1) or `kind` is unknown; for ``"hdi"`` also if what has the highest density is more than
            one piece: it is named, and `highest_density` gives it.
        """
        _check_probability(prob)
        if kind not in ("eti", "hdi"):
            raise UnknownNameError("kind of interval", kind, ["eti", "hdi"], where="kind")
        held = beside(self)
        if (prob, kind) not in held and kind == "hdi":
            pieces = self.highest_density(prob)
            if len(pieces) > 1:
                told = " and ".join(f"{low:.3g} to {high:.3g}" for low, high in pieces)
                what = (
                    f"the density has {len(pieces)} peaks: its densest {prob:.4g} is {told}, which is no one interval"
                )
                remedy = f'Give kind="eti", or ask highest_density({prob:g}) for the pieces'
                raise InputError(what, where="kind", remedy=remedy)
            held[prob, kind] = pieces[0]
        elif (prob, kind) not in held:  # a consultation asks for the same interval often
            below = (1 - prob) / 2
            lower, middle, upper = self.ppf(np.array([below, 0.5, min(below + prob, 1.0)]))
            held[prob, kind] = (float(lower), float(upper))
            if prob == 0.95:  # one place, so that the order of questions changes no digit
                held["median"] = float(middle)
        found: tuple[float, float] = held[prob, kind]
        return found

    def highest_density(self, prob: float = 0.95) -> tuple[tuple[float, float], ...]:
        """Where the density is highest: one interval, the shortest, or a piece about each of several peaks.

        Parameters
        ----------
        prob : float
            Posterior probability of all pieces together, in (0, 1).

        Returns
        -------
        tuple of (float, float)
            Lower and upper ends, ascending. A piece with less than 0.5 % of the probability is none; nor is a valley that is
            less than 5 % below the lower of its peaks (40 %, of draws). Pieces are good to about 1e-3 in probability, and of
            draws to some 2 %.

        Raises
        ------
        InputError
            If `prob` is not in (0, 1).

        References
        ----------
        Hyndman RJ. Computing and graphing highest density regions. Am Stat 1996;50:120-6.
        """
        _check_probability(prob)
        pieces = densest(self.quick_ppf, prob, self.cells, self.valley)
        if len(pieces) == 1:
            start = shortest_start(self.ppf, prob)
            pieces = [(start, min(start + prob, 1.0))]
        return tuple((float(low), float(high)) for low, high in self.ppf(np.array(pieces)))


def _check_probability(prob: float) -> None:
    if not isinstance(prob, (int, float)) or isinstance(prob, bool) or not 0 < prob < 1:
        raise InputError(f"{prob!r} is not a probability strictly between 0 and 1", where="prob", remedy="Give 0.95")


class SettingDistribution(Distribution):
    """The risk in one setting, which says besides how many events a series from there may have."""

    @abstractmethod
    def predict(self, total: int) -> Array:
        """Probabilities of 0 to `total` events, ndarray of shape (total + 1,)."""


class DeferredDistribution(Distribution):
    """A distribution that is made when more than its mean is asked for."""

    @property
    @abstractmethod
    def made(self) -> Distribution:
        """The distribution itself."""

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return self.made.sd

    @property
    def median(self) -> float:
        """Median."""
        return self.made.median

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`."""
        return self.made.pdf(x)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a risk up to `x`, of the shape of `x`."""
        return self.made.cdf(x)

    def sf(self, x: ArrayLike) -> Array:
        """Probability of a risk above `x`, of the shape of `x`."""
        return self.made.sf(x)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`."""
        return self.made.ppf(q)

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles good to about 1e-5 in probability, of the shape of `q`."""
        return self.made.quick_ppf(q)

    def interval(self, prob: float = 0.95, *, kind: IntervalKind = "eti") -> tuple[float, float]:
        """Credible interval, shared by everyone who asks for that distribution's."""
        return self.made.interval(prob, kind=kind)

    def highest_density(self, prob: float = 0.95) -> tuple[tuple[float, float], ...]:
        """Where the density is highest, by that distribution's own parts."""
        return self.made.highest_density(prob)

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws."""
        return self.made.sample(size, rng)

    def __repr__(self) -> str:
        """Mean."""
        return f"{type(self).__name__}(mean {self.mean:.4f})"


@dataclass(frozen=True, eq=False)
class PointMass(Distribution):
    """All probability on one value: a heterogeneity fixed at zero."""

    value: float  # the value
    scale: str = ""  # what the value is measured in: ``"rho"`` or ``"tau"``

    @property
    def mean(self) -> float:
        """The value."""
        return self.value

    @property
    def sd(self) -> float:
        """Zero."""
        return 0.0

    @property
    def headline(self) -> Headline:
        """The value."""
        return Headline(self.value, "mean", "")

    def pdf(self, x: ArrayLike) -> Array:
        """Infinite at the value, zero elsewhere."""
        return np.where(np.asarray(x, float) == self.value, np.inf, 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Zero below the value, one from it on."""
        return np.where(np.asarray(x, float) >= self.value, 1.0, 0.0)

    def ppf(self, q: ArrayLike) -> Array:
        """The value, whatever the quantile."""
        return np.full(np.shape(q), self.value)

    def sample(self, size: int, rng: Rng) -> Array:
        """The value, `size` times."""
        return np.full(size, self.value)


@dataclass(frozen=True, eq=False)
class Complement(Distribution):
    """One minus a risk."""

    risk: Distribution  # the risk

    @property
    def mean(self) -> float:
        """One minus the mean."""
        return 1.0 - self.risk.mean

    @property
    def sd(self) -> float:
        """That of the risk."""
        return self.risk.sd

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`."""
        return self.risk.pdf(1.0 - np.asarray(x, float))

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value up to `x`, of the shape of `x`."""
        return self.risk.sf(1.0 - np.asarray(x, float))

    def sf(self, x: ArrayLike) -> Array:
        """Probability of a value above `x`, of the shape of `x`."""
        return self.risk.cdf(1.0 - np.asarray(x, float))

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`."""
        return np.asarray(1.0 - self.risk.ppf(1.0 - checked_levels(q)))

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles as quickly as the risk gives its own, of the shape of `q`."""
        return np.asarray(1.0 - self.risk.quick_ppf(1.0 - checked_levels(q)))

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws."""
        return np.asarray(1.0 - self.risk.sample(size, rng))
