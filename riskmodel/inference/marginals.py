"""Distributions read off a lattice: of the average, of the risk in one setting, and of the heterogeneity as rho or tau."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import sici

from riskmodel._support.checks import Rng, as_rng, checked_levels
from riskmodel._support.kept import kept
from riskmodel.distributions.base import DeferredDistribution, Distribution, SettingDistribution
from riskmodel.distributions.bulk import compiled
from riskmodel.distributions.quantiles import SETTLED, QuantileTable, exact_quantiles
from riskmodel.distributions.special import logit, sigmoid, tau_of
from riskmodel.inference.lattice import Lattice

if TYPE_CHECKING:
    from riskmodel.inference.logit_normal_settings import NewSettingNodes, SeriesNodes

Array = NDArray[np.float64]

#: Weight of a node that no tail shows: some 7,000 of them hold less than 1e-10.
_UNSEEN = 1e-14
#: Probability from which on a tail is read off a table, which is good to 1e-8.
_FAR_TAIL = 1e-3


@dataclass(frozen=True, eq=False, repr=False)
class AverageMarginal(Distribution):
    """The average risk across settings, mu."""

    lattice: Lattice  # nodes of the joint posterior

    @kept
    def mean(self) -> float:
        """Posterior mean."""
        mean = float((self.lattice.weights * self.lattice.mu).sum())
        return 1.0 - mean if self.lattice.mirror else mean

    @kept
    def sd(self) -> float:
        """Posterior standard deviation."""
        mu = self.lattice.mu
        centre = (self.lattice.weights * mu).sum()
        return float(np.sqrt((self.lattice.weights * (mu - centre) ** 2).sum()))

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of an average up to `x`, of the shape of `x`."""
        return self._at(x, 0)

    def sf(self, x: ArrayLike) -> Array:
        """Probability of an average above `x`, of the shape of `x`."""
        return self._at(x, 1)

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`; zero outside (0, 1)."""
        x = np.asarray(x, float)
        inside = (x > 0) & (x < 1)
        safe = np.where(inside, x, 0.5)
        return np.where(inside, self._at(safe, 2) / (safe * (1 - safe)), 0.0)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`: of the table's own series, to the last digit, where no tail is far."""
        levels = checked_levels(q)
        smallest = np.minimum(levels, 1 - levels)
        near = self._table.fine and not ((smallest > 0) & (smallest < _FAR_TAIL)).any()
        tail, within = (self._table.tail, SETTLED**2) if near else (self._tail, SETTLED)
        return exact_quantiles(levels, lambda: self._table, tail, within)

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws, by inversion of a table of the distribution function."""
        return self.quick_ppf(as_rng(rng).random(size))

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles from a table, good to about 1e-5 in probability, of the shape of `q`."""
        return sigmoid(self._table(checked_levels(q)))

    @kept
    def _table(self) -> QuantileTable:
        # Logits beyond 100 are 0 or 1; where settings hardly agree on anything they would hide the rest.
        x, weights = np.clip(self.lattice.x, -100.0, 100.0), self.lattice.weights
        centre = float((weights * x).sum())
        scale = float(np.sqrt((weights * (x - centre) ** 2).sum()))
        sign = -1.0 if self.lattice.mirror else 1.0

        def outside(low: float, high: float) -> tuple[float, float]:
            below, above, _ = self._tails(np.array([low, high]))
            return float(below[0]), float(above[1])

        return QuantileTable(self._density, outside, sign * centre, scale)

    def _at(self, x: ArrayLike, which: int) -> Array:
        x = np.asarray(x, float)
        inside = (x > 0) & (x < 1)
        safe = np.where(inside, x, 0.5)
        logits = logit(safe).ravel()
        values = self._tails(logits)[which].reshape(x.shape)
        outside = {0: np.where(x <= 0, 0.0, 1.0), 1: np.where(x <= 0, 1.0, 0.0), 2: np.zeros(x.shape)}[which]
        return np.where(inside, values, outside)

    def _tails(self, logits: Array) -> tuple[Array, Array, Array]:
        """Lower tail, upper tail and density with respect to the logit."""
        lattice = self.lattice
        places = -logits if lattice.mirror else logits
        if (fast := compiled()) is not None:
            below = fast.average_below(lattice, places)
        else:
            row, column = np.nonzero(lattice.weights > _UNSEEN)
            weights, u = lattice.weights[row, column], lattice.u[column]
            below = np.empty(logits.size)
            for i, at in enumerate(places):
                place = (np.arcsinh((at - lattice.centre) / lattice.scale)[row] - u) / lattice.step
                below[i] = 0.5 * weights.sum() + weights @ sici(np.pi * place)[0] / np.pi
        density = self._density(logits)
        below, above = np.clip(below, 0, 1), np.clip(1 - below, 0, 1)
        return (above, below, density) if lattice.mirror else (below, above, density)

    @kept
    def _seen(self) -> tuple[Lattice, float, float]:
        """Rows and columns that a density shows, and the logits between which it is more than nought."""
        lattice, heavy = self.lattice, self.lattice.weights > _UNSEEN
        rows, columns = (
            slice(where[0], where[-1] + 1) for where in (heavy.any(axis=axis).nonzero()[0] for axis in (1, 0))
        )
        part = replace(
            lattice, weights=lattice.weights[rows, columns], w=lattice.w[rows], u=lattice.u[columns],
            centre=lattice.centre[rows], scale=lattice.scale[rows],
        )  # fmt: skip
        ends = part.centre + part.scale * np.sinh(part.u[[0, -1]])[:, None]
        low, high = float(ends[0].min()), float(ends[1].max())
        return (part, -high, -low) if lattice.mirror else (part, low, high)

    def _density(self, logits: Array) -> Array:
        """Density with respect to the logit."""
        part, low, high = self._seen
        inside, found = (logits > low) & (logits < high), np.zeros(logits.size)
        if (fast := compiled()) is not None:
            found[inside] = fast.average_density(part, logits[inside])
        else:
            found[inside] = row_densities(part, logits[inside]).sum(axis=0)
        return found

    def _tail(self, logits: Array, lower: NDArray[np.bool_]) -> tuple[Array, Array]:
        below, above, density = self._tails(logits)
        return np.where(lower, below, above), density


