"""Counts predicted from a risk whose logit is known by a lattice of one row.

The probability of every count is a sum of binomial likelihoods over nodes. They must stand closer than such a likelihood is
wide, which a row made for the risk alone need not do: its sinc series is read between nodes, on an axis stretched once more.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from riskmodel._support.checks import checked_total
from riskmodel.distributions.special import log_sigmoids
from riskmodel.errors import AccuracyError
from riskmodel.inference.lattice import Lattice

Array = NDArray[np.float64]

#: Points between two nodes of a row at which its sinc series is tabled; between them a cubic is good to 1e-8.
_FINER = 16
#: Probability that the nodes of a prediction may gain or lose.
_LARGEST_ERROR = 1e-6
#: Nodes that hold less do not decide how close they must stand.
_COUNTED = 1e-9
#: Spacing of an axis made anew.
_STEP = 0.08
#: Spacing of nodes in standard deviations of the binomial likelihood that is summed over them.
_SPACING = 0.8
#: Totals up to which every probability is summed; above, they are interpolated between so many in a standard deviation.
_EVERY_TOTAL = 4096
_PER_DEVIATION = 5
_HALF_CHUNK = 16
#: Distance of nodes, in logits, at which Simpson's rule between them no longer sees where counts bend.
_FAR_APART = 8.0
#: Logits beyond which a risk is 0 or 1 to an event count of a million at most: a million times exp(-40) is 4e-12.
_FARTHEST = 40.0


def predicted(lattice: Lattice, total: int) -> Array:
    """Probabilities of every number of events among `total`."""
    n = checked_total(total)
    t, weights = _nodes_for(lattice, n)
    pmf = _every_probability(t, weights, n) if n <= _EVERY_TOTAL else _interpolated_probabilities(t, weights, n)
    pmf /= pmf.sum()
    return pmf[::-1].copy() if lattice.mirror else pmf


def row_density(lattice: Lattice, t: Array) -> Array:
    """Density of the logit, summed over rows: each row's sinc series, by way of a finer table."""
    columns = lattice.u.size
    table = np.zeros((lattice.centre.size, (columns - 1) * _FINER + 5))  # two zeros before and after
    table[:, 2:-2] = lattice.weights @ _upsampling(columns)
    z = (t - lattice.centre[:, None]) / lattice.scale[:, None]
    place = (np.arcsinh(z) - lattice.u[0]) * (_FINER / lattice.step) + 2
    place = np.clip(place, 1.0, table.shape[1] - 2.0)
    cell = np.minimum(place.astype(np.intp), table.shape[1] - 3)
    s = place - cell
    at = cell + (np.arange(lattice.centre.size) * table.shape[1])[:, None]
    flat = table.ravel()
    # Lagrange's cubic through four points.
    value = flat[at - 1] * (-s * (s - 1) * (s - 2) / 6) + flat[at] * ((s + 1) * (s - 1) * (s - 2) / 2)
    value += flat[at + 1] * (-(s + 1) * s * (s - 2) / 2) + flat[at + 2] * ((s + 1) * s * (s - 1) / 6)
    value /= lattice.scale[:, None] * np.sqrt(1 + z * z) * lattice.step
    return np.asarray(np.maximum(value.sum(axis=0), 0.0))


@lru_cache(maxsize=32)
def _upsampling(columns: int) -> Array:
    """Values of the sinc series of so many columns at points `_FINER` times as dense."""
    fine = np.arange((columns - 1) * _FINER + 1) / _FINER
    return np.asarray(np.sinc(fine - np.arange(columns)[:, None]))


