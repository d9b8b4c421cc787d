r"""The risk in one setting of a logit-normal model: a new one, or one of the series.

Given a node (x, tau) of the posterior the logit of a new setting's risk is normal about x, and that of a series' is such a
normal times the series' own likelihood. Summed over the nodes either is a smooth density of the logit. It is tabled on one
stretched axis: a `Lattice` again, of one row, with everything that `AverageMarginal` reads off one. Where tau is narrow
beside the distance of the nodes a sum of normals would ripple; there a row of nodes is copied to the points of Gauss and
Hermite's rule instead, and its sinc series fills the space between nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, kept
from riskmodel.distributions.settings import Joint, Settings
from riskmodel.distributions.special import log_sigmoids, sigmoid
from riskmodel.errors import AccuracyError
from riskmodel.inference.lattice import Lattice
from riskmodel.inference.logit_normal_likelihood import NORMAL, Conditional, RandomEffect, Spreads, hermite
from riskmodel.inference.logit_normal_prediction import row_density
from riskmodel.inference.marginals import SettingRisk

Array = NDArray[np.float64]

#: Ripple that a sum of normals standing apart may leave, per node.
_RIPPLE = 1e-11
#: Rows, and nodes, that hold less than this are left out.
_LIGHT = 1e-13
#: Standard deviations of the normal that are covered.
_REACH = 7.8
#: Standard deviations that the stretched axis counts as one, as in `riskmodel.inference.quadrature`.
_WIDEN = 2.0
#: tau in scales of the row's axis up to which so many points of Gauss and Hermite's rule serve.
_COPIES = ((1e-5, 1), (0.02, 3), (0.1, 5), (np.inf, 9))
#: Probability that a table may gain or lose: for one series without events 4e-6 are gained (2026-11), before it is scaled.
_LARGEST_ERROR = 1e-5
#: Rows that hold less do not decide how fine their sum must be.
_COUNTED = 1e-9
#: Spacing of the axis of the sum, at most; and in scales of a row, so that every second node would do.
_STEP = 0.08
_ROW_STEP = 0.2
#: Probability that every second node may gain or lose; between nodes the sinc series is as good as that.
_BETWEEN_NODES = 1e-6
_MAX_HALVINGS = 3
#: Where a series' own density is known for drawing from it, in its standard deviations about its mean.
_DRAWN_AT = np.linspace(-8.0, 8.0, 161)
#: Cells of one table of normal densities: what a processor's cache holds.
_BLOCK = 100_000


@dataclass(frozen=True, eq=False)
class NewSettingNodes(Value):
    """What is known at nodes of the risk in a new setting: its logit is normal about x with standard deviation tau."""

    lattice: Lattice

    def table(self) -> Lattice:
        """The lattice, of one row, of the risk's logit."""
        lattice = self.lattice
        tau = np.exp(lattice.w)
        low = (lattice.x.min(axis=1) - _REACH * tau).min()
        high = (lattice.x.max(axis=1) + _REACH * tau).max()
        with np.errstate(divide="ignore"):
            log_weights = np.log(lattice.weights)
        mass = lattice.weights.sum(axis=1)
        centre = (lattice.weights * lattice.x).sum(axis=1) / mass
        variance = (lattice.weights * (lattice.x - centre[:, None]) ** 2).sum(axis=1) / mass
        rows = _Rows(lattice, log_weights, centre, np.sqrt(variance + tau**2), None)
        return _added_up(rows, _copied(lattice, ~rows.wide, None, None), low, high)