def row_densities(lattice: Lattice, logits: Array) -> Array:
    """Share of each row in the density of the average with respect to its logit, of shape (rows, logits)."""
    columns = np.arange(lattice.u.size)
    z = ((-logits if lattice.mirror else logits)[:, None] - lattice.centre) / lattice.scale
    place = (np.arcsinh(z) - lattice.u[0]) / lattice.step
    node = np.round(place)  # a hair beside one sine and divisor both vanish, and keep their digits
    place = np.where(np.abs(place - node) < 1e-12, node + 1e-12, place)
    # sinc(p - k) = sin(pi p) (-1)**k / (pi (p - k)): one sine for a row instead of one for each of its nodes.
    sine = np.where(node % 2, -1, 1) * np.sin(np.pi * (place - node))
    signed = np.where(columns % 2, -lattice.weights, lattice.weights) / (np.pi * lattice.step)
    if logits.size < columns.size:
        terms = np.array([np.divide(signed, one[:, None] - columns).sum(axis=1) for one in place]).reshape(place.shape)
    else:
        terms = np.zeros_like(place)
        for column in columns:
            terms += signed[:, column] / (place - column)
    return np.ascontiguousarray((sine * terms / (lattice.scale * np.sqrt(1 + z * z))).T)


@dataclass(frozen=True, eq=False, repr=False)
class SettingRisk(DeferredDistribution, SettingDistribution):
    """The risk in one setting, tabled when more than its mean is asked for."""

    nodes: Lattice | NewSettingNodes | SeriesNodes  # the lattice of the risk's logit, or what it is made from
    known_mean: float | None = None  # the mean, where it is known without the table

    @kept
    def made(self) -> AverageMarginal:
        """The risk, read off its table."""
        return AverageMarginal(self.nodes if isinstance(self.nodes, Lattice) else self.nodes.table())

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return self.made.mean if self.known_mean is None else self.known_mean

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`; zero outside (0, 1)."""
        return np.maximum(self.made.pdf(x), 0.0)

    def predict(self, total: int) -> Array:
        """Predictive probabilities of the number of events among `total` in this setting."""
        from riskmodel.inference.logit_normal_prediction import predicted

        return predicted(self.made.lattice, total)


@dataclass(frozen=True, eq=False, repr=False)
class HeterogeneityMarginal(Distribution):
    """The intra-class correlation rho, whatever scale its prior is stated on."""

    lattice: Lattice  # nodes of the joint posterior
    scale: str = "rho"

    @kept
    def _level(self) -> Array:
        """What rises along each column: the logit of rho."""
        return self.lattice.log_g

    @kept
    def mean(self) -> float:
        """Posterior mean."""
        return float((self.lattice.weights * sigmoid(self._level)).sum())

    @kept
    def sd(self) -> float:
        """Posterior standard deviation."""
        return float(np.sqrt((self.lattice.weights * (sigmoid(self._level) - self.mean) ** 2).sum()))

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a rho up to `x`, of the shape of `x`; good to about 1e-5."""
        x = np.asarray(x, float)
        inside = (x > 0) & (x < 1)
        safe = np.where(inside, x, 0.5).ravel()
        logits, cumulative = self._table
        values = np.interp(logit(safe), logits, cumulative, left=0.0, right=1.0).reshape(x.shape)
        return np.where(inside, values, np.where(x <= 0, 0.0, 1.0))

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`, by differences of the distribution function."""
        x = np.asarray(x, float)
        inside = (x > 0) & (x < 1)
        safe = np.where(inside, x, 0.5)
        logits, cumulative = self._table
        slope = np.gradient(cumulative, logits)
        density = np.interp(logit(safe), logits, slope, left=0.0, right=0.0)
        return np.where(inside, density / (safe * (1 - safe)), 0.0)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`; good to about 1e-5."""
        logits, cumulative = self._table
        return sigmoid(np.interp(checked_levels(q), cumulative, logits))

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws, by inversion of the table."""
        return self.ppf(as_rng(rng).random(size))

    @kept
    def _table(self) -> tuple[Array, Array]:
        """Distribution function of the level on 1,001 points, smooth however few the rows, by sine integrals of columns."""
        lattice, level = self.lattice, self._level
        heavy = lattice.weights > 1e-12 * lattice.weights.max()
        grid = np.linspace(level[heavy].min() - 1e-9, level[heavy].max() + 1e-9, 1001)
        rows = np.arange(level.shape[0])
        cumulative = np.zeros(grid.size)
        for column in range(level.shape[1]):
            weights = lattice.weights[:, column]
            if weights.max() <= 1e-12 * lattice.weights.max():
                continue
            rising = np.maximum.accumulate(level[:, column])
            place = np.interp(grid, rising, rows, left=-50.0, right=rows[-1] + 50.0)
            place = _sharpen(place, level[:, column])
            steps = sici(np.pi * (place[:, None] - rows))[0] / np.pi + 0.5
            cumulative += steps @ weights
        cumulative = np.maximum.accumulate(np.clip(cumulative, 0.0, 1.0))
        return grid, cumulative / cumulative[-1]


def _sharpen(place: Array, level: Array) -> Array:
    """Improve linear inverse interpolation of a row position by the quadratic term of its cell."""
    inside = (place >= 0) & (place <= level.size - 1)
    cell = np.clip(place[inside].astype(int), 0, level.size - 2)
    curvature = np.gradient(np.gradient(level))
    fraction = place[inside] - cell
    slope = level[cell + 1] - level[cell]
    bend = 0.5 * fraction * (1 - fraction) * (curvature[cell] + curvature[cell + 1]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(slope > 0, bend / slope, 0.0)
    better = place.copy()
    better[inside] = cell + np.clip(fraction + shift, 0, 1)
    return better


@dataclass(frozen=True, eq=False, repr=False)
class _TauShare(HeterogeneityMarginal):
    """Of a beta-binomial's tau, tau / (1 + tau)."""

    @kept
    def _level(self) -> Array:
        """Its logit, log(tau)."""
        lattice = self.lattice
        return np.log(tau_of(lattice.mu, np.exp(lattice.logs[1]), np.exp(np.clip(lattice.log_g, -300.0, 300.0)))[0])


