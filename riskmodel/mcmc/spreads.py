"""Spreads of branches from one population, for partial pooling of heterogeneity."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskmodel.errors import UnavailableError
from riskmodel.mcmc.density import shapes_of, symbolic_tau_of
from riskmodel.priors import HeterogeneityPrior, TauPrior


def pooled_spreads(x: Any, prior: HeterogeneityPrior) -> tuple[Any, Any]:
    """Each branch's w, from spreads that share a population, and its log-density.

    Deviations from the population's median are sampled, not the spreads: no funnel.
    """
    import pymc as pm
    import pytensor.tensor as pt

    if not isinstance(prior, TauPrior):
        raise UnavailableError(
            "heterogeneity is pooled between branches as log(tau), and this prior is on rho",
            where="pooled_heterogeneity",
            remedy="Use a prior on tau, such as the default",
        )
    median, sd = prior.median_and_spread()
    width = np.float64(sd / np.sqrt(2))
    middle = pm.Normal("log_tau_median", np.float64(np.log(median)), width)
    between = pm.HalfNormal("tau_sd", width)
    deviation = pm.Flat("deviation", shape=x.type.shape)
    w, log_slope = w_near(x, middle + between * deviation)
    w = pm.Deterministic("w", w)
    tau, exact_slope = symbolic_tau_of(shapes_of(x, w, on_tau=True))
    # The exact log(tau) is normal; sampling by the near one costs the ratio of their slopes.
    apart = (pt.log(tau) - middle) / between
    return w, exact_slope - pt.log(tau) - log_slope - 0.5 * apart**2


def w_of(x: Any, log_tau: Any) -> Any:
    """The w at which a branch of average logit x has a spread tau: from the near one, one step of Newton's method more.

    With exact values and slopes, of which the gradient is the implicit function's own. For tau from 0.001 to 10 and x
    from -12 to 12 it is within 2.1e-8 (2026-11).
    """
    import pytensor.tensor as pt
    from pytensor.gradient import disconnected_grad

    w = disconnected_grad(w_near(x, log_tau)[0])
    tau, log_slope = symbolic_tau_of(shapes_of(x, w, on_tau=True))
    return w - (pt.log(tau) - log_tau) * disconnected_grad(tau * pt.exp(-log_slope))


def w_near(x: Any, log_tau: Any) -> tuple[Any, Any]:
    """The w at which a branch of average logit x has nearly a spread tau, and the log of the slope of log(tau) in w.

    With psi_1(z) to 0.05 % by one step of the recurrence and three terms, for a density in which the exact one stands too
    would take minutes to compile. By Newton's method from tau**2 near c + 0.75 c**2 (mu**2 + (1 - mu)**2), c = exp(w): two
    steps that gradients do not see and a third that they do, which gives the implicit function's own derivatives.
    """
    import pytensor.tensor as pt
    from pytensor.gradient import disconnected_grad

    def near(inverse: Any) -> tuple[Any, Any]:
        """psi_1(1/t) and its slope in log(t)."""
        z = 1.0 / inverse
        r = 1.0 / (z + 1.0)
        square = r * r
        return inverse * inverse + r + square * (0.5 + r / 6), 2 * inverse * inverse + z * square * (
            1 + r + 0.5 * square
        )

    def spread(at: Any, w: Any) -> tuple[Any, Any]:
        (left, left_slope), (right, right_slope) = (near(pt.exp(w) * pt.sigmoid(one)) for one in (-at, at))
        return 0.5 * pt.log(left + right), 0.5 * (left_slope + right_slope) / (left + right)

    def better(at: Any, w: Any, aim: Any) -> Any:
        value, slope = spread(at, w)
        return w - (value - aim) / slope

    held, aim = disconnected_grad(x), disconnected_grad(log_tau)
    mu, variance = pt.sigmoid(held), pt.exp(2 * aim)
    w = pt.log(2 * variance / (1 + pt.sqrt(1 + 3.0 * (mu**2 + (1 - mu) ** 2) * variance)))
    for _ in range(2):
        w = better(held, w, aim)
    w = better(x, disconnected_grad(w), log_tau)
    return w, pt.log(spread(x, w)[1])
