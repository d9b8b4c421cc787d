"""Densities of the beta-binomial hierarchy as PyTensor expressions, for the samplers.

Written out by rising factorials and Stirling's remainders, which stay exact where settings are nearly alike and differences
of log-gamma functions are noise. All take one branch, or a vector of branches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel.priors import HeterogeneityPrior, MuPrior, RhoPrior, TauPrior

Counts = NDArray[np.int64]
Array = NDArray[np.float64]


class Shapes(NamedTuple):
    """A branch's Beta, or one of each branch, as PyTensor expressions."""

    #: x, log_mu, log_rest, mu, rest: logit(mu), and mu and 1 - mu with their logarithms, none a difference of others.
    x: Any
    log_mu: Any
    log_rest: Any
    mu: Any
    rest: Any
    g: Any  # g, log_g: rho / (1 - rho): the Beta's shapes are mu / g and (1 - mu) / g
    log_g: Any


def shapes_of(x: Any, w: Any, *, on_tau: bool) -> Shapes:
    """Shapes of a Beta from what is sampled."""
    import pytensor.tensor as pt

    log_mu, log_rest = -pt.softplus(-x), -pt.softplus(x)
    log_g = w + log_mu + log_rest if on_tau else w
    return Shapes(x, log_mu, log_rest, pt.exp(log_mu), pt.exp(log_rest), pt.exp(log_g), log_g)


def series_log_density(shapes: Shapes, place: Any, hits: Any, missed: Any) -> Any:
    """Beta-binomial log-likelihood of each series, without binomial coefficients; `place` says whose shapes it has.

    Log-gamma functions by Stirling's remainders, whose large terms cancel before they are formed: a series of thousands
    costs what a small one does.
    """
    import pytensor.tensor as pt

    # Stacked, for each expression is compiled by itself.
    start = pt.stack([shapes.mu / shapes.g, shapes.rest / shapes.g, 1.0 / shapes.g])
    first, more = start[:, place], pt.stack([hits, missed, hits + missed])
    rising = (first + more - 0.5) * pt.log1p(more / first) + _stirling(first + more) - _stirling(start)[:, place]
    return hits * shapes.log_mu[place] + missed * shapes.log_rest[place] + rising[0] + rising[1] - rising[2]


def repeats(counts: Counts, longest: int = 0) -> Array:
    """How many series have a factor number j in their product."""
    return np.array([(counts > j).sum() for j in range(max(1, longest, int(counts.max(initial=0))))], np.float64)


def repeats_log_density(hit: Any, missed: Any, whole: Any, shapes: Shapes) -> Any:
    """The same from how often each factor occurs: arrays, or shared variables that change without compiling anew."""
    import pytensor.tensor as pt

    one = pt.ones_like(shapes.g)
    value = _rising(shapes.mu, shapes.g, hit) + _rising(shapes.rest, shapes.g, missed)
    return value - _rising(one, shapes.g, whole)


def _rising(first: Any, step: Any, often: Any) -> Any:
    """Sum over a branch's series of log of first (first + step) ... (first + (count - 1) step), for each branch."""
    import pytensor.tensor as pt

    number = pt.arange(often.shape[1]).astype("float64")
    factors = pt.atleast_1d(first)[:, None] + pt.atleast_1d(step)[:, None] * number
    return (often * pt.log(factors)).sum(axis=1)


def mu_log_density(prior: MuPrior, shapes: Shapes) -> Any:
    """Logarithm of the prior density of logit(mu)."""
    import pytensor.tensor as pt

    return prior.formula(shapes.x, shapes.log_mu, shapes.log_rest, pt)


def mu_log_densities(priors: Sequence[MuPrior], shapes: Shapes) -> Any:
    """The same of several branches, each with its prior, added up."""
    import pytensor.tensor as pt

    total: Any = np.float64(0.0)
    for prior in dict.fromkeys(priors):
        those = [i for i, one in enumerate(priors) if one == prior]
        total = total + prior.formula(shapes.x[those], shapes.log_mu[those], shapes.log_rest[those], pt).sum()
    return total


def heterogeneity_log_density(prior: HeterogeneityPrior, shapes: Shapes) -> Any:
    """Logarithm of the prior density of log g given mu."""
    import pytensor.tensor as pt

    if isinstance(prior, RhoPrior):
        log_whole = pt.log1p(shapes.g)
        return prior.formula(shapes.log_g - log_whole, -log_whole, pt)
    assert isinstance(prior, TauPrior)
    tau, log_slope = symbolic_tau_of(shapes)
    return prior.formula(tau, pt) + log_slope


