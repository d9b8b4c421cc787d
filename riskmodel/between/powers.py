"""How far a fit moves with a little more or less of its prior, or of its likelihood."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from riskmodel._support.checks import finite_number
from riskmodel._support.doors import door
from riskmodel.between.nodes import Nodes, exact, nodes_of
from riskmodel.errors import InputError
from riskmodel.posterior import Posterior
from riskmodel.priors.drawn import log_densities

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

_POINTS = 201  # at which a new setting's distribution function is compared


@door
def power_scaling(
    posterior: Posterior, *, alphas: tuple[float, float] = (0.99, 1.01), draws: int = 4000
) -> pd.DataFrame:
    r"""Exact power-scaling sensitivity: what `arviz.psense_summary` estimates by weighting draws.

    The prior, or the likelihood, is raised to a power a little below and above one, and the posterior's nodes are weighed
    anew. A value is the rate at which the posterior then moves, per doubling of the power.

    Parameters
    ----------
    posterior : Posterior
        A fit of `riskmodel.pool`; one by the sampler is judged by the quadrature of its model.
    alphas : (float, float)
        Powers, below and above one.
    draws : int
        The measure is divided by an integral over the range of the draws, which grows slowly with their number: for how many
        it shall be comparable.

    Returns
    -------
    pandas.DataFrame
        One row for each of mu, tau, rho (where risks are Betas) and theta_new; columns prior and likelihood. Both above
        0.05: a conflict between prior and data. Prior alone: it is strong, or the likelihood weak.

    Raises
    ------
    InputError
        If it is not what `pool` returns, or a power is on the wrong side of one.

    Notes
    -----
    The measure is the cumulative Jensen-Shannon distance of priorsense and ArviZ. The prior is that of the
    hyperparameters, as densities of mu and of what the heterogeneity is stated on; the likelihood is that of each series'
    counts given its own risk, so that the latter's distribution between settings is not scaled.

    References
    ----------
    Kallioinen N, Paananen T, Burkner P-C, Vehtari A. Detecting and diagnosing prior and likelihood sensitivity with
    power-scaling. Stat Comput 2024;34:57.

    Examples
    --------
    >>> import riskmodel as rm
    >>> power_scaling(rm.pool([3, 14, 9, 2], [20, 30, 25, 40])).loc[["mu", "tau"]].round(2)
         prior  likelihood
    mu    0.04        0.01
    tau   0.19        0.05
    """
    import pandas as pd

    whole = exact(posterior, "power_scaling")
    if not all(map(finite_number, alphas)) or not 0 < alphas[0] < 1 < alphas[1]:
        remedy = "Give one power below 1 and one above, such as (0.99, 1.01)"
        raise InputError(f"{alphas!r}", where="alphas", remedy=remedy)
    nodes = nodes_of(whole)
    assert whole.priors is not None
    values = {"mu": expit(nodes.logit), "tau": nodes.tau}
    if nodes.log_g is not None:
        values["rho"] = expit(nodes.log_g)
    with np.errstate(divide="ignore"):
        log_prior = sum(log_densities(whole.priors, values["mu"], nodes.tau, values.get("rho")).values())
    one = _log_likelihood(whole, nodes, 1.0)
    changes: dict[str, list[Array]] = {
        "prior": [(alpha - 1) * np.asarray(log_prior) for alpha in alphas],
        "likelihood": [_log_likelihood(whole, nodes, alpha) - one for alpha in alphas],
    }
    alike = not np.any(nodes.tau)
    tail = 1 / (draws + 1)
    steps = {name: np.argsort(held, axis=None) for name, held in values.items() if name == "mu" or not alike}
    at = whole.new_setting.ppf(np.linspace(tail, 1 - tail, _POINTS))
    before = whole.new_setting.cdf(at)
    rows: dict[str, dict[str, float]] = {name: {} for name in (*steps, "theta_new")}
    for component, both in changes.items():
        weights = [_weighed(nodes.weights, change) for change in both]
        for name, order in steps.items():
            held, base = values[name].ravel()[order], np.cumsum(nodes.weights.ravel()[order])
            inside = (base >= tail) & (base <= 1 - tail)
            scaled = [np.cumsum(one.ravel()[order])[inside] for one in weights]
            rows[name][component] = _rate(held[inside], base[inside], scaled, alphas)
        if alike:
            rows["theta_new"][component] = rows["mu"][component]
        else:
            moved = [_new_setting(whole, one).cdf(at) for one in weights]
            rows["theta_new"][component] = _rate(at, before, moved, alphas)
    return pd.DataFrame.from_dict(rows, orient="index")


def _weighed(weights: Array, change: Array) -> Array:
    found = weights * np.exp(change - (weights * change).sum())
    return np.asarray(found / found.sum())


def _new_setting(posterior: Posterior, weights: Array) -> Any:
    """The risk in a new setting where the nodes have other weights."""
    settings: Any = posterior.settings
    return replace(settings, lattice=replace(settings.lattice, weights=weights)).new_setting


def _log_likelihood(posterior: Posterior, nodes: Nodes, power: float) -> Array:
    """Logarithm of the likelihood at each node, that of each series given its own risk raised to a power."""
    return np.asarray(posterior.settings.log_integrated(nodes.logit, nodes.tau, power).sum(axis=-1))


def _rate(at: Array, before: Array, scaled: list[Array], alphas: tuple[float, float]) -> float:
    """Cumulative Jensen-Shannon distance per doubling of the power, the mean of both sides."""
    ends = [max(_distance(at, before, one), _distance(-at[::-1], 1 - before[::-1], 1 - one[::-1])) for one in scaled]
    return float(0.5 * sum(end / abs(np.log2(alpha)) for end, alpha in zip(ends, alphas, strict=True)))


def _distance(at: Array, one: Array, other: Array) -> float:
    """Cumulative Jensen-Shannon distance of two distribution functions, each a step at every point."""
    width = np.diff(at)
    p, q = (np.clip(side[:-1], 1e-300, 1.0) for side in (one, other))
    middle = np.log2(0.5 * (p + q))
    apart = (width * (p * (np.log2(p) - middle) + q * (np.log2(q) - middle))).sum()
    return float(np.sqrt(max(apart, 0.0) / (width * (p + q)).sum()))
