"""How far each series is drawn to the others, and what each weighs in the average."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from riskmodel._support.doors import door
from riskmodel.between.nodes import Nodes, exact, nodes_of
from riskmodel.distributions.settings import SHARE, wider
from riskmodel.inference.contaminated import NAME as CONTAMINATED
from riskmodel.inference.logit_normal_likelihood import NORMAL, hermite, student
from riskmodel.inference.pool import DEGREES
from riskmodel.posterior import Posterior

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

_HERMITE = 40


@door
def shrinkage(posterior: Posterior, *, ci_prob: float = 0.95) -> pd.DataFrame:
    r"""Each series' own risk beside its crude proportion, how far it was drawn, and the series' weight.

    Parameters
    ----------
    posterior : Posterior
        A fit of `riskmodel.pool`.
    ci_prob : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        One row for each series: label, events, total, observed, mean, lower, upper (of the risk in its own setting),
        shrinkage (0: its own proportion, 1: the average), weight (summing to one), ci_prob, ci_kind.

    Raises
    ------
    InputError
        If it is not what `pool` returns.

    Notes
    -----
    Both are posterior means over the heterogeneity. Given the intra-class correlation :math:`\rho` the best linear
    estimate of a series' risk is :math:`B\mu + (1-B)\,y/n` with :math:`B = (1-\rho)/(1+(n-1)\rho)`, which in the
    beta-binomial is the posterior mean itself (Morris 1983); `shrinkage` is E(B). A proportion has the variance
    :math:`\mu(1-\mu)(1+(n-1)\rho)/n` about the average, so that precision weights are in proportion to
    :math:`n/(1+(n-1)\rho)` (Kleinman 1973); `weight` is their posterior mean, as bayesmeta has its weights (Rover 2020). In
    the models on the logit :math:`\rho` is var(theta) / (E(theta) (1 - E(theta))) (Goldstein et al. 2002).

    References
    ----------
    Morris CN. Natural exponential families with quadratic variance functions: statistical theory. Ann Stat 1983;11:515-29.
    Kleinman JC. Proportions with extraneous variance: single and independent samples. JASA 1973;68:46-54. Rover C.
    Bayesian random-effects meta-analysis using the bayesmeta R package. J Stat Softw 2020;93(6). Goldstein H, Browne W,
    Rasbash J. Partitioning variation in multilevel models. Understanding Statistics 2002;1:223-31.

    Examples
    --------
    >>> import riskmodel as rm
    >>> shrinkage(rm.pool([3, 14, 9, 2], [20, 30, 25, 40]))[["observed", "mean", "shrinkage", "weight"]].round(2)
       observed  mean  shrinkage  weight
    0      0.15  0.18       0.27    0.23
    1      0.47  0.42       0.20    0.25
    2      0.36  0.34       0.23    0.24
    3      0.05  0.08       0.16    0.27
    """
    import pandas as pd

    whole = exact(posterior, "shrinkage")
    nodes = nodes_of(whole)
    rho, n = rho_at(whole, nodes)[..., None], whole.totals.astype(float)
    precision = n / (1 + (n - 1) * rho)
    weights = precision / precision.sum(axis=-1, keepdims=True)
    drawn = (1 - rho) / (1 + (n - 1) * rho)
    weight, shrunk = (np.tensordot(nodes.weights, one, nodes.weights.ndim) for one in (weights, drawn))
    own = [(one.mean, *one.interval(ci_prob)) for one in whole.series]
    table = pd.DataFrame(
        {"label": whole.labels, "events": whole.events, "total": whole.totals, "observed": whole.events / n}
    )
    table[["mean", "lower", "upper"]] = own
    return table.assign(shrinkage=shrunk, weight=weight, ci_prob=ci_prob, ci_kind="eti")


def rho_at(posterior: Posterior, nodes: Nodes) -> Array:
    """The intra-class correlation at each node, whatever the model."""
    if not np.any(nodes.tau):
        return np.zeros(nodes.weights.shape)
    if nodes.log_g is not None:
        rho = expit(nodes.log_g)
        if posterior.model == CONTAMINATED:
            g = wider(expit(nodes.logit), expit(-nodes.logit), np.exp(nodes.log_g))
            rho = (1 - SHARE) * rho + SHARE * g / (1 + g)
        return np.asarray(rho)
    spreads = student(DEGREES) if posterior.model == "logit-t" else NORMAL
    z, each = hermite(_HERMITE)
    first, second = np.zeros(nodes.weights.shape), np.zeros(nodes.weights.shape)
    for factor, share in zip(spreads.factors, spreads.shares, strict=True):
        risk = expit(nodes.logit[..., None] + factor * nodes.tau[..., None] * z)
        first += share * (risk @ each)
        second += share * (risk**2 @ each)
    return np.asarray((second - first**2) / (first * (1 - first)))
