"""Priors from other series: the meta-analytic-predictive prior as a few Betas, made robust, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma, expit, logit, polygamma

from riskmodel._support.checks import finite_number
from riskmodel.distributions.base import Distribution
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.priors.stated import StatedPrior

if TYPE_CHECKING:
    from riskmodel.posterior import Posterior

Array = NDArray[np.float64]

#: As RBesT's ``automixfit``: at most so many components, so much for each parameter, for as many draws as it would have.
_MOST, _PENALTY, _DRAWS = 4, 6.0, 4_000
_NODES = 1_000  # quantiles of the predictive that stand for it
_STEPS = 4_000  # of the EM algorithm, at most
_STILL = 1e-9  # a gain in mean log-likelihood below which it has converged
_POINTS = 8_001  # of an integral over logit(risk)


@dataclass(frozen=True, eq=False, repr=False)
class MapPrior(StatedPrior):
    """A meta-analytic-predictive prior as a mixture of few Betas, with how near it comes.

    Parameters
    ----------
    weights, a, b, statement, misfit
        As `StatedPrior` has them; `misfit` is the largest difference of the two distribution functions.
    divergence : float
        Kullback-Leibler divergence of the predictive from the mixture, in nats.
    aic : tuple of float
        Akaike's criterion of one component, two, and so on, as far as they were tried.
    """

    divergence: float = 0.0
    aic: tuple[float, ...] = ()


def map_prior(posterior: Posterior | Distribution, components: int | None = None) -> MapPrior:
    r"""The risk in a new setting as a mixture of few Betas: the meta-analytic-predictive (MAP) prior.

    The mixture is that of the largest likelihood for the predictive's own quantiles, by the EM algorithm: nothing is drawn.

    Parameters
    ----------
    posterior : Posterior or Distribution
        A posterior of `riskmodel.pool`, whose `new_setting` is taken, or a distribution of a risk.
    components : int, optional
        How many, at most 10; where it is not given, one to four by Akaike's criterion with 6 for each of the 3 K - 1
        parameters and 4,000 draws, which is RBesT's rule.

    Returns
    -------
    MapPrior
        A `riskmodel.BetaMixture`, with its distance from the predictive.

    Raises
    ------
    InputError
        If `posterior` is neither, or `components` is no whole number from 1 to 10.

    References
    ----------
    Schmidli H, et al. Robust meta-analytic-predictive priors in clinical trials with historical control information.
    Biometrics 2014;70:1023-32. Weber S, et al. Applying meta-analytic-predictive priors with the R Bayesian evidence
    synthesis tools. J Stat Softw 2021;100(19).
    """
    target = getattr(posterior, "new_setting", posterior)
    if not isinstance(target, Distribution):
        raise InputError(
            f"{type(posterior).__name__} is no posterior", where="map_prior", remedy="Give what pool returns"
        )
    if components is not None and (type(components) is not int or not 1 <= components <= 10):
        raise InputError(f"{components!r} components", where="components", remedy="Give a whole number from 1 to 10")
    levels = (np.arange(_NODES) + 0.5) / _NODES
    risks = np.clip(target.ppf(levels), 1e-300, 1 - 1e-16)
    logs = np.log(risks), np.log1p(-risks)
    found, aic = [], []
    for k in [components] if components else range(1, _MOST + 1):
        mixture, likelihood = _fitted(logs, k)
        found.append((mixture, likelihood))
        aic.append(-2 * _DRAWS * likelihood + _PENALTY * (3 * k - 1))
        if len(aic) > 1 and aic[-1] > aic[-2]:
            break
    mixture, likelihood = found[int(np.argmin(aic))]
    with np.errstate(divide="ignore"):
        entropy = float(np.mean(np.log(target.pdf(risks))))
    return MapPrior(
        mixture.weights,
        mixture.a,
        mixture.b,
        "the risk in a new setting",
        float(np.max(np.abs(mixture.cdf(risks) - levels))),
        max(entropy - likelihood, 0.0),
        tuple(aic),
    )


def _fitted(logs: tuple[Array, Array], k: int) -> tuple[BetaMixture, float]:
    """The mixture of k Betas of the largest mean log-likelihood for points of equal weight, rising."""
    log_risk, log_rest = logs
    parts = np.array_split(np.arange(log_risk.size), k)
    risk = np.exp(log_risk)
    means, variances = (np.array([getattr(risk[one], name)() for one in parts]) for name in ("mean", "var"))
    size = np.maximum(means * (1 - means) / np.maximum(variances, 1e-300) - 1, 0.5)
    a, b, weights = means * size, (1 - means) * size, np.full(k, 1 / k)
    before = -np.inf
    for _ in range(_STEPS):
        joint = np.log(weights) + (a - 1) * log_risk[:, None] + (b - 1) * log_rest[:, None] - betaln(a, b)
        top = joint.max(axis=1, keepdims=True)
        each = np.exp(joint - top)
        total = each.sum(axis=1, keepdims=True)
        likelihood = float(np.mean(np.log(total) + top))
        if likelihood - before < _STILL:
            break
        before = likelihood
        share = each / total
        mass = share.sum(axis=0)
        weights = mass / mass.sum()
        a, b = _shapes(a, b, log_risk @ share / mass, log_rest @ share / mass)
    order = np.argsort(-weights)
    return BetaMixture(weights[order], a[order], b[order]), likelihood


def _shapes(a: Array, b: Array, mean_log: Array, mean_log_rest: Array) -> tuple[Array, Array]:
    """Shapes whose mean logarithms are these, by Newton's method from near them; each component apart."""
    for _ in range(50):
        whole = digamma(a + b)
        miss_a, miss_b = digamma(a) - whole - mean_log, digamma(b) - whole - mean_log_rest
        da, db, dab = polygamma(1, a), polygamma(1, b), -polygamma(1, a + b)
        determinant = (da + dab) * (db + dab) - dab**2
        step_a = (miss_a * (db + dab) - miss_b * dab) / determinant
        step_b = (miss_b * (da + dab) - miss_a * dab) / determinant
        # Never below a tenth of what it was: a shape stays positive.
        a, b = np.maximum(a - step_a, a / 10), np.maximum(b - step_b, b / 10)
        if np.all((np.abs(step_a) < 1e-12 * a) & (np.abs(step_b) < 1e-12 * b)):
            break
    return a, b


