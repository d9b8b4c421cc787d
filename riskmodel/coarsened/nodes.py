"""A posterior as nodes of its hyperparameters, which further counts weight again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh_tridiagonal
from scipy.special import betaln

from riskmodel._support.kept import Value, kept, once
from riskmodel.coarsened.counts import IN_CACHE, Divided
from riskmodel.distributions.base import PointMass, SettingDistribution
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.settings import AlikeSettings
from riskmodel.distributions.special import log_sigmoids, logit
from riskmodel.inference.beta_binomial import LatticeSettings
from riskmodel.inference.lattice import Lattice
from riskmodel.inference.marginals import (
    AverageMarginal,
    BetaTauMarginal,
    HeterogeneityMarginal,
    SettingRisk,
    row_densities,
)
from riskmodel.posterior import Posterior

Array = NDArray[np.float64]

#: A Beta worth this many observations is a point for every purpose here.
_ALIKE = 1e12
#: Nodes of Gauss and Jacobi's rule.
_JACOBI = 202
#: Nodes that hold less do not show in a density's ratio to another.
_LIGHT = 1e-6


@dataclass(frozen=True, eq=False)
class Nodes(Value):
    """Nodes of a posterior's hyperparameters, each the Beta of a setting's risk."""

    a: Array  # first shape parameter, of shape (nodes,)
    b: Array  # second shape parameter
    weights: Array  # summing to one; those of Gauss and Jacobi's rule where all settings are alike (DLMF 3.5.22)

    @kept
    def mean(self) -> Array:
        """Average risk at each node, of shape (nodes,)."""
        return self.a / (self.a + self.b)

    @kept
    def heavy(self) -> Nodes:
        """Those that show in the ratio of two densities."""
        shown = self.weights > _LIGHT
        return Nodes(self.a[shown], self.b[shown], self.weights[shown])

    def divided(self, own: tuple[int, int]) -> Divided:
        """How the fetuses of a series divide, at the nodes; `own` is the cell that the series reports itself."""
        return Divided(self.a, self.b, own)


def point_nodes(risk: Array) -> Nodes:
    """Nodes at which all settings have one risk."""
    return Nodes(risk * _ALIKE, (1 - risk) * _ALIKE, np.full(risk.shape, 1 / risk.size))


def nodes_of(posterior: Posterior) -> Nodes:
    """Nodes of a posterior by quadrature or conjugate, kept beside it."""
    return once(posterior, "nodes", lambda: _nodes(posterior))


def _nodes(posterior: Posterior) -> Nodes:
    average = posterior.average
    if isinstance(average, BetaMixture):
        # Exact for counts of up to twice as many fetuses, and smooth beyond.
        rules = [_jacobi(a, b) for a, b in zip(average.a, average.b, strict=True)]
        risk, each = (np.concatenate(part) for part in zip(*rules, strict=True))
        return Nodes(risk * _ALIKE, (1 - risk) * _ALIKE, each * np.repeat(average.weights, _JACOBI))
    lattice = _table(posterior)
    x = lattice.x.ravel()
    most = np.log(_ALIKE)
    log_size = np.full(x.size, most) if alike(posterior) else np.minimum(-lattice.log_g.ravel(), most)
    a, b = (np.maximum(np.exp(side + log_size), 1e-300) for side in log_sigmoids(x))
    a, b = (b, a) if lattice.mirror else (a, b)
    return Nodes(a, b, lattice.weights.ravel())


def _jacobi(a: float, b: float) -> tuple[Array, Array]:
    """Risks and weights of the Gauss rule of a Beta, however many observations it is worth.

    Golub GH, Welsch JH. Calculation of Gauss quadrature rules. Math Comp 1969;23:221-230. Weights are from sums of
    squares of the polynomials, which keep the digits of those that are tiny.
    """
    k, size = np.arange(1.0, _JACOBI), a + b
    n = 2 * k + size - 2
    middle = np.concatenate([[a / size], 0.5 + 0.5 * (a - b) / n * ((size - 2) / (n + 2))])
    side = np.full(k.size, a / size * (b / size) / (size + 1))
    k, n = k[1:], n[1:]
    side[1:] = k / n * ((k + a - 1) / n) * ((k + b - 1) / (n + 1)) * ((k + size - 2) / (n - 1))
    side = np.sqrt(side)
    risk = np.clip(eigvalsh_tridiagonal(middle, side), 1e-300, 1 - 1e-16)
    before, one = np.zeros(_JACOBI), np.ones(_JACOBI)
    squares = np.ones(_JACOBI)
    with np.errstate(over="ignore", invalid="ignore"):
        for i, next_side in enumerate(side):
            before, one = one, ((risk - middle[i]) * one - (side[i - 1] * before if i else 0.0)) / next_side
            squares += one**2
    weights = np.where(np.isfinite(squares), 1 / squares, 0.0)
    return risk, weights / weights.sum()


def thinned(posterior: Posterior, *, rows: int = 2, columns: int = 2) -> Posterior:
    """A posterior by every so manieth row and column of its nodes: good to 2e-4 where each is the second."""
    if alike(posterior):
        return posterior
    lattice = _table(posterior)
    kept_rows, kept_columns = (
        slice(size // 2 % every, None, every)
        for size, every in zip(lattice.weights.shape, (rows, columns), strict=True)
    )
    held = lattice.weights[kept_rows, kept_columns]
    few = replace(
        lattice,
        weights=held / held.sum(),
        w=lattice.w[kept_rows],
        centre=lattice.centre[kept_rows],
        scale=lattice.scale[kept_rows],
        u=lattice.u[kept_columns],
        step=lattice.step * columns,
        outer_step=lattice.outer_step * rows,
    )
    return _on(posterior, few)


def _on(posterior: Posterior, lattice: Lattice) -> Posterior:
    return replace(
        posterior,
        average=AverageMarginal(lattice),
        heterogeneity=HeterogeneityMarginal(lattice),
        tau=BetaTauMarginal(lattice),
        settings=LatticeSettings(posterior.events, posterior.totals, lattice),
    )


def alike(posterior: Posterior) -> bool:
    """Whether all settings are taken to be alike."""
    return isinstance(posterior.heterogeneity, PointMass)


def _table(posterior: Posterior) -> Lattice:
    """Nodes of the average, and of the heterogeneity where settings differ."""
    average = posterior.average
    marginal = average.made if isinstance(average, SettingRisk) else average
    assert isinstance(marginal, AverageMarginal)
    return marginal.lattice


def of_average(posterior: Posterior, risk: Array) -> tuple[Nodes, Array]:
    """Hyperparameters at some values of the average, one node for each row of the lattice and value.

    Beside the nodes their densities, of shape (rows, values): their sums weight what is known of the nodes by the average.
    """
    lattice = _table(posterior)
    logits = logit(risk)
    x = np.broadcast_to(-logits if lattice.mirror else logits, (lattice.w.size, risk.size))
    log_size = np.minimum(-lattice.log_g_at(x, lattice.w[:, None]), np.log(_ALIKE))
    size, mean = np.exp(log_size), np.broadcast_to(risk, x.shape)
    nodes = Nodes((mean * size).ravel(), ((1 - mean) * size).ravel(), np.ones(x.size))
    return nodes, np.maximum(row_densities(lattice, logits), 0.0)


def new_setting_densities(nodes: Nodes, risk: Array) -> Array:
    """Density of a new setting's risk at each node with the node's weight, of shape (nodes, risks)."""
    log_x, log_rest, step = np.log(risk), np.log1p(-risk), max(1, IN_CACHE // risk.size)
    density = np.empty((nodes.a.size, risk.size), np.float32)
    for first in range(0, nodes.a.size, step):
        few = slice(first, first + step)
        a, b = nodes.a[few, None], nodes.b[few, None]
        log_density = (a - 1) * log_x
        log_density += (b - 1) * log_rest
        log_density -= betaln(a, b)
        # Single precision, several times as fast, leaves 1e-6 of a ratio that is needed to 1e-4.
        np.exp(np.clip(log_density, -200.0, 80.0, out=log_density).astype(np.float32), out=density[few])
    return np.asarray(nodes.weights[:, None].astype(np.float32) * density)


def reweighted(posterior: Posterior, ratio: Array, cells: tuple[tuple[float, int, int], ...]) -> Posterior:
    """The posterior with its nodes' weights multiplied by `ratio`, of shape (nodes,), whose weighted mean is one.

    `cells` are the counts that the ratio stands for, weight, events and total of each possibility: where all settings are
    alike a Beta is updated by them in closed form. The error of the mean is that of the sums, below 1e-8 (measured on
    counts up to 400 of 400, 2026-11).
    """
    average = posterior.average
    if not alike(posterior):
        lattice = _table(posterior)
        return _on(posterior, replace(lattice, weights=lattice.weights * ratio.reshape(lattice.weights.shape)))
    risk: SettingDistribution
    if isinstance(average, BetaMixture):
        updated = [average.update(events, total) for _, events, total in cells]
        risk = BetaMixture(
            np.concatenate([cell[0] * one.weights for cell, one in zip(cells, updated, strict=True)]),
            np.concatenate([one.a for one in updated]),
            np.concatenate([one.b for one in updated]),
        )
    else:
        table = _table(posterior)
        table = replace(table, weights=table.weights * ratio.reshape(table.weights.shape))
        risk = SettingRisk(table)
    return replace(posterior, average=risk, settings=AlikeSettings(posterior.events, posterior.totals, risk))
