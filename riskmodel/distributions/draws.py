"""A distribution known by draws from a sampler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel._support.checks import Rng, as_rng, checked_levels
from riskmodel._support.kept import kept
from riskmodel.distributions.base import Distribution
from riskmodel.distributions.special import logit

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Draws(Distribution):
    """Draws of a value in (0, 1), or of a tau."""

    #: A part of 25 has 160 of 4,000 draws, so that noise makes its density wrong by 8 % and hardly a valley of 40 %.
    cells: ClassVar[int] = 25
    valley: ClassVar[float] = 0.4

    values: Array  # in any order
    scale: str = ""  # what the value is measured in, for a heterogeneity: ``"rho"`` or ``"tau"``

    @property
    def mean(self) -> float:
        """Mean of the draws."""
        return float(self.values.mean())

    @property
    def sd(self) -> float:
        """Standard deviation of the draws."""
        return float(self.values.std(ddof=1))

    @kept
    def _sorted(self) -> Array:
        return np.sort(self.values)

    def cdf(self, x: ArrayLike) -> Array:
        """Share of draws up to `x`, of the shape of `x`."""
        return np.asarray(np.searchsorted(self._sorted, np.asarray(x, float), side="right") / self.values.size)

    def pdf(self, x: ArrayLike) -> Array:
        """Density at `x`, of the shape of `x`: a normal kernel on the logit (of a tau: the logarithm), Silverman's width."""
        x = np.asarray(x, float)
        wide = self.scale == "tau"  # which has no upper end
        inside = (x > 0) & ((x < 1) | wide)
        safe = np.where(inside, x, 0.5)
        scale = np.log if wide else logit
        logits = scale(np.clip(self._sorted, 1e-12, None if wide else 1 - 1e-12))
        quartiles = np.quantile(logits, [0.25, 0.75])
        spread = min(float(logits.std()), float(quartiles[1] - quartiles[0]) / 1.349) or 1e-6
        width = 0.9 * spread * logits.size**-0.2
        at = scale(safe).ravel()
        heights = np.array([np.exp(-0.5 * ((one - logits) / width) ** 2).mean() for one in at])
        density = heights.reshape(x.shape) / (width * np.sqrt(2 * np.pi)) / (safe if wide else safe * (1 - safe))
        return np.where(inside, density, 0.0)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles of the draws at `q`, of the shape of `q`."""
        return np.asarray(np.quantile(self._sorted, checked_levels(q)))

    def sample(self, size: int, rng: Rng) -> Array:
        """Draws again, with replacement."""
        return as_rng(rng).choice(self.values, size)