@dataclass(frozen=True, eq=False, repr=False)
class OddsMarginal(Distribution):
    """The exponential of a lattice's x, in (0, inf): where x is a log odds ratio, the odds ratio.

    Read as a logit, x is that of a share, whose distribution the rows' sinc series gives as it gives a risk's.
    """

    lattice: Lattice  # nodes of the joint posterior
    scale: str = "odds ratio"

    @kept
    def _share(self) -> Distribution:
        """Distribution of the value over one more than it."""
        return AverageMarginal(self.lattice)

    @kept
    def at_nodes(self) -> Array:
        """Values at the nodes."""
        return np.exp(self.lattice.x)

    @kept
    def mean(self) -> float:
        """Posterior mean."""
        return float((self.lattice.weights * self.at_nodes).sum())

    @kept
    def sd(self) -> float:
        """Posterior standard deviation."""
        return float(np.sqrt((self.lattice.weights * (self.at_nodes - self.mean) ** 2).sum()))

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`; zero at and below zero."""
        at: Array = np.asarray(x, float)
        safe = np.where(at > 0, at, 1.0)
        return np.where(at > 0, self._share.pdf(safe / (1 + safe)) / (1 + safe) ** 2, 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value up to `x`, of the shape of `x`."""
        at: Array = np.maximum(np.asarray(x, float), 0.0)
        return self._share.cdf(at / (1 + at))

    def sf(self, x: ArrayLike) -> Array:
        """Probability of a value above `x`, of the shape of `x`."""
        at: Array = np.maximum(np.asarray(x, float), 0.0)
        return self._share.sf(at / (1 + at))

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`."""
        share = self._share.ppf(q)
        with np.errstate(divide="ignore"):
            return np.asarray(share / (1 - share))

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws, by inversion of a table of the distribution function."""
        share = self._share.sample(size, rng)
        return np.asarray(share / (1 - share))


