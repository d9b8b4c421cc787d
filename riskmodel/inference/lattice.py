"""The nodes of a quadrature of two hyperparameters.

A `Lattice` holds nodes on rows: row j has outer variable ``w[j]`` and the nodes ``x = centre[j] + scale[j] sinh(u)`` of
logit(mu). Weights sum to one and are, up to the step, samples of a smooth function of u, so that its sinc series gives
the density between nodes and the sine integral its distribution function (Stenger, SIAM Review 1981, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, kept
from riskmodel.distributions.special import log_sigmoids

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lattice(Value):
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

    def __post_init__(self) -> None:
        for array in (self.weights, self.w, self.centre, self.scale, self.u):
            array.setflags(write=False)

    def mirrored(self) -> Lattice:
        """Nodes of the complement."""
        return replace(self, mirror=not self.mirror)

    @kept
    def x(self) -> Array:
        """logit(mu) at the nodes, not mirrored, of shape (rows, columns)."""
        return np.asarray(self.centre[:, None] + self.scale[:, None] * np.sinh(self.u))

    @kept
    def logs(self) -> tuple[Array, Array]:
        """log(mu) and log(1 - mu) at the nodes, not mirrored."""
        return log_sigmoids(self.x)

    @kept
    def mu(self) -> Array:
        """Mu at the nodes, not mirrored."""
        return np.exp(self.logs[0])

    @kept
    def log_g(self) -> Array:
        """Log g at the nodes, of shape (rows, columns)."""
        logs = self.logs if self.log_g_over_m else (np.zeros_like(self.x),) * 2
        return np.asarray(self.w[:, None] + np.add(*logs))

    def log_g_at(self, x: Array, w: Array) -> Array:
        """Log g at any logit and outer variable."""
        extra = np.add(*log_sigmoids(x)) if self.log_g_over_m else np.zeros_like(x)
        return np.asarray(w + extra)
