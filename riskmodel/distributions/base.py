"""What every one-dimensional posterior here can say of itself."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel.errors import InputError, UnknownNameError

Array = NDArray[np.float64]
IntervalKind = Literal["eti", "hdi"]

#: Logits outside this range are 0 or 1 in double precision even as logarithms of a density.
LOGIT_LIMIT = 700.0
#: Scales at the centre of a quantile table that its stretched axis counts as one.
_TABLE_WIDTH = 0.7
#: Spacing of its 101 points on that axis.
_TABLE_STEP = 0.08
_TABLE_AXIS = np.arange(-50, 51) * _TABLE_STEP


class Distribution(ABC):
    """A distribution on [0, 1]: of a risk, an average risk or a heterogeneity."""

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
    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws, ndarray of shape (size,)."""

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles good to about 1e-5 in probability, for many levels at once; exact ones where that is as cheap."""
        return self.ppf(q)

    def sf(self, x: ArrayLike) -> Array:
        """Probability of a value above `x`, of the shape of `x`."""
        return np.asarray(1.0 - self.cdf(x))

    @property
    def median(self) -> float:
        """Posterior median."""
        return float(self.ppf(0.5))

    def interval(self, prob: float = 0.95, *, kind: IntervalKind = "eti") -> tuple[float, float]:
        """Credible interval.

        Parameters
        ----------
        prob : float
            Posterior probability of the interval, in (0, 1).
        kind : {"eti", "hdi"}
            Equal-tailed, or the shortest single interval (highest density, where the density has one mode).

        Returns
        -------
        tuple of float
            Lower and upper end.

        Raises
        ------
        InputError
            If `prob` is not in (0, 1) or `kind` is unknown.
        """
        if not isinstance(prob, (int, float)) or isinstance(prob, bool) or not 0 < prob < 1:
            raise InputError(
                f"{prob!r} is not a probability strictly between 0 and 1", where="prob", remedy="Give 0.95"
            )
        if kind not in ("eti", "hdi"):
            raise UnknownNameError("kind of interval", kind, ["eti", "hdi"], where="kind")
        found: dict[tuple[float, str], tuple[float, float]] = self.__dict__.setdefault("_intervals", {})
        if (prob, kind) not in found:  # a distribution is frozen, and a consultation asks for the same interval often
            below = (1 - prob) / 2 if kind == "eti" else _shortest_start(self.ppf, prob)
            lower, upper = self.ppf(np.array([below, min(below + prob, 1.0)]))
            found[prob, kind] = (float(lower), float(upper))
        return found[prob, kind]


class SettingDistribution(Distribution):
    """The risk in one setting, which says besides how many events a series from there may have."""

    @abstractmethod
    def predict(self, total: int) -> Array:
        """Probabilities of 0 to `total` events, ndarray of shape (total + 1,)."""


@dataclass(frozen=True)
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

    def pdf(self, x: ArrayLike) -> Array:
        """Infinite at the value, zero elsewhere."""
        return np.where(np.asarray(x, float) == self.value, np.inf, 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Zero below the value, one from it on."""
        return np.where(np.asarray(x, float) >= self.value, 1.0, 0.0)

    def ppf(self, q: ArrayLike) -> Array:
        """The value, whatever the quantile."""
        return np.full(np.shape(q), self.value)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
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

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws."""
        return np.asarray(1.0 - self.risk.sample(size, rng))


class QuantileTable:
    """Quantiles of a smooth distribution on the logit scale, many at once.

    Built from some hundred values of the density on a stretched axis, integrated by the four-point rule of Gill and Miller
    (Computer Journal 1972); between its points the distribution function is the cubic that has the density as its slope,
    and beyond them a straight line on a logarithmic scale, as a power-law tail is. Good to about 1e-5 in probability.
    """

    def __init__(
        self,
        density: Callable[[Array], Array],
        outside: Callable[[float, float], tuple[float, float]],
        centre: float,
        scale: float,
    ) -> None:
        for _ in range(4):
            self._build(density, outside, centre, scale)
            low, middle, high = self(np.array([0.16, 0.5, 0.84]))
            spread = 0.5 * float(high - low)
            if abs(middle - centre) < scale and 0.4 * scale < spread < 2.5 * scale:
                break
            centre, scale = float(middle), max(spread, 1e-12)

    def _build(
        self,
        density: Callable[[Array], Array],
        outside: Callable[[float, float], tuple[float, float]],
        centre: float,
        scale: float,
    ) -> None:
        u = _TABLE_AXIS
        self.logits = np.clip(centre + _TABLE_WIDTH * scale * np.sinh(u), -LOGIT_LIMIT + 10, LOGIT_LIMIT - 10)
        self.density = np.maximum(density(self.logits), 0.0)
        f = self.density * _TABLE_WIDTH * scale * np.cosh(u)
        f = np.where(np.abs(self.logits) < LOGIT_LIMIT - 10, f, 0.0)
        ends = 0.5 * _TABLE_STEP * np.array([f[0] + f[1], f[-2] + f[-1]])
        cells = _TABLE_STEP / 24 * (13 * (f[1:-2] + f[2:-1]) - f[:-3] - f[3:])
        cumulative = np.concatenate([[0.0], np.cumsum(np.maximum(np.concatenate([ends[:1], cells, ends[1:]]), 0.0))])
        # Where the density has died away at both ends nothing is outside.
        decayed = max(f[0], f[-1]) < 1e-9 * f.max()
        below, above = (0.0, 0.0) if decayed else outside(float(self.logits[0]), float(self.logits[-1]))
        ratio = (1.0 - below - above) / cumulative[-1]
        self.cumulative = below + cumulative * ratio
        self.density = self.density * ratio
        self.outside = (below, above)

    def __call__(self, levels: Array) -> Array:
        """Logits of the quantiles."""
        grid, cumulative, density = self.logits, self.cumulative, self.density
        cell = np.clip(np.searchsorted(cumulative, levels) - 1, 0, grid.size - 2)
        width = grid[cell + 1] - grid[cell]
        gain = np.maximum(cumulative[cell + 1] - cumulative[cell], 1e-300)
        aim = (levels - cumulative[cell]) / gain
        left, right = density[cell] * width / gain, density[cell + 1] * width / gain
        t = np.clip(aim, 0.0, 1.0)
        for _ in range(4):  # Newton on the cell's cubic
            value = t**2 * (3 - 2 * t) + left * t * (1 - t) ** 2 - right * t**2 * (1 - t)
            slope = 6 * t * (1 - t) + left * (1 - t) * (1 - 3 * t) + right * t * (3 * t - 2)
            t = np.clip(t - (value - aim) / np.where(np.abs(slope) > 1e-6, slope, 1.0), 0.0, 1.0)
        found = np.asarray(grid[cell] + t * width)
        below, above = self.outside
        for beyond, mass, at, sign, end in (
            (levels < below, below, levels, 1.0, 0),
            (1 - levels < above, above, 1 - levels, -1.0, -1),
        ):
            if beyond.any():
                slope = mass / max(float(density[end]), 1e-300)
                reach = sign * slope * np.log(np.maximum(at, 1e-300) / mass)
                found = np.where(beyond, np.clip(grid[end] + reach, -LOGIT_LIMIT, LOGIT_LIMIT), found)
        return found


def checked_levels(q: ArrayLike) -> Array:
    """Quantile levels as floats, refused outside [0, 1]."""
    try:
        levels = np.asarray(q, float)
    except (TypeError, ValueError):
        levels = np.array(np.nan)
    if not np.all((levels >= 0) & (levels <= 1)):
        raise InputError("quantile levels must be numbers in [0, 1]", where="q", remedy="Give 0.975 for 97.5 %")
    return levels


def logit_quantiles(
    levels: Array,
    guess: Array,
    tail: Callable[[Array, NDArray[np.bool_]], tuple[Array, Array]],
    *,
    tolerance: float = 1e-4,
) -> Array:
    """Solve for quantiles on the logit scale by safeguarded Newton steps on the logarithm of the smaller tail.

    On this scale a power-law tail is a straight line, so that the lower limit of a series without events, 1e-12 say, is
    found in a few steps as surely as a median.
    """
    x = np.clip(np.array(guess, float), -LOGIT_LIMIT, LOGIT_LIMIT)
    low, high = np.full(x.shape, -LOGIT_LIMIT), np.full(x.shape, LOGIT_LIMIT)
    lower = levels <= 0.5
    sign = np.where(lower, 1.0, -1.0)
    target = np.log(np.where(lower, levels, 1 - levels))
    active = np.arange(x.size)
    for _ in range(100):
        probability, density = tail(x[active], lower[active])
        probability = np.maximum(probability, 1e-300)
        gap = sign[active] * (np.log(probability) - target[active])  # positive where x is too high
        high[active] = np.where(gap > 0, x[active], high[active])
        low[active] = np.where(gap < 0, x[active], low[active])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = x[active] - gap * probability / density
        inside = (step > low[active]) & (step < high[active])  # also false where the step is not a number
        new = np.where(gap == 0, x[active], np.where(inside, step, (low[active] + high[active]) / 2))
        settled = np.abs(new - x[active]) <= tolerance * np.maximum(1.0, np.abs(new))
        x[active] = new
        active = active[~settled]
        if not active.size:
            break
    return np.asarray(x)


def _shortest_start(ppf: Callable[[Array], Array], prob: float) -> float:
    """Level at which the shortest interval of probability `prob` begins: a scan, refined around its best."""
    low, high = 0.0, 1.0 - prob
    for _ in range(6):
        starts = np.linspace(low, high, 33)
        ends = np.minimum(starts + prob, 1.0)
        quantiles = ppf(np.concatenate([starts, ends]))
        best = int(np.argmin(quantiles[33:] - quantiles[:33]))
        low, high = starts[max(best - 1, 0)], starts[min(best + 1, 32)]
        if high - low < 1e-9:
            break
    return float(starts[best])


def finite_number(value: Any) -> bool:
    """Whether something is one finite real number, not a bool."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
