"""Draws of hyperparameters from their priors, and the priors' densities at draws: what ArviZ's groups hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from riskmodel.distributions.special import g_of, logit, tau_of
from riskmodel.priors.families import HeterogeneityPrior, MuPrior, RhoPrior, TauPrior

Array = NDArray[np.float64]
#: On mu, and on how much settings differ; None where they are alike.
Priors = tuple[MuPrior, HeterogeneityPrior | None]


def drawn_from(priors: Priors, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draws of logit(mu) and tau from their priors, each of shape (size,)."""
    on_mu, on_spread = priors
    logits = on_mu.sample(size, rng)
    if on_spread is None:
        return logits, np.zeros(size)
    spread = on_spread.sample(size, rng)
    if on_spread.scale == "tau":
        return logits, spread
    return logits, tau_of(expit(logits), expit(-logits), spread / (1 - spread))[0]


def rho_of(logits: Array, tau: Array) -> Array:
    """The intra-class correlation of Betas whose means have these logits, and whose own logits these deviations."""
    g = g_of(tau, expit(logits), expit(-logits)) if np.any(tau) else np.zeros_like(tau)
    return np.asarray(g / (1 + g))


def log_densities(priors: Priors, mu: Array, tau: Array, rho: Array | None) -> dict[str, Array]:
    """Logarithms of the priors' densities, of mu and of what the heterogeneity is stated on, by name."""
    on_mu, on_spread = priors
    mu = np.clip(mu, 1e-300, 1 - 1e-16)
    found = {"mu": on_mu.log_density(logit(mu)) - np.log(mu) - np.log1p(-mu)}
    if isinstance(on_spread, TauPrior):
        found["tau"] = np.asarray(on_spread.formula(tau))
    elif isinstance(on_spread, RhoPrior):
        assert rho is not None
        found["rho"] = np.asarray(on_spread.formula(np.log(rho), np.log1p(-rho)) - np.log(rho) - np.log1p(-rho))
    return found
