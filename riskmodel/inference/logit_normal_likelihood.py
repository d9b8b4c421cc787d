r"""The inner integral of the logit-normal model: a series' counts, its own risk integrated out.

.. math::

    L_i(x, \tau) = \int \mathrm{N}(t \mid x, \tau^2)\, \sigma(t)^{y_i} (1 - \sigma(t))^{n_i - y_i}\,\mathrm{d}t

It is wanted at thousands of (x, tau) for every series. Where tau is wide beside what the counts say, the integrand is
summed on points t that do not depend on x: one table of normal densities then serves every average and every series, by
matrix products. The points are the trapezoid rule's on a stretched axis, ``t = centre + scale * sinh(v)``, which converges
geometrically for such integrands (Trefethen and Weideman, SIAM Review 2014, section 5). Where tau is narrow, Gauss and
Hermite's rule in ``z = (t - x) / tau`` needs few points. A rule is told how much finer than usual it shall be, and the
caller compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from riskmodel._support.kept import kept
from riskmodel.distributions.special import log_sigmoids

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Spacing of the trapezoid rule in standard deviations of the integrand: a normal is summed to 2 exp(-2 pi**2 / 0.64).
_SPACING = 0.8
#: Standard deviations of the normal that are covered: 5e-15 of it is beyond.
_REACH = 7.8
#: Logarithm by which a likelihood has fallen where it is cut: 8 standard deviations of tau beside its own point and tail.
_DROP = 70.0
#: tau in standard deviations of what the counts say, up to which Gauss and Hermite's rule is used, and its points.
_NARROW = ((0.01, 4), (0.05, 6), (0.2, 10), (0.5, 16))
#: Information above which a series has points of its own. Below it, sharing them costs less (measured 2026-11).
_SHARP = 40.0
#: Points to find where the integrand matters: more are wanted only by averages so far away that they do not.
_MOST_ROUGHLY = 300
#: Spacing of the normals that make a Student's t, in standard deviations of log lambda, and the share below which one is
#: left out.
_LAMBDA_STEP = 0.85
_LIGHT_SHARE = 1e-6
#: Cells of one table of normal densities: what a processor's cache holds.
_BLOCK = 120_000


@dataclass(frozen=True)
class Spreads:
    """How logits of risks lie about their middle: normals of several spreads, a share of settings each."""

    factors: tuple[float, ...] = (
        1.0,
    )  # factors, shares: standard deviations over tau, and how many settings have each
    shares: tuple[float, ...] = (1.0,)

    def fewer(self) -> Spreads:
        """Every second, for what need not be exact."""
        shares = self.shares[::2]
        return Spreads(self.factors[::2], tuple(share / sum(shares) for share in shares))

    @property
    def log_shares(self) -> Array:
        """Logarithms of the shares, of shape (spreads, 1, 1, 1)."""
        return np.log(self.shares)[:, None, None, None]


#: One spread: the logit-normal model.
NORMAL = Spreads()


@lru_cache(maxsize=16)
def student(df: float) -> Spreads:
    r"""Student's t as a mixture of normals: :math:`t = z / \sqrt{\lambda}` with lambda gamma.

    The trapezoid rule in log lambda converges geometrically. For 10 degrees of freedom it takes 14 normals; their density is
    within 4e-5 of Student's up to 5 scales and 2e-3 up to 8, their distribution function within 1e-7; for 4 it takes 16,
    within 5e-5, 1e-4 and 5e-6 (2026-11).
    """
    shape = df / 2
    step = _LAMBDA_STEP * np.sqrt(1 / shape)
    log_lambda = np.arange(-80, 20) * step
    shares = step * np.exp(shape * (log_lambda - np.exp(log_lambda) + np.log(shape)) - gammaln(shape))
    heavy = shares > _LIGHT_SHARE
    shares = shares[heavy] / shares[heavy].sum()
    return Spreads(tuple(np.exp(-log_lambda[heavy] / 2).tolist()), tuple(shares.tolist()))


@dataclass(frozen=True)
class Conditional:
    """What a series says given average and heterogeneity."""

    log_likelihood: Array  # without the binomial coefficient
    risk: Array  # mean of the series' own risk
    logit: Array  # logit, spread: mean and standard deviation of the logit of its own risk
    spread: Array


@dataclass(frozen=True)
class RandomEffect:
    """Series whose own risks are integrated out."""

    events: Counts  # events, totals: counts; no series is allowed
    totals: Counts
    #: How much finer than usual the rules shall be: 1 for use, more to check, less to find where they matter.
    finer: float = 1.0

    @kept
    def information(self) -> Array:
        """Curvature of each log-likelihood near its top, of shape (series,); two events more of each kind for the edges."""
        y, rest = self.events + 1.0, self.totals - self.events + 1.0
        return np.asarray(y * rest / (y + rest) + 1.0)

    @kept
    def support(self) -> tuple[Array, Array]:
        """Logits at which each log-likelihood has fallen by `_DROP`; infinite on a side on which it does not fall."""
        ends = []
        for y, rest, sign in (
            (self.events, self.totals - self.events, 1.0),
            (self.totals - self.events, self.events, -1.0),
        ):
            ends.append(sign * _fallen(y.astype(float), rest.astype(float)))
        return ends[0], ends[1]

    @kept
    def _groups(self) -> list[NDArray[np.intp]]:
        """Series that share points: all that say little, and each of the others by itself."""
        sharp = self.information > _SHARP
        shared = np.flatnonzero(~sharp)
        return ([shared] if shared.size else []) + [np.array([i]) for i in np.flatnonzero(sharp)]

    def log_likelihood(self, x: Array, tau: Array) -> Array:
        """Logarithm of the probability of each series' counts in one order."""
        return np.asarray(self._integrate(x, tau, moments=False)[0])

    def mixed_log_likelihood(self, x: Array, tau: Array, spreads: Spreads) -> Array:
        """The same where settings have one of several spreads, each a factor times tau."""
        if len(spreads.factors) == 1:
            return self.log_likelihood(x, tau)
        parts = [self.log_likelihood(x, factor * tau) for factor in spreads.factors]
        return np.asarray(np.logaddexp.reduce(np.stack(parts) + spreads.log_shares))

    def conditional(self, x: Array, tau: Array) -> Conditional:
        """The same, and moments of each series' own risk."""
        log_l, risk, logit, square = self._integrate(x, tau, moments=True)
        return Conditional(log_l, risk, x + logit, np.sqrt(np.maximum(square - logit**2, 0.0)))

    def _integrate(self, x: Array, tau: Array, *, moments: bool) -> Array:
        out = np.empty((4 if moments else 1, self.events.size, *x.shape))
        for group in self._groups:
            relative = tau * np.sqrt(self.information[group].max())
            done = np.zeros(tau.shape, bool)
            for limit, points in _NARROW:
                rows = (relative < limit) & ~done
                if rows.any():
                    out[:, group[:, None], np.flatnonzero(rows)] = self._narrow(
                        x[rows], tau[rows], group, points, moments
                    )
                done |= rows
            if not done.all():
                rows = ~done
                out[:, group[:, None], np.flatnonzero(rows)] = self._wide(x[rows], tau[rows], group, moments)
        return out

    def _narrow(self, x: Array, tau: Array, group: NDArray[np.intp], points: int, moments: bool) -> Array:
        """Gauss and Hermite's rule in z, of shape (values, series of the group, rows, columns)."""
        z, weights = hermite(round(points * max(self.finer, 1.0)))
        y, rest = self.events[group].astype(float), (self.totals - self.events)[group].astype(float)
        out = np.empty((4 if moments else 1, group.size, x.size))
        flat, width = x.ravel(), np.broadcast_to(tau[:, None], x.shape).ravel()
        block = max(1, _BLOCK // (z.size * group.size))
        for first in range(0, x.size, block):
            part = slice(first, first + block)
            offset = width[part, None] * z
            t = np.concatenate([flat[part, None], flat[part, None] + offset], axis=1)
            log_risk, log_rest = log_sigmoids(t)
            here = np.multiply.outer(y, log_risk[:, 0]) + np.multiply.outer(rest, log_rest[:, 0])
            # Against its value at z = 0: only an average that the series rules out could overflow.
            f = np.multiply.outer(y, log_risk[:, 1:]) + np.multiply.outer(rest, log_rest[:, 1:])
            f -= here[..., None]
            np.exp(np.minimum(f, 600.0, out=f), out=f)
            mass = f @ weights
            out[0, :, part] = here + np.log(np.maximum(mass, 1e-300))
            if moments:
                safe = np.maximum(mass, 1e-300)
                for row, value in enumerate((np.exp(log_risk[:, 1:]), offset, offset**2), 1):
                    out[row, :, part] = ((f * value) @ weights) / safe
        return out.reshape(*out.shape[:2], *x.shape)

    def _wide(self, x: Array, tau: Array, group: NDArray[np.intp], moments: bool) -> Array:
        """Trapezoid rule on points that all columns and all series of the group share."""
        out = np.empty((4 if moments else 1, group.size, *x.shape))
        grid = self._grid(x, tau, group)
        y, rest = self.events[group].astype(float)[:, None], (self.totals - self.events)[group].astype(float)[:, None]
        order = np.argsort(grid.points, kind="stable")
        first = 0
        while first < order.size:
            last = first + 1
            while last < order.size and (last + 1 - first) * x.shape[1] * grid.points[order[last]] <= _BLOCK:
                last += 1
            rows = order[first:last]
            first = last
            t, log_step = grid.of(rows)
            log_risk, log_rest = log_sigmoids(t)
            log_f = y * log_risk[:, None] + rest * log_rest[:, None] + log_step[:, None]  # rows, series, points
            top = log_f.max(axis=2, keepdims=True)
            f = np.exp(log_f - top)
            table = x[rows][:, None, :] - t[:, :, None]  # rows, points, columns
            table *= (np.sqrt(0.5) / tau[rows])[:, None, None]
            # An average far from all points would underflow: counted from the nearest.
            beyond = np.maximum(np.maximum(t[:, :1] - x[rows], x[rows] - t[:, -1:]), 0.0)
            beyond = 0.5 * (beyond / tau[rows, None]) ** 2
            np.square(table, out=table)
            np.subtract(beyond[:, None], table, out=table)
            np.exp(table, out=table)
            mass = f @ table
            log_mass = np.log(np.maximum(mass, 1e-300)) - beyond[:, None]
            constant = top - 0.5 * np.log(2 * np.pi) - np.log(tau[rows])[:, None, None]
            out[0, :, rows] = log_mass + constant
            if moments:
                safe = np.where(mass > 0, mass, 1.0)
                out[1, :, rows] = ((f * np.exp(log_risk)[:, None]) @ table) / safe
                away = t - grid.centre[rows, None]
                one = ((f * away[:, None]) @ table) / safe
                two = ((f * (away**2)[:, None]) @ table) / safe
                shift = (grid.centre[rows, None] - x[rows])[:, None]
                out[2, :, rows] = one + shift
                out[3, :, rows] = two + 2 * shift * one + shift**2
        return out

    def _grid(self, x: Array, tau: Array, group: NDArray[np.intp]) -> _Grid:
        """Points for each row: the fewest that resolve every likelihood and the normal wherever both count."""
        left, right = (end[group] for end in self.support)
        reach = _REACH * tau * (1 + 0.25 * (self.finer - 1))
        tops = np.clip(
            np.log(self.events[group] + 0.5) - np.log(self.totals[group] - self.events[group] + 0.5), left, right
        )
        low_x, high_x = x.min(axis=1), x.max(axis=1)
        low = np.maximum(np.minimum(low_x, tops.min()) - reach, left.min())
        high = np.minimum(np.maximum(high_x, tops.max()) + reach, right.max())
        # Where the likelihoods bend; on a side without events or non-events they end flat.
        n = self.totals[group] + 1.0
        bends_low = np.where(np.isfinite(left), left, -np.log(n) - 5.0).min()
        bends_high = np.where(np.isfinite(right), right, np.log(n) + 5.0).max()
        bends_low, bends_high = np.clip(bends_low, low, high), np.clip(bends_high, low, high)
        centre = 0.5 * (bends_low + bends_high)
        half = 0.5 * (bends_high - bends_low)
        far = np.maximum(high - centre, centre - low)
        width = 1 / np.sqrt(1 / tau**2 + self.information[group].max())
        # The wider the scale of the stretched axis the more even its points: each row takes what needs the fewest.
        scales = np.maximum(half, width)[:, None] * 2.0 ** np.arange(-1, 7)
        step = np.minimum(
            width[:, None] / np.hypot(scales, half[:, None]), tau[:, None] / np.hypot(scales, far[:, None])
        )
        step *= _SPACING / self.finer
        v_low = np.arcsinh((low - centre)[:, None] / scales)
        v_high = np.arcsinh((high - centre)[:, None] / scales)
        points = np.ceil((v_high - v_low) / step) + 1
        if self.finer < 1:
            points = np.minimum(points, _MOST_ROUGHLY)
        best = points.argmin(axis=1)
        pick = (np.arange(tau.size), best)
        return _Grid(centre, scales[pick], v_low[pick], v_high[pick], points[pick].astype(int))


@dataclass(frozen=True)
class _Grid:
    """Points of each row: centre + scale sinh(v), v equally spaced."""

    centre: Array
    scale: Array
    low: Array
    high: Array
    points: NDArray[np.int_]

    def of(self, rows: NDArray[np.intp]) -> tuple[Array, Array]:
        """Points of some rows, of shape (rows, points), and the logarithms of their distances."""
        number = int(self.points[rows].max())
        share = np.arange(number) / max(number - 1, 1)
        width = (self.high - self.low)[rows, None]
        v = self.low[rows, None] + width * share
        scale = self.scale[rows, None]
        t = self.centre[rows, None] + scale * np.sinh(v)
        return t, np.log(scale * np.cosh(v) * (width / max(number - 1, 1)))


@lru_cache(maxsize=16)
def hermite(points: int) -> tuple[Array, Array]:
    """Gauss and Hermite's rule for a standard normal."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return nodes, weights / weights.sum()


def _fallen(y: Array, rest: Array) -> Array:
    """Left logit at which y log(risk) + rest log(1 - risk) has fallen by `_DROP`, by Newton from outside."""
    with np.errstate(divide="ignore", invalid="ignore"):
        risk = y / (y + rest)
        top = np.where(y > 0, y * np.log(risk), 0.0) + np.where(rest > 0, rest * np.log1p(-risk), 0.0)
        t = (top - _DROP) / y  # y t is above the log-likelihood: outside, and Newton on a concave function stays there
        for _ in range(60):
            log_risk, log_rest = log_sigmoids(t)
            value = y * log_risk + rest * log_rest - top + _DROP
            slope = y - (y + rest) * np.exp(log_risk)
            new = t - value / slope
            if np.all(np.abs(new - t)[y > 0] < 1e-3):
                break
            t = new
    return np.where(y > 0, t, -np.inf)