def robustify(mix: BetaMixture, weight: float = 0.2, mean: float = 0.5, n: float = 1.0) -> StatedPrior:
    """A prior with a vague component beside it, so that counts that contradict it take its place.

    Parameters
    ----------
    mix : BetaMixture
        The prior.
    weight : float
        Of the vague component, in (0, 1).
    mean, n : float
        Its mean, and what it is worth beyond one fetus: Beta(mean (n + 1), (1 - mean) (n + 1)), uniform by default.

    Returns
    -------
    StatedPrior
        The vague component is the last.

    Raises
    ------
    InputError
        If a number is outside its range.

    References
    ----------
    Schmidli H, et al. Biometrics 2014;70:1023-32; arguments as RBesT's ``robustify``.
    """
    if not isinstance(mix, BetaMixture):
        raise InputError(f"{type(mix).__name__} is no mixture of Betas", where="robustify", remedy="Give map_prior's")
    if not (
        finite_number(weight)
        and 0 < weight < 1
        and finite_number(mean)
        and 0 < mean < 1
        and finite_number(n)
        and n > -1
    ):
        remedy = "Give a weight and a mean between 0 and 1, and n above -1"
        raise InputError(f"weight {weight!r}, mean {mean!r}, n {n!r}", where="robustify", remedy=remedy)
    shapes = np.append(mix.a, mean * (n + 1)), np.append(mix.b, (1 - mean) * (n + 1))
    words = f"{1 - weight:.3g} ({getattr(mix, 'statement', '') or 'a prior'}) + {weight:.3g} vague"
    return StatedPrior(np.append((1 - weight) * mix.weights, weight), *shapes, words, getattr(mix, "misfit", 0.0))


def ess(mix: BetaMixture, method: Literal["elir", "moment"] = "elir") -> float:
    r"""Effective sample size: how many fetuses a prior is worth.

    .. math:: \mathrm{ELIR} = E\left[\frac{-\partial^2 \log p(\theta)}{1 / (\theta (1 - \theta))}\right]

    Parameters
    ----------
    mix : BetaMixture
        A prior or posterior of one risk.
    method : {"elir", "moment"}
        Expected local information ratio, or that of the Beta of the same mean and standard deviation.

    Returns
    -------
    float
        Fetuses; of one Beta a + b by either.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    InputError
        If ELIR is asked of a mixture with a shape below 1, where the prior has infinite information at 0 or 1.

    References
    ----------
    Neuenschwander B, Weber S, Schmidli H, O'Hagan A. Predictively consistent prior effective sample sizes. Biometrics
    2020;76:578-87.

    Examples
    --------
    >>> round(ess(BetaMixture.beta(3, 17)), 6)
    20.0
    """
    mix = getattr(mix, "new_setting", mix)
    if not isinstance(mix, BetaMixture):
        raise InputError(f"{type(mix).__name__} is no mixture of Betas", where="ess", remedy="Give map_prior's")
    if method == "moment":
        return float(mix.mean * (1 - mix.mean) / mix.sd**2 - 1)
    if method != "elir":
        raise UnknownNameError("method", str(method), ["elir", "moment"], where="method")
    if min(mix.a.min(), mix.b.min()) < 1:
        remedy = 'Give method="moment", or a prior whose shapes are 1 or more'
        raise InputError("a shape is below 1, where ELIR is not defined", where="ess", remedy=remedy)
    at, mass = over_logit(mix)
    rest = expit(-logit(at))
    joint = (
        np.log(mix.weights)
        + (mix.a - 1) * np.log(at)[:, None]
        + (mix.b - 1) * np.log(rest)[:, None]
        - betaln(mix.a, mix.b)
    )
    share = np.exp(joint - joint.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    # Scores of the components times risk and rest, so that nothing overflows at the ends.
    score = (mix.a - 1) * rest[:, None] - (mix.b - 1) * at[:, None]
    own = (mix.a - 1) * rest[:, None] ** 2 + (mix.b - 1) * at[:, None] ** 2
    mean = (share * score).sum(axis=1)
    local = (share * (own - score**2)).sum(axis=1) + mean**2
    return float(mass @ (local / (at * rest)))


def over_logit(mix: Distribution) -> tuple[Array, Array]:
    """Risks even on the logit, and their shares of a distribution: the trapezoid rule, exact for smooth functions."""
    low, high = (float(logit(np.clip(end, 1e-300, 1 - 1e-16))) for end in mix.ppf([1e-13, 1 - 1e-13]))
    points = np.linspace(low - 2, high + 2, _POINTS)
    at = np.clip(expit(points), 1e-300, 1 - 1e-16)
    mass = mix.pdf(at) * at * expit(-points)
    return at, mass / mass.sum()