@dataclass(frozen=True, eq=False)
class SeriesNodes(Value):
    """What is known at nodes of the risk in a series' own setting: such a normal times the series' likelihood."""

    lattice: Lattice
    events: int  # events, total: of the series
    total: int
    log_likelihood: Array  # of the series, at each node
    logit: Array  # logit, spread: mean and standard deviation of the logit of its own risk, at each node
    spread: Array

    def table(self) -> Lattice:
        """The lattice, of one row, of the risk's logit."""
        lattice, log_l = self.lattice, self.log_likelihood
        one = RandomEffect(np.array([self.events]), np.array([self.total]))
        tau = np.exp(lattice.w)
        weights = lattice.weights
        mass = weights.sum(axis=1)
        centre = (weights * self.logit).sum(axis=1) / mass
        sd = np.sqrt((weights * (self.spread**2 + (self.logit - centre[:, None]) ** 2)).sum(axis=1) / mass)
        left, right = (float(end[0]) for end in one.support)
        y, rest = one.events[0] + 0.5, one.totals[0] - one.events[0] + 0.5
        low = max((np.minimum(lattice.x.min(axis=1), np.log(y / rest)) - _REACH * tau).min(), left)
        high = min((np.maximum(lattice.x.max(axis=1), np.log(y / rest)) + _REACH * tau).max(), right)
        with np.errstate(divide="ignore"):
            log_weights = np.log(weights) - log_l
        rows = _Rows(lattice, log_weights, centre, sd, one)
        return _added_up(rows, _copied(lattice, ~rows.wide, one, log_l), low, high)