def symbolic_tau_of(shapes: Shapes) -> tuple[Any, Any]:
    """Standard deviation of logit(theta), as `riskmodel.distributions.special.tau_of` has it."""
    import pytensor.tensor as pt

    value, slope = _trigamma(pt.stack([shapes.mu / shapes.g, shapes.rest / shapes.g]))
    tau = pt.sqrt(value[0] + value[1])
    return tau, pt.log((slope[0] + slope[1]) / (2 * tau))


def wider_shapes(shapes: Shapes, factor: float) -> Shapes:
    """Shapes of a Beta whose logit has `factor` times the standard deviation, about the same mean: Newton on log g.

    The first guess is beyond, log(tau) is convex in log g, and three steps leave less than 1e-7 for factors near two.
    """
    import pytensor.tensor as pt

    tau, log_slope = symbolic_tau_of(shapes)
    aim = pt.log(tau) + np.log(factor)
    log_g = shapes.log_g + np.log(factor) * tau / pt.exp(log_slope)
    for _ in range(3):
        tau, log_slope = symbolic_tau_of(shapes._replace(g=pt.exp(log_g), log_g=log_g))
        log_g = log_g - (pt.log(tau) - aim) * tau / pt.exp(log_slope)
    return shapes._replace(g=pt.exp(log_g), log_g=log_g)


def _trigamma(z: Any) -> tuple[Any, Any]:
    """psi_1(z) and -z psi_2(z): eight steps of the recurrence, then the asymptotic series (DLMF 5.15.8, 5.15.9).

    PyTensor's own polygamma, through its gradient, takes some hundred times as long.
    """
    shifted = z + 8.0
    first: Any = np.float64(0.0)
    second: Any = np.float64(0.0)
    for k in range(8):
        inverse = 1.0 / (z + float(k))
        square = inverse * inverse
        first = first + square
        second = second + 2.0 * square * inverse
    r = 1.0 / shifted
    first = first + r + r**2 / 2 + r**3 / 6 - r**5 / 30 + r**7 / 42 - r**9 / 30 + 5 * r**11 / 66
    second = second + r**2 + r**3 + r**4 / 2 - r**6 / 6 + r**8 / 6 - 3 * r**10 / 10 + 5 * r**12 / 6
    return first, z * second


def own_risks(shapes: Shapes, places: Any, hits: Any, missed: Any, z: Any) -> tuple[Any, Any, Any]:
    """Risks of series as deviations z from their branches: log-density of z, and what it makes of theta.

    Written with Stirling's remainders, so that nothing cancels where settings are nearly alike: log-gamma functions of a
    billion would leave noise.
    """
    import pytensor.tensor as pt

    a, b = (shapes.mu / shapes.g)[places] + hits, (shapes.rest / shapes.g)[places] + missed
    whole = a + b
    move = z * pt.sqrt((1 + 0.5 / a) / a + (1 + 0.5 / b) / b)
    logit = pt.log(a) - pt.log(b) + move
    log_theta, log_rest = -pt.softplus(-logit), -pt.softplus(logit)
    # log(theta / mu) and log((1 - theta) / (1 - mu)), by differences only where the move is large.
    near = pt.clip(move, -1.0, 1.0)
    small = pt.abs(move) < 1
    up = pt.switch(small, -pt.log1p(b / whole * pt.expm1(-near)), log_theta + pt.log1p(b / a))
    down = pt.switch(small, -pt.log1p(a / whole * pt.expm1(near)), log_rest + pt.log1p(a / b))
    remainder = _stirling(pt.stack([a, b, whole]))
    density = (
        a * up + b * down + 0.5 * pt.log1p(0.5 * (a / b + b / a) / whole) - remainder[0] - remainder[1] + remainder[2]
    )
    return density - 0.5 * np.log(2 * np.pi), log_theta, log_rest


def _stirling(t: Any) -> Any:
    """Remainder log gamma(t) - (t - 1/2) log t + t - log(2 pi)/2: eight steps of the recurrence, then DLMF 5.11.1."""
    import pytensor.tensor as pt

    far = t + 8.0
    product: Any = np.float64(1.0)
    for k in range(8):
        product = product * (1.0 + (8.0 - k) / (t + float(k)))
    r = 1.0 / far
    square = r * r
    tail = r * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))))
    return (t - 0.5) * pt.log1p(8.0 / t) - 8.0 + pt.log(product) + tail
