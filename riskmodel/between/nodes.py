"""A fit as weighted nodes of its hyperparameters, and fits of some of its series by the same model and priors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import once
from riskmodel.distributions.base import PointMass
from riskmodel.distributions.special import sigmoid
from riskmodel.errors import InputError
from riskmodel.inference.pool import pool
from riskmodel.posterior import Posterior
from riskmodel.priors.drawn import Priors

Array = NDArray[np.float64]

#: Points of a single risk, even on its logit between quantiles that leave a billionth out.
_POINTS, _LEFT_OUT = 4_001, 1e-9


class Nodes(NamedTuple):
    """Nodes, each an array of one shape."""

    weights: Array  # summing to one
    logit: Array  # of mu
    tau: Array
    log_g: Array | None  # log(rho / (1 - rho)), where risks are Betas


def priors_of(posterior: Any, where: str) -> Priors:
    """The priors of a fit, or why it has none."""
    if not isinstance(posterior, Posterior) or posterior.priors is None:
        what = f"{type(posterior).__name__} is not a fit of one group of series"
        raise InputError(what, where=where, remedy="Give what pool returns")
    return posterior.priors


def exact(posterior: Posterior, where: str) -> Posterior:
    """The fit itself, or by quadrature what a sampler fitted."""
    priors_of(posterior, where)
    if not posterior.draws:
        return posterior
    return once(posterior, "exact", lambda: of_series(posterior, range(posterior.events.size)))


def of_series(posterior: Posterior, places: Sequence[int]) -> Posterior:
    """The same model and priors fitted to some of the series, in the order of their places."""
    on_mu, on_spread = priors_of(posterior, "posterior")
    chosen = list(places)
    return pool(
        posterior.events[chosen],
        posterior.totals[chosen],
        prior=on_mu,
        heterogeneity=0 if on_spread is None else on_spread,
        model=posterior.model,
        labels=[posterior.labels[i] for i in chosen],
    )


def nodes_of(posterior: Posterior) -> Nodes:
    """Nodes of an exact fit."""
    if isinstance(posterior.heterogeneity, PointMass):
        low, high = (np.log(risk) - np.log1p(-risk) for risk in posterior.average.ppf([_LEFT_OUT, 1 - _LEFT_OUT]))
        x = np.linspace(low, high, _POINTS)
        risk = sigmoid(x)
        weights = posterior.average.pdf(risk) * risk * sigmoid(-x)
        return Nodes(weights / weights.sum(), x, np.zeros(x.size), None)
    lattice: Any = posterior.average.lattice  # type: ignore[attr-defined]
    x = -lattice.x if lattice.mirror else lattice.x
    tau = np.broadcast_to(posterior.tau.at_nodes, x.shape)  # type: ignore[attr-defined]
    return Nodes(lattice.weights, x, tau, None if posterior.model.startswith("logit-") else lattice.log_g)