@dataclass(frozen=True, eq=False, repr=False)
class LogitNormalSettings(Settings):
    """Settings whose risks have normal logits about the nodes of a lattice."""

    lattice: Lattice
    spreads: Spreads = NORMAL  # how logits lie about a node

    @kept
    def _nodes(self) -> Lattice:
        """Heavy nodes, once for each spread."""
        held = _heavy(self.lattice)
        if len(self.spreads.factors) == 1:
            return held
        often = len(self.spreads.factors)
        return replace(
            held,
            weights=np.concatenate([share * held.weights for share in self.spreads.shares]),
            w=np.concatenate([held.w + np.log(factor) for factor in self.spreads.factors]),
            centre=np.tile(held.centre, often),
            scale=np.tile(held.scale, often),
        )

    @kept
    def new_setting(self) -> SettingRisk:
        """Risk in a setting that is not among the series."""
        return SettingRisk(NewSettingNodes(self._nodes))

    @kept
    def _series(self) -> tuple[Conditional, Array, Array]:
        """What the nodes say of all series, their weights for each, and means of its risk, on the lattice's side."""
        hits = self.totals - self.events if self.lattice.mirror else self.events
        held = self._nodes
        found = RandomEffect(hits, self.totals).conditional(held.x, np.exp(held.w))
        weights = np.broadcast_to(held.weights, found.risk.shape)
        if len(self.spreads.factors) > 1:
            # A node's weight stays, for it has seen all series; how it is divided among spreads is each series' own.
            by_spread = found.log_likelihood.reshape(hits.size, len(self.spreads.factors), -1, held.u.size)
            by_spread = by_spread + self.spreads.log_shares[:, 0]
            share = np.exp(by_spread - np.logaddexp.reduce(by_spread, axis=1, keepdims=True))
            weights = (share * _heavy(self.lattice).weights).reshape(found.risk.shape)
        return found, weights, np.einsum("irc,irc->i", found.risk, weights)

    def own(self, i: int) -> SettingRisk:
        """Risk in a series' own setting."""
        found, weights, means = self._series
        events, total, mean = int(self.events[i]), int(self.totals[i]), float(means[i])
        mirror = self.lattice.mirror
        hits = total - events if mirror else events
        held = replace(self._nodes, weights=weights[i].copy())
        nodes = SeriesNodes(held, hits, total, found.log_likelihood[i], found.logit[i], found.spread[i])
        return SettingRisk(nodes, 1.0 - mean if mirror else mean)

    def joint(self, size: int, rng: np.random.Generator) -> Joint:
        """A node by its weight, and from it every risk."""
        held, factors = _heavy(self.lattice), np.array(self.spreads.factors)
        at = rng.choice(held.weights.size, size, p=held.weights.ravel() / held.weights.sum())
        x, tau = held.x.ravel()[at], np.exp(held.w)[at // held.u.size]
        hits = self.totals - self.events if held.mirror else self.events
        effect = RandomEffect(hits, self.totals)
        found = [effect.conditional(x[:, None], factor * tau) for factor in factors]
        own = np.empty((size, hits.size))
        for i in range(hits.size):
            logs = np.stack([one.log_likelihood[i, :, 0] for one in found], axis=1) + np.log(self.spreads.shares)
            which = np.asarray(np.argmax(logs + rng.gumbel(size=logs.shape), axis=1))[:, None]
            centre = np.take_along_axis(np.stack([one.logit[i, :, 0] for one in found], axis=1), which, axis=1)
            sd = np.take_along_axis(np.stack([one.spread[i, :, 0] for one in found], axis=1), which, axis=1)
            t = centre + np.maximum(sd, 1e-12) * _DRAWN_AT
            own_series = RandomEffect(hits[i : i + 1], self.totals[i : i + 1])
            away = (t - x[:, None]) / (np.take(factors, which) * tau[:, None])
            own[:, i] = _drawn(t, _log_binomial(own_series, t) - 0.5 * away**2, rng)
        side = -1.0 if held.mirror else 1.0
        return Joint(side * x, tau, self.given(side * x, tau, 1, rng)[:, 0], sigmoid(side * own))

    def given(self, logit: Array, tau: Array, series: int, rng: np.random.Generator) -> Array:
        """Draws of normals about the average, on the logit."""
        shape = logit.size, series
        factor = rng.choice(
            np.array(self.spreads.factors), shape, p=np.array(self.spreads.shares) / sum(self.spreads.shares)
        )
        return sigmoid(logit[:, None] + tau[:, None] * factor * rng.standard_normal(shape))

    def log_integrated(self, logit: Array, tau: Array, power: float = 1.0) -> Array:
        """By the rules of the fit itself."""
        effect = RandomEffect(power * self.events, power * self.totals)  # type: ignore[arg-type]
        found = effect.mixed_log_likelihood(logit.reshape(-1, 1), np.ravel(tau), self.spreads)[..., 0]
        return np.moveaxis(found, 0, -1).reshape(*logit.shape, len(self))


def _drawn(t: Array, log_density: Array, rng: np.random.Generator) -> Array:
    """A draw from each row's density, known at even points t: the inverse of its distribution function."""
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    sums = np.cumsum(density[:, 1:] + density[:, :-1], axis=1)
    sums /= sums[:, -1:]
    u = rng.random((t.shape[0], 1))
    cell = np.minimum((sums < u).sum(axis=1), t.shape[1] - 2)
    rows = np.arange(t.shape[0])
    below = np.where(cell > 0, sums[rows, cell - 1], 0.0)
    part = (u[:, 0] - below) / np.maximum(sums[rows, cell] - below, 1e-300)
    return np.asarray(t[rows, cell] + part * (t[rows, cell + 1] - t[rows, cell]))


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


@dataclass(frozen=True)
class _Rows:
    """Rows of normals about nodes, as wide rows are added up: log weights and the centre and spread of what they sum to."""

    lattice: Lattice
    log_weights: Array
    centre: Array
    sd: Array
    one: RandomEffect | None

    @kept
    def wide(self) -> NDArray[np.bool_]:
        """Rows in which normals about the nodes overlap, by Poisson's summation formula as in `mixture_nodes`."""
        held = self.lattice
        spacing = held.scale[:, None] * np.cosh(held.u) * held.step
        allowed = np.sqrt(2 * np.pi**2 / np.log(2 * np.maximum(held.weights, _RIPPLE) / _RIPPLE))
        least = 0.5 * spacing.min(axis=1, keepdims=True)
        needed = np.where(held.weights > _RIPPLE, spacing / allowed, least).max(axis=1)
        return np.asarray(np.exp(held.w) >= needed)

    def features(self) -> tuple[Array, Array, Array]:
        """Where the sum bends: place, width and probability of each row that counts, and of the likelihood's own end."""
        mass = self.lattice.weights.sum(axis=1)
        counted = mass > _COUNTED
        at, sd, mass = self.centre[counted], np.maximum(self.sd[counted], 1e-12), mass[counted]
        if self.one is None:
            return at, sd, mass
        # A series with no or only events bends its density where its likelihood ends, however wide the rows.
        y, rest = self.one.events[0] + 0.5, self.one.totals[0] - self.one.events[0] + 0.5
        bend = 2.5 / np.sqrt(self.one.information)
        share = float(mass[sd > bend].sum())
        if not share:
            return at, sd, mass
        return np.append(at, np.log(y / rest)), np.append(sd, bend), np.append(mass, share)

    def density(self, t: Array) -> Array:
        """Sum over the nodes of wide rows at points t, of their shape."""
        held, result = self.lattice, np.zeros(t.size)
        keep = self.wide[:, None] & (held.weights > _LIGHT)
        if not keep.any():  # of series that agree to the last digit no wide row may hold anything
            return result
        log_tau = np.broadcast_to(held.w[:, None], held.x.shape)[keep]
        x, log_w = held.x[keep], self.log_weights[keep] - log_tau
        top = log_w.max()
        factor = np.exp(log_w - top) / np.sqrt(2 * np.pi)
        slope = np.sqrt(0.5) * np.exp(-log_tau)
        x = x * slope
        for first in range(0, x.size, _BLOCK // t.size + 1):
            part = slice(first, first + _BLOCK // t.size + 1)
            table = np.multiply.outer(t, slope[part])
            table -= x[part]
            np.square(table, out=table)
            np.negative(table, out=table)
            result += np.exp(table, out=table) @ factor[part]
        log_f = 0.0 if self.one is None else _log_binomial(self.one, t)
        with np.errstate(divide="ignore"):
            return np.asarray(np.exp(np.minimum(np.log(result) + (log_f + top), 600.0)))


def _copied(lattice: Lattice, rows: NDArray[np.bool_], one: RandomEffect | None, log_l: Array | None) -> Lattice | None:
    """Narrow rows, moved by tau times each point of Gauss and Hermite's rule, weighted by what the series says there."""
    tau = np.exp(lattice.w)
    weights, centres, scales, smallest = [], [], [], 0.0
    for limit, points in _COPIES:
        chosen = np.flatnonzero(rows & (tau >= smallest * lattice.scale) & (tau < limit * lattice.scale))
        smallest = limit
        for shift, share in zip(*hermite(points), strict=True) if chosen.size else ():
            moved = shift * tau[chosen]
            held = lattice.weights[chosen] * share
            if one is not None and log_l is not None:
                seen = _log_binomial(one, lattice.x[chosen] + moved[:, None]) - log_l[chosen]
                held = np.where(held > 0, held * np.exp(np.minimum(seen, 600.0)), 0.0)
            weights.append(held)
            centres.append(lattice.centre[chosen] + moved)
            scales.append(lattice.scale[chosen])
    if not weights:
        return None
    joined = np.concatenate(weights)
    return replace(
        lattice,
        weights=joined,
        w=np.zeros(joined.shape[0]),
        centre=np.concatenate(centres),
        scale=np.concatenate(scales),
    )


def _added_up(rows: _Rows, copied: Lattice | None, low: float, high: float) -> Lattice:
    """All rows added up on one axis, fine enough for the narrowest; refused where probability was gained or lost."""
    at, sd, mass = rows.features()
    centre = float(mass / sd @ at / (mass / sd).sum())
    scale = _WIDEN * float(sd.min())
    ratio = float((np.hypot(scale, at - centre) / sd).max())
    step = min(_STEP, max(_ROW_STEP / ratio, _STEP / 64))
    ends = np.arcsinh((np.array([low, high]) - centre) / scale)
    for halvings in range(_MAX_HALVINGS + 1):
        u = np.arange(np.floor(ends[0] / step), np.ceil(ends[1] / step) + 1) * step
        t = centre + scale * np.sinh(u)
        density = rows.density(t)
        if copied is not None:
            density = density + row_density(copied, t)
        weights = density * (scale * np.cosh(u) * step)
        total = float(weights.sum())
        if max(abs(total - 1), abs(2 * weights[::2].sum() - total)) <= _BETWEEN_NODES or halvings == _MAX_HALVINGS:
            break
        step /= 2
    if not abs(total - 1) <= _LARGEST_ERROR:
        raise AccuracyError(
            f"the table of a setting's risk holds a probability of {total:.8g} instead of 1",
            where="pool",
            remedy='Use model="beta-binomial", or a prior without mass at the extremes',
        )
    return replace(
        rows.lattice,
        weights=weights[None] / total,
        w=np.zeros(1),
        centre=np.array([centre]),
        scale=np.array([scale]),
        u=u,
        step=step,
    )


def _log_binomial(one: RandomEffect, t: Array) -> Array:
    """Logarithm of the probability of one series' counts in one order at the logit t of its risk."""
    y, rest = float(one.events[0]), float(one.totals[0] - one.events[0])
    log_risk, log_rest = log_sigmoids(t)
    return y * log_risk + rest * log_rest
