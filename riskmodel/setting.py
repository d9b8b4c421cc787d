r"""The risk in one setting of a logit-normal model: a new one, or one of the series.

Given a node (x, tau) the logit of a new setting's risk is normal about x, and that of a series' is such a normal times the
series' own likelihood. Summed over the nodes of one row of the posterior, either is a smooth density of the logit; it is
tabled on a stretched axis of its own, so that it is a `Lattice` again, row by row, with everything that
`AverageMarginal` reads off one. Where tau is narrow beside the distance of the nodes a sum of normals would ripple; there a
row is copied to the points of Gauss and Hermite's rule instead, and its sinc series fills the space between nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from riskmodel.distribution import SettingDistribution
from riskmodel.errors import AccuracyError, InputError
from riskmodel.marginals import AverageMarginal, Lattice
from riskmodel.random_effect import RandomEffect, hermite
from riskmodel.special import log_sigmoid

Array = NDArray[np.float64]

#: Ripple that a sum of normals standing apart may leave, per node.
_RIPPLE = 1e-11
#: Rows, and nodes, that hold less than this are left out.
_LIGHT = 1e-13
#: Standard deviations of the normal that are covered.
_REACH = 7.8
#: Standard deviations that the stretched axis counts as one, as in `riskmodel.quadrature`.
_WIDEN = 2.0
#: tau in scales of the row's axis up to which so many points of Gauss and Hermite's rule serve.
_COPIES = ((1e-5, 1), (0.02, 3), (0.1, 5), (np.inf, 9))
#: Probability that a tabled row may gain or lose.
LARGEST_ERROR = 1e-6
#: Spacing of nodes in standard deviations of the binomial likelihood that is summed over them.
_SPACING = 0.8
#: Totals up to which every probability is summed; above, they are interpolated between so many in a standard deviation.
_EVERY_TOTAL = 4096
_PER_DEVIATION = 5
_HALF_CHUNK = 16
#: Logits beyond which a risk is 0 or 1 to an event count of a million at most: a million times exp(-40) is 4e-12.
_FARTHEST = 40.0


@dataclass(frozen=True, eq=False, repr=False)
class SettingRisk(SettingDistribution):
    """The risk in one setting, tabled when more than its mean is asked for.

    Parameters
    ----------
    table : callable
        Gives the lattice of the risk's logit.
    known_mean : float, optional
        The mean, where it is known without the table.
    """

    table: Callable[[], Lattice]
    known_mean: float | None = None

    @cached_property
    def marginal(self) -> AverageMarginal:
        """The risk, read off its table."""
        return AverageMarginal(self.table())

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return self.marginal.mean if self.known_mean is None else self.known_mean

    @property
    def sd(self) -> float:
        """Posterior standard deviation."""
        return self.marginal.sd

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`; zero outside (0, 1)."""
        return np.maximum(self.marginal.pdf(x), 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a risk up to `x`, of the shape of `x`."""
        return self.marginal.cdf(x)

    def sf(self, x: ArrayLike) -> Array:
        """Probability of a risk above `x`, of the shape of `x`."""
        return self.marginal.sf(x)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`."""
        return self.marginal.ppf(q)

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles good to about 1e-5 in probability, of the shape of `q`."""
        return self.marginal.quick_ppf(q)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws."""
        return self.marginal.sample(size, rng)

    def predict(self, total: int) -> Array:
        """Predictive probabilities of the number of events among `total` in this setting.

        Parameters
        ----------
        total : int
            How many, at most 1,000,000.

        Returns
        -------
        ndarray of shape (total + 1,)
            Probabilities of 0, 1, ..., `total` events, summing to one.

        Raises
        ------
        InputError
            If `total` is not a whole number in range.
        """
        if isinstance(total, bool) or not isinstance(total, (int, np.integer)) or not 0 <= total <= 1_000_000:
            raise InputError(f"{total!r} is not a whole number from 0 to 1,000,000", where="total")
        n = int(total)
        t, weights = _nodes_for(self.marginal.lattice, n)
        pmf = _every_probability(t, weights, n) if n <= _EVERY_TOTAL else _interpolated_probabilities(t, weights, n)
        pmf /= pmf.sum()
        return pmf[::-1].copy() if self.marginal.lattice.mirror else pmf

    def __repr__(self) -> str:
        """Mean."""
        return f"SettingRisk(mean {self.mean:.4f})"


def new_setting(lattice: Lattice) -> SettingRisk:
    """Risk in a setting that is not among the series.

    Parameters
    ----------
    lattice : Lattice
        Nodes of the joint posterior of x and log tau.

    Returns
    -------
    SettingRisk
        Tabled when asked for.
    """
    return SettingRisk(lambda: _new_setting_table(_heavy(lattice)))


def series_settings(lattice: Lattice, effect: RandomEffect) -> tuple[SettingRisk, ...]:
    """Risk in each series' own setting.

    Parameters
    ----------
    lattice : Lattice
        Nodes of the joint posterior of x and log tau.
    effect : RandomEffect
        The series, mirrored where the lattice is.

    Returns
    -------
    tuple of SettingRisk
        With their means; tabled when asked for.
    """
    if not effect.events.size:
        return ()
    held = _heavy(lattice)
    series = effect.conditional(held.x, np.exp(held.w))
    means = np.tensordot(series.risk, held.weights, 2)

    def setting(i: int) -> SettingRisk:
        mean = float(means[i])
        one = RandomEffect(effect.events[i : i + 1], effect.totals[i : i + 1])
        log_l, logit, spread = (values[i] for values in (series.log_likelihood, series.logit, series.spread))
        return SettingRisk(
            lambda: _series_table(held, one, log_l, logit, spread), 1.0 - mean if lattice.mirror else mean
        )

    return tuple(setting(i) for i in range(effect.events.size))


def _heavy(lattice: Lattice) -> Lattice:
    """The rows and columns that hold more than next to nothing, weights summing to one."""
    rows = lattice.weights.sum(axis=1) > _LIGHT
    columns = np.flatnonzero(lattice.weights.sum(axis=0) > _LIGHT)
    part = slice(int(columns[0]), int(columns[-1]) + 1)
    weights = lattice.weights[rows][:, part]
    return replace(
        lattice,
        weights=weights / weights.sum(),
        w=lattice.w[rows],
        centre=lattice.centre[rows],
        scale=lattice.scale[rows],
        u=lattice.u[part],
    )


def _is_wide(lattice: Lattice) -> NDArray[np.bool_]:
    """Rows in which normals about the nodes overlap, by Poisson's summation formula as in `marginals.mixture_nodes`."""
    spacing = lattice.scale[:, None] * np.cosh(lattice.u) * lattice.step
    allowed = np.sqrt(2 * np.pi**2 / np.log(2 * np.maximum(lattice.weights, _RIPPLE) / _RIPPLE))
    needed = np.where(lattice.weights > _RIPPLE, spacing / allowed, 0.5 * spacing.min(axis=1, keepdims=True)).max(axis=1)
    return np.asarray(np.exp(lattice.w) >= needed)


def _new_setting_table(lattice: Lattice) -> Lattice:
    tau = np.exp(lattice.w)
    wide = _is_wide(lattice)
    parts = _copies(lattice, ~wide, None, None)
    if wide.any():
        scale = np.hypot(lattice.scale[wide], _WIDEN * tau[wide])
        x = lattice.x[wide]
        low, high = x.min(axis=1) - _REACH * tau[wide], x.max(axis=1) + _REACH * tau[wide]
        with np.errstate(divide="ignore"):
            log_weights = np.log(lattice.weights[wide])
        parts.append(_tabled(lattice, x, tau[wide], log_weights, lattice.centre[wide], scale, low, high, None))
    return _joined(lattice, parts)


def _series_table(lattice: Lattice, one: RandomEffect, log_l: Array, logit: Array, spread: Array) -> Lattice:
    """As for a new setting, with the series' likelihood: its logit at a node has the given mean and spread."""
    tau = np.exp(lattice.w)
    wide = _is_wide(lattice)
    parts = _copies(lattice, ~wide, one, log_l)
    if wide.any():
        weights, x, t = lattice.weights[wide], lattice.x[wide], tau[wide]
        mass = weights.sum(axis=1)
        centre = (weights * logit[wide]).sum(axis=1) / mass
        sd = np.sqrt((weights * (spread[wide] ** 2 + (logit[wide] - centre[:, None]) ** 2)).sum(axis=1) / mass)
        # A series with none or all bends its density where its likelihood ends, however wide the rest.
        bend = 2.5 / np.sqrt(1 / t**2 + one.information[0])
        scale = _WIDEN * np.minimum(sd, bend)
        left, right = (float(end[0]) for end in one.support)
        low = np.maximum(x.min(axis=1) - _REACH * t, left)
        high = np.minimum(x.max(axis=1) + _REACH * t, right)
        with np.errstate(divide="ignore"):
            log_weights = np.log(weights) - log_l[wide]
        parts.append(_tabled(lattice, x, t, log_weights, centre, scale, low, high, one))
    return _joined(lattice, parts)


@dataclass(frozen=True)
class _Rows:
    """Rows of a lattice in the making: weights on the columns first, first + 1, ... of its axis."""

    weights: Array
    centre: Array
    scale: Array
    first: int


def _copies(lattice: Lattice, rows: NDArray[np.bool_], one: RandomEffect | None, log_l: Array | None) -> list[_Rows]:
    """Narrow rows, moved by tau times each point of Gauss and Hermite's rule, weighted by what the series says there."""
    tau = np.exp(lattice.w)
    start = round(lattice.u[0] / lattice.step)
    parts, smallest = [], 0.0
    for limit, points in _COPIES:
        chosen = np.flatnonzero(rows & (tau >= smallest * lattice.scale) & (tau < limit * lattice.scale))
        smallest = limit
        z, z_weights = hermite(points)
        for shift, share in zip(z, z_weights, strict=True):
            if not chosen.size:
                break
            moved = shift * tau[chosen]
            weights = lattice.weights[chosen] * share
            if one is not None and log_l is not None:
                t = lattice.x[chosen] + moved[:, None]
                with np.errstate(invalid="ignore", over="ignore"):
                    weights = weights * np.exp(_log_binomial(one, t) - log_l[chosen])
                weights = np.where(lattice.weights[chosen] > 0, weights, 0.0)
            parts.append(_Rows(weights, lattice.centre[chosen] + moved, lattice.scale[chosen], start))
    return parts


def _tabled(
    lattice: Lattice,
    x: Array,
    tau: Array,
    log_weights: Array,
    centre: Array,
    scale: Array,
    low: Array,
    high: Array,
    one: RandomEffect | None,
) -> _Rows:
    """Sum of normals about the nodes of each row, times the series' likelihood, at points from `low` to `high`."""
    first = int(np.floor(np.arcsinh((low - centre) / scale).min() / lattice.step))
    last = int(np.ceil(np.arcsinh((high - centre) / scale).max() / lattice.step))
    u = np.arange(first, last + 1) * lattice.step
    t = centre[:, None] + scale[:, None] * np.sinh(u)
    log_step = np.log(scale[:, None] * np.cosh(u) * (lattice.step / np.sqrt(2 * np.pi))) - np.log(tau)[:, None]
    log_f = log_step if one is None else log_step + _log_binomial(one, t)
    top = log_weights.max(axis=1, keepdims=True)
    factor = np.exp(log_weights - top)
    weights = np.empty(t.shape)
    for row in range(tau.size):
        keep = factor[row] > 0
        table = np.subtract.outer(t[row], x[row, keep])
        table *= np.sqrt(0.5) / tau[row]
        np.square(table, out=table)
        np.negative(table, out=table)
        with np.errstate(divide="ignore"):
            total = np.log(np.exp(table, out=table) @ factor[row, keep])
        weights[row] = np.exp(np.minimum(total + top[row] + log_f[row], 0.0))
    return _Rows(weights, centre, scale, first)


def _joined(lattice: Lattice, parts: list[_Rows]) -> Lattice:
    """One lattice of all rows, on one axis; refused where probability was gained or lost."""
    first = min(part.first for part in parts)
    size = max(part.first + part.weights.shape[1] for part in parts) - first
    weights = np.zeros((sum(part.centre.size for part in parts), size))
    row = 0
    for part in parts:
        before = part.first - first
        weights[row : row + part.centre.size, before : before + part.weights.shape[1]] = part.weights
        row += part.centre.size
    total = weights.sum()
    if not abs(total - 1) <= LARGEST_ERROR:
        raise AccuracyError(
            f"the table of a setting's risk holds a probability of {total:.8g} instead of 1",
            where="pool",
            remedy='Use model="beta-binomial", or a prior without mass at the extremes',
        )
    return Lattice(
        weights=weights / total,
        w=np.zeros(weights.shape[0]),
        centre=np.concatenate([part.centre for part in parts]),
        scale=np.concatenate([part.scale for part in parts]),
        u=np.arange(first, first + size) * lattice.step,
        step=lattice.step,
        log_g_over_m=False,
        mirror=lattice.mirror,
        log_total=0.0,
    )


def _log_binomial(one: RandomEffect, t: Array) -> Array:
    """Logarithm of the probability of one series' counts in one order at the logit t of its risk."""
    y, rest = float(one.events[0]), float(one.totals[0] - one.events[0])
    return y * log_sigmoid(t) + rest * log_sigmoid(-t)


# ---------------------------------------------------------------- prediction


def _nodes_for(lattice: Lattice, total: int) -> tuple[Array, Array]:
    """Logits and weights that resolve a binomial likelihood of `total`: each row's sinc series on as fine a grid."""
    rows = lattice.weights.sum(axis=1) > _LIGHT
    weights, centre, scale = lattice.weights[rows], lattice.centre[rows, None], lattice.scale[rows, None]
    x = lattice.x[rows]
    bend = np.sqrt(total * np.exp(log_sigmoid(x) + log_sigmoid(-x)))
    spacing = scale * np.cosh(lattice.u) * lattice.step
    needed = np.where(weights > 1e-12, spacing * bend / _SPACING, 0.0).max(axis=1)
    factor = 2 ** np.ceil(np.log2(np.maximum(needed, 1.0))).astype(int)
    t, w = [], []
    for one in np.unique(factor):
        part = factor == one
        u, held = lattice.u, weights[part]
        if one > 1:
            columns = np.flatnonzero((held > _LIGHT).any(axis=0))
            fine = np.arange(columns[0] * one, columns[-1] * one + 1) / one
            held = np.maximum(held @ np.sinc(fine - np.arange(u.size)[:, None]) / one, 0.0)
            u = u[0] + fine * lattice.step
        at = centre[part] + scale[part] * np.sinh(u)
        keep = held > _LIGHT / one
        t.append(at[keep])
        w.append(held[keep])
    found, held = np.concatenate(t), np.concatenate(w)
    order = np.argsort(found)
    return np.clip(found[order], -_FARTHEST, _FARTHEST), held[order] / held.sum()


def _every_probability(t: Array, weights: Array, n: int) -> Array:
    """Sum over nodes for every count, in chunks about every 32nd: powers of the odds are shared by all chunks."""
    y = np.arange(n + 1)
    base = np.minimum(np.arange(n // (2 * _HALF_CHUNK) + 1) * 2 * _HALF_CHUNK + _HALF_CHUNK, n)
    log_risk, log_rest = log_sigmoid(t), log_sigmoid(-t)
    log_choose = gammaln(n + 1.0) - gammaln(y + 1.0) - gammaln(n - y + 1.0)
    about = np.outer(base, log_risk)
    about += np.outer(n - base, log_rest)
    about += log_choose[base][:, None]
    np.exp(about, out=about)
    about *= weights
    near = np.exp(np.outer(t, np.arange(-_HALF_CHUNK, _HALF_CHUNK)))
    sums = about @ near
    chunk = y // (2 * _HALF_CHUNK)
    return np.asarray(sums[chunk, y - base[chunk] + _HALF_CHUNK] * np.exp(log_choose - log_choose[base[chunk]]))


def _interpolated_probabilities(t: Array, weights: Array, n: int) -> Array:
    """Sum over nodes for some counts, evenly spaced in arcsin(sqrt(y / n)), and a spline of the logarithm between."""
    from scipy.interpolate import CubicSpline

    every = 1 / (2 * np.sqrt(n) * _PER_DEVIATION)
    angle = np.linspace(0.0, np.pi / 2, int(np.ceil(np.pi / 2 / every)) + 1)
    y = np.unique(np.round(n * np.sin(angle) ** 2))
    # Beyond nine standard deviations of a setting's count, and a few events, a node says nothing of it.
    half = np.sqrt(30.0 * np.minimum(y, n - y)) + 60.0
    with np.errstate(divide="ignore"):
        low = np.log(np.maximum(y - half, 0.0)) - np.log(np.minimum(n - y + half, n))
        high = np.log(np.minimum(y + half, n)) - np.log(np.maximum(n - y - half, 0.0))
    first, last = np.searchsorted(t, low), np.searchsorted(t, high, side="right")
    log_risk, log_rest = log_sigmoid(t), log_sigmoid(-t)
    log_choose = gammaln(n + 1.0) - gammaln(y + 1.0) - gammaln(n - y + 1.0)
    log_pmf = np.empty(y.size)
    for place, (count, begin, end) in enumerate(zip(y, first, last, strict=True)):
        log_f = count * log_risk[begin:end] + (n - count) * log_rest[begin:end] + log_choose[place]
        log_pmf[place] = np.log(max(float(weights[begin:end] @ np.exp(log_f)), 1e-300))
    spline = CubicSpline(np.arcsin(np.sqrt(y / n)), log_pmf)
    return np.asarray(np.exp(np.minimum(spline(np.arcsin(np.sqrt(np.arange(n + 1) / n))), 0.0)))
