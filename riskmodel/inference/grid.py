"""Distributions read off a quadrature's nodes: the average, the heterogeneity, and the mixture of Betas.

A `Lattice` holds nodes on rows: row j has outer variable ``w[j]`` and the nodes ``x = centre[j] + scale[j] sinh(u)`` of
logit(mu). Weights sum to one and are, up to the step, samples of a smooth function of u, so that its sinc series gives
the density between nodes and the sine integral its distribution function (Stenger, SIAM Review 1981, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import sici

from riskmodel.distributions.base import Distribution, QuantileTable, checked_levels, logit_quantiles
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.special import log_sigmoid, log_sigmoids
from riskmodel.priors import tau_of

Array = NDArray[np.float64]

#: Ripple that a row of Betas standing apart may put on the distribution function, per node.
_RIPPLE = 2e-8
#: Finest subdivision of a row. Components narrower than that are widened to their spacing, at most a sixtieth of the
#: row's own width: 3e-4 of its variance, and only the share of the posterior in which settings are that much alike.
_MAX_SUBDIVISION = 16
#: Components that together hold less than this are left out.
_LEFT_OUT = 1e-9


@dataclass(frozen=True, eq=False)
class Lattice:
    """Nodes and weights of a two-dimensional posterior."""

    weights: Array  # posterior weights, summing to one
    w: Array  # outer variable: log g, or log g - log(mu (1 - mu))
    centre: Array  # centre, scale: of each row's logit(mu)
    scale: Array
    u: Array  # equally spaced stretched variable
    step: float  # its spacing
    log_g_over_m: bool  # whether w is log g - log(mu (1 - mu))
    mirror: bool  # whether the nodes describe one minus the risk
    log_total: float  # logarithm of the integral before normalisation
    #: outer_centre, outer_scale, outer_step: of the outer variable's own stretched axis, ``w = outer_centre +
    #: outer_scale sinh(v)``, v equally spaced.
    outer_centre: float = 0.0
    outer_scale: float = 1.0
    outer_step: float = 1.0

    def mirrored(self) -> Lattice:
        """Nodes of the complement."""
        return replace(self, mirror=not self.mirror)

    @cached_property
    def x(self) -> Array:
        """logit(mu) at the nodes, not mirrored, of shape (rows, columns)."""
        return np.asarray(self.centre[:, None] + self.scale[:, None] * np.sinh(self.u))

    @cached_property
    def mu(self) -> Array:
        """Mu at the nodes, not mirrored."""
        return np.exp(log_sigmoid(self.x))

    @cached_property
    def log_g(self) -> Array:
        """Log g at the nodes, of shape (rows, columns)."""
        return self.log_g_at(self.x, self.w[:, None])

    def log_g_at(self, x: Array, w: Array) -> Array:
        """Log g at any logit and outer variable."""
        extra = np.add(*log_sigmoids(x)) if self.log_g_over_m else np.zeros_like(x)
        return np.asarray(w + extra)

    def average(self) -> AverageMarginal:
        """Marginal distribution of mu."""
        return AverageMarginal(self)

    def heterogeneity(self) -> HeterogeneityMarginal:
        """Marginal distribution of rho."""
        return HeterogeneityMarginal(self)


@dataclass(frozen=True, eq=False, repr=False)
class AverageMarginal(Distribution):
    """The average risk across settings, mu."""

    lattice: Lattice  # nodes of the joint posterior

    @cached_property
    def mean(self) -> float:
        """Posterior mean."""
        mean = float((self.lattice.weights * self.lattice.mu).sum())
        return 1.0 - mean if self.lattice.mirror else mean

    @cached_property
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
        """Quantiles at `q`, of the shape of `q`."""
        levels = checked_levels(q)
        flat = levels.ravel()
        values = np.where(flat < 0.5, 0.0, 1.0)
        inner = (flat > 0) & (flat < 1)
        if inner.any():
            guess = self._table(flat[inner])
            values[inner] = np.exp(log_sigmoid(logit_quantiles(flat[inner], guess, self._tail)))
        return values.reshape(levels.shape)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws, by inversion of a table of the distribution function."""
        return self.quick_ppf(rng.random(size))

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles from a table, good to about 1e-5 in probability, of the shape of `q`."""
        return np.exp(log_sigmoid(self._table(checked_levels(q))))

    @cached_property
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
        logits = (np.log(safe) - np.log1p(-safe)).ravel()
        values = self._tails(logits)[which].reshape(x.shape)
        outside = {0: np.where(x <= 0, 0.0, 1.0), 1: np.where(x <= 0, 1.0, 0.0), 2: np.zeros(x.shape)}[which]
        return np.where(inside, values, outside)

    def _tails(self, logits: Array) -> tuple[Array, Array, Array]:
        """Lower tail, upper tail and density with respect to the logit."""
        lattice = self.lattice
        below = np.empty(logits.size)
        for i, logit in enumerate(-logits if lattice.mirror else logits):
            place = (np.arcsinh((logit - lattice.centre) / lattice.scale)[:, None] - lattice.u) / lattice.step
            below[i] = 0.5 + (lattice.weights * sici(np.pi * place)[0]).sum() / np.pi
        density = self._density(logits)
        below, above = np.clip(below, 0, 1), np.clip(1 - below, 0, 1)
        return (above, below, density) if lattice.mirror else (below, above, density)

    def _density(self, logits: Array) -> Array:
        """Density with respect to the logit."""
        lattice = self.lattice
        density = np.empty(logits.size)
        columns = np.arange(lattice.u.size)
        # sinc(p - k) = sin(pi p) (-1)**k / (pi (p - k)): one sine for a row instead of one for each of its nodes.
        signed = np.where(columns % 2, -lattice.weights, lattice.weights) / (np.pi * lattice.step)
        for i, logit in enumerate(-logits if lattice.mirror else logits):
            z = (logit - lattice.centre) / lattice.scale
            place = (np.arcsinh(z) - lattice.u[0]) / lattice.step
            # A hair beside a node, where sine and divisor both vanish and their ratio keeps eight digits.
            place = np.where(np.abs(place - np.round(place)) < 1e-8, np.round(place) + 1e-8, place)
            terms = np.divide(signed, place[:, None] - columns).sum(axis=1)
            density[i] = (np.sin(np.pi * place) * terms / (lattice.scale * np.sqrt(1 + z * z))).sum()
        return density

    def _tail(self, logits: Array, lower: NDArray[np.bool_]) -> tuple[Array, Array]:
        below, above, density = self._tails(logits)
        return np.where(lower, below, above), density

    def __repr__(self) -> str:
        """Mean and sd."""
        return f"AverageMarginal(mean {self.mean:.4f}, sd {self.sd:.4f})"


@dataclass(frozen=True, eq=False, repr=False)
class HeterogeneityMarginal(Distribution):
    """The intra-class correlation rho, whatever scale its prior is stated on."""

    lattice: Lattice  # nodes of the joint posterior
    scale: str = "rho"

    @cached_property
    def mean(self) -> float:
        """Posterior mean."""
        return float((self.lattice.weights * np.exp(log_sigmoid(self.lattice.log_g))).sum())

    @cached_property
    def sd(self) -> float:
        """Posterior standard deviation."""
        rho = np.exp(log_sigmoid(self.lattice.log_g))
        return float(np.sqrt((self.lattice.weights * (rho - self.mean) ** 2).sum()))

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a rho up to `x`, of the shape of `x`; good to about 1e-5."""
        x = np.asarray(x, float)
        inside = (x > 0) & (x < 1)
        safe = np.where(inside, x, 0.5).ravel()
        logits, cumulative = self._table
        values = np.interp(np.log(safe) - np.log1p(-safe), logits, cumulative, left=0.0, right=1.0).reshape(x.shape)
        return np.where(inside, values, np.where(x <= 0, 0.0, 1.0))

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`, by differences of the distribution function."""
        x = np.asarray(x, float)
        inside = (x > 0) & (x < 1)
        safe = np.where(inside, x, 0.5)
        logits, cumulative = self._table
        slope = np.gradient(cumulative, logits)
        density = np.interp(np.log(safe) - np.log1p(-safe), logits, slope, left=0.0, right=0.0)
        return np.where(inside, density / (safe * (1 - safe)), 0.0)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`; good to about 1e-5."""
        logits, cumulative = self._table
        return np.exp(log_sigmoid(np.interp(checked_levels(q), cumulative, logits)))

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws, by inversion of the table."""
        return self.ppf(rng.random(size))

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """Distribution function of logit(rho) = log g on 1,001 points.

        Along each column log g rises with the row; where it passes a level, the sine integral of the column's weights
        gives the mass below, so that the table is smooth however few the rows.
        """
        lattice = self.lattice
        level = lattice.log_g
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
            place = _sharpen(place, level[:, column], grid)
            steps = sici(np.pi * (place[:, None] - rows))[0] / np.pi + 0.5
            cumulative += steps @ weights
        cumulative = np.maximum.accumulate(np.clip(cumulative, 0.0, 1.0))
        return grid, cumulative / cumulative[-1]

    def __repr__(self) -> str:
        """Mean and sd."""
        return f"HeterogeneityMarginal(rho: mean {self.mean:.4f}, sd {self.sd:.4f})"


