"""A posterior as nodes of its hyperparameters, which further counts weight again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_jacobi

from riskmodel.coarsened.counts import LARGEST_COARSE, Divided
from riskmodel.distributions.base import PointMass, SettingDistribution
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.settings import AlikeSettings
from riskmodel.distributions.special import log_sigmoids
from riskmodel.inference.beta_binomial import LatticeSettings
from riskmodel.inference.lattice import Lattice
from riskmodel.inference.logit_normal_settings import SettingRisk
from riskmodel.inference.marginals import AverageMarginal, HeterogeneityMarginal
from riskmodel.posterior import Posterior

Array = NDArray[np.float64]

#: A Beta worth this many observations is a point for every purpose here.
_ALIKE = 1e12


@dataclass(frozen=True, eq=False)
class HyperNodes:
    """Nodes of a posterior of hyperparameters, and what they say of further cells."""

    posterior: Posterior  # whose nodes they are, by quadrature or conjugate
    _divided: dict[tuple[int, int], Divided] = field(default_factory=dict, repr=False)

    @cached_property
    def _nodes(self) -> tuple[Array, Array, Array]:
        average = self.posterior.average
        if isinstance(average, BetaMixture):
            pairs = zip(average.a, average.b, strict=True)
            rules = [roots_jacobi(LARGEST_COARSE // 2 + 2, b - 1, a - 1) for a, b in pairs]
            risk = np.concatenate([0.5 * (1 + x) for x, _ in rules])
            weights = [w * one / one.sum() for w, (_, one) in zip(average.weights, rules, strict=True)]
            return risk * _ALIKE, (1 - risk) * _ALIKE, np.concatenate(weights)
        lattice = self._table
        x = lattice.x.ravel()
        alike = np.log(_ALIKE)
        log_size = np.minimum(-lattice.log_g.ravel(), alike) if self._lattice is not None else np.full(x.size, alike)
        a, b = (np.maximum(np.exp(side + log_size), 1e-300) for side in log_sigmoids(x))
        return (b, a, lattice.weights.ravel()) if lattice.mirror else (a, b, lattice.weights.ravel())

    @property
    def a(self) -> Array:
        """First shape parameter of the Beta of a setting's risk, of shape (nodes,)."""
        return self._nodes[0]

    @property
    def b(self) -> Array:
        """Second shape parameter, of shape (nodes,)."""
        return self._nodes[1]

    @property
    def weights(self) -> Array:
        """Weights of the nodes, of shape (nodes,), summing to one.

        Where all settings are alike they are those of Gauss and Jacobi's rule, exact for the counts that are read (DLMF
        3.5.22).
        """
        return self._nodes[2]

    @property
    def _table(self) -> Lattice:
        """Nodes of the average."""
        average = self.posterior.average
        marginal = average.made if isinstance(average, SettingRisk) else average
        assert isinstance(marginal, AverageMarginal)
        return marginal.lattice

    @property
    def _lattice(self) -> Lattice | None:
        """Nodes of average and heterogeneity; None where all settings are alike."""
        return None if isinstance(self.posterior.heterogeneity, PointMass) else self._table

    @cached_property
    def mean(self) -> Array:
        """Average risk at each node, of shape (nodes,)."""
        return self.a / (self.a + self.b)

    def divided(self, own: tuple[int, int]) -> Divided:
        """How the fetuses of a series divide, at the nodes."""
        if own not in self._divided:
            self._divided[own] = Divided(self.a, self.b, own)
        return self._divided[own]

    def at(self, levels: Array) -> tuple[Array, Array]:
        """Shape parameters at equally likely points."""
        average = self.posterior.average
        if self._lattice is None:
            risk = average.quick_ppf(levels)
            return np.maximum(risk, 1e-300) * _ALIKE, np.maximum(1 - risk, 1e-300) * _ALIKE
        order = np.argsort(self.mean)
        place = np.searchsorted(np.cumsum(self.weights[order]), levels * (1 - 1e-12))
        chosen = order[np.minimum(place, order.size - 1)]
        size, risk = (self.a + self.b)[chosen], self.mean[chosen]
        spread = risk * (1 - risk)
        risk = np.clip(risk + (average.mean - risk.mean()) * spread / spread.mean(), 1e-300, 1 - 1e-16)
        return risk * size, (1 - risk) * size

    def reweighted(self, ratio: Array, cells: tuple[tuple[float, int, int], ...]) -> Posterior:
        """The posterior with its nodes weighted again."""
        average = self.posterior.average
        lattice = self._lattice
        if lattice is not None:
            held = replace(lattice, weights=lattice.weights * ratio.reshape(lattice.weights.shape))
            return replace(
                self.posterior,
                average=AverageMarginal(held),
                heterogeneity=HeterogeneityMarginal(held),
                settings=LatticeSettings(self.posterior.events, self.posterior.totals, held),
            )
        risk: SettingDistribution
        if isinstance(average, BetaMixture):
            updated = [average.update(events, total) for _, events, total in cells]
            risk = BetaMixture(
                np.concatenate([cell[0] * one.weights for cell, one in zip(cells, updated, strict=True)]),
                np.concatenate([one.a for one in updated]),
                np.concatenate([one.b for one in updated]),
            )
        else:
            table = replace(self._table, weights=self._table.weights * ratio.reshape(self._table.weights.shape))
            risk = SettingRisk(table)
        return replace(
            self.posterior, average=risk, settings=AlikeSettings(self.posterior.events, self.posterior.totals, risk)
        )
