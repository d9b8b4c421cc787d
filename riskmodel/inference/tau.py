"""The heterogeneity of a logit-normal model: tau, the standard deviation of logit(theta) between settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel.distributions.base import Distribution
from riskmodel.inference.grid import AverageMarginal, Lattice

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class TauMarginal(Distribution):
    """The standard deviation of the logit of the risk between settings, in (0, inf).

    The lattice's outer variable is log(tau). Read as a logit it is that of tau / (1 + tau), whose distribution the rows'
    sinc series gives as it gives a risk's.
    """

    lattice: Lattice  # nodes of the joint posterior
    scale: str = "tau"

    @cached_property
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

    @cached_property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.lattice.weights.sum(axis=1) @ np.exp(self.lattice.w))

    @cached_property
    def sd(self) -> float:
        """Posterior standard deviation."""
        return float(np.sqrt(self.lattice.weights.sum(axis=1) @ (np.exp(self.lattice.w) - self.mean) ** 2))

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`; zero at and below zero."""
        at: Array = np.asarray(x, float)
        safe = np.where(at > 0, at, 1.0)
        return np.where(at > 0, self._share.pdf(safe / (1 + safe)) / (1 + safe) ** 2, 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a tau up to `x`, of the shape of `x`."""
        at: Array = np.maximum(np.asarray(x, float), 0.0)
        return self._share.cdf(at / (1 + at))

    def sf(self, x: ArrayLike) -> Array:
        """Probability of a tau above `x`, of the shape of `x`."""
        at: Array = np.maximum(np.asarray(x, float), 0.0)
        return self._share.sf(at / (1 + at))

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles at `q`, of the shape of `q`."""
        share = self._share.ppf(q)
        with np.errstate(divide="ignore"):
            return np.asarray(share / (1 - share))

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Independent draws, by inversion of a table of the distribution function."""
        share = self._share.quick_ppf(rng.random(size))
        return np.asarray(share / (1 - share))

    def __repr__(self) -> str:
        """Mean and sd."""
        return f"TauMarginal(mean {self.mean:.4f}, sd {self.sd:.4f})"