def _sharpen(place: Array, level: Array, grid: Array) -> Array:
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
    del grid
    return better


def mixture_nodes(lattice: Lattice) -> BetaMixture:
    """Posterior of the risk in a new setting: a Beta for every node."""
    heavy = lattice.weights > _RIPPLE
    tau = tau_of(lattice.mu, np.exp(log_sigmoid(-lattice.x)), np.exp(lattice.log_g))[0]
    spacing = lattice.scale[:, None] * np.cosh(lattice.u) * lattice.step
    # Betas one width apart ripple by 2 exp(-2 pi**2) of their weight (Poisson summation): light nodes may stand apart.
    allowed = np.sqrt(2 * np.pi**2 / np.log(2 * np.maximum(lattice.weights, _RIPPLE) / _RIPPLE))
    needed = np.where(heavy, spacing / (tau * allowed), 0.0).max(axis=1)
    subdivision = 2 ** np.ceil(np.log2(np.clip(needed, 1, _MAX_SUBDIVISION))).astype(int)
    parts = [_row_components(lattice, subdivision == factor, int(factor)) for factor in np.unique(subdivision)]
    weights, x, log_g = (np.concatenate([part[i] for part in parts]) for i in range(3))
    order = np.argsort(weights)
    kept = order[np.searchsorted(np.cumsum(weights[order]), _LEFT_OUT) :]
    weights, x, log_g = weights[kept], x[kept], log_g[kept]
    log_phi = -log_g
    a, b = (np.exp(side + log_phi) for side in log_sigmoids(x))
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
        weights = _with_moments(weights, np.exp(log_sigmoid(x)), held, lattice.mu[rows])
    log_g = lattice.log_g_at(x, np.broadcast_to(lattice.w[rows, None], x.shape))
    if factor == _MAX_SUBDIVISION:
        # tau**2 is g / (mu (1 - mu)) where it is this small.
        spacing = lattice.scale[rows, None] * np.cosh(u) * lattice.step / factor
        floor = 2 * np.log(spacing) + np.add(*log_sigmoids(x))
        log_g = np.maximum(log_g, floor)
    keep = weights > 0
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