@dataclass(frozen=True, eq=False, repr=False)
class BetaTauMarginal(OddsMarginal):
    """The standard deviation of logit(theta) between settings of a beta-binomial."""

    scale: str = "tau"

    @kept
    def _share(self) -> _TauShare:
        """Distribution of tau / (1 + tau)."""
        return _TauShare(self.lattice)

    @kept
    def at_nodes(self) -> Array:
        """Values at the nodes."""
        return np.exp(self._share._level)


@dataclass(frozen=True, eq=False, repr=False)
class TauMarginal(OddsMarginal):
    """The standard deviation of the logit of the risk between settings: the lattice's outer variable is log(tau)."""

    scale: str = "tau"

    @kept
    def at_nodes(self) -> Array:
        """Values at the nodes."""
        return np.exp(self.lattice.w)[:, None]

    @kept
    def _share(self) -> AverageMarginal:
        """Distribution of tau / (1 + tau)."""
        held = self.lattice
        v = np.arcsinh((held.w - held.outer_centre) / held.outer_scale)
        return AverageMarginal(
            Lattice(
                weights=held.weights.sum(axis=1)[None],
                w=np.zeros(1),
                centre=np.array([held.outer_centre]),
                scale=np.array([held.outer_scale]),
                u=v,
                step=held.outer_step,
                log_g_over_m=False,
                mirror=False,
                log_total=0.0,
            )
        )