def _nodes_for(lattice: Lattice, total: int) -> tuple[Array, Array]:
    """Logits and weights that resolve a binomial likelihood of `total` as well as the one row of the lattice.

    The row's axis u is stretched once more: v has the slope in u that makes nodes equally spaced in v stand close where
    the likelihood of some count is narrower than the row's nodes are apart.
    """
    t, weights = lattice.x[0], lattice.weights[0]
    zone = np.log(total + 2.0) + 3.0
    inside = np.abs(t) < zone
    if np.diff(t).max(initial=0.0, where=inside[1:] & (weights[1:] > _COUNTED)) > _FAR_APART:
        # Settings that hardly agree on anything: the row's own nodes stand too far apart to see where counts bend.
        ends = np.arcsinh(t[[0, -1]] / zone) / _STEP
        u = np.arange(np.floor(ends[0]), np.ceil(ends[1]) + 1) * _STEP
        held = row_density(lattice, zone * np.sinh(u)) * zone * np.cosh(u) * _STEP
        if abs(held.sum() - 1) <= _LARGEST_ERROR:
            lattice = replace(lattice, weights=held[None], centre=np.zeros(1), scale=np.array([zone]), u=u, step=_STEP)
            t, weights = lattice.x[0], held
    bend = total * np.exp(np.add(*log_sigmoids(t)))
    spacing = lattice.scale[0] * np.cosh(lattice.u) * lattice.step
    if (np.where(weights > _COUNTED * 1e-3, spacing**2 * bend, 0.0)).max() > _SPACING**2:
        u, slope = _even(lattice, total)
        t = lattice.centre[0] + lattice.scale[0] * np.sinh(u)
        weights = row_density(lattice, t) * lattice.scale[0] * np.cosh(u) / slope
    mass = float(weights.sum())
    if not abs(mass - 1) <= _LARGEST_ERROR:
        raise AccuracyError(
            f"the nodes of a prediction of {total} hold a probability of {mass:.8g} instead of 1",
            where="predict",
            remedy="Use a smaller total, or a prior without mass at the extremes",
        )
    return np.clip(t, -_FARTHEST, _FARTHEST), weights / mass


def _even(lattice: Lattice, total: int) -> tuple[Array, Array]:
    """Points u at whole numbers of v, and the slope of v there; v by Simpson's rule, its inverse by Hermite's cubic."""

    def slope_at(u: Array) -> Array:
        t = lattice.centre[0] + lattice.scale[0] * np.sinh(u)
        width = lattice.scale[0] * np.cosh(u) / _SPACING
        return np.asarray(np.sqrt(lattice.step**-2 + width**2 * total * np.exp(np.add(*log_sigmoids(t)))))

    h = lattice.step / 16
    u = np.linspace(lattice.u[0], lattice.u[-1], 16 * (lattice.u.size - 1) + 1)
    ends, middles = slope_at(u), slope_at(u[:-1] + h / 2)
    v = np.concatenate([[0.0], np.cumsum(h / 6 * (ends[:-1] + 4 * middles + ends[1:]))])
    whole = np.arange(np.floor(v[-1]) + 1)
    cell = np.clip(np.searchsorted(v, whole, side="right") - 1, 0, u.size - 2)
    width = v[cell + 1] - v[cell]
    s = (whole - v[cell]) / width
    left, right = width / ends[cell], width / ends[cell + 1]
    found = u[cell] + s * s * (3 - 2 * s) * h + left * s * (1 - s) ** 2 - right * s * s * (1 - s)
    return found, slope_at(found)


def _every_probability(t: Array, weights: Array, n: int) -> Array:
    """Sum over nodes for every count, in chunks about every 32nd: powers of the odds are shared by all chunks."""
    y = np.arange(n + 1)
    base = np.minimum(np.arange(n // (2 * _HALF_CHUNK) + 1) * 2 * _HALF_CHUNK + _HALF_CHUNK, n)
    log_risk, log_rest = log_sigmoids(t)
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
    log_risk, log_rest = log_sigmoids(t)
    log_choose = gammaln(n + 1.0) - gammaln(y + 1.0) - gammaln(n - y + 1.0)
    log_pmf = np.empty(y.size)
    for place, (count, begin, end) in enumerate(zip(y, first, last, strict=True)):
        log_f = count * log_risk[begin:end] + (n - count) * log_rest[begin:end] + log_choose[place]
        log_pmf[place] = np.log(max(float(weights[begin:end] @ np.exp(log_f)), 1e-300))
    spline = CubicSpline(np.arcsin(np.sqrt(y / n)), log_pmf)
    return np.asarray(np.exp(np.minimum(spline(np.arcsin(np.sqrt(np.arange(n + 1) / n))), 0.0)))
