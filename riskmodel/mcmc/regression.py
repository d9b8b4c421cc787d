r"""Several covariates on logit(mu) by the No-U-Turn sampler.

.. math::

    \mathrm{logit}\,\mu_c = \beta_0 + o_c + z_c \cdot u, \qquad u_j \sim \mathrm{Normal}(0, 1)

for each combination c of the covariates: a row of a design whose columns are scaled by their priors, and an offset that
holds the priors' means. How much settings differ is the same in all: tau, or rho where the prior is on that, as the
quadrature of one covariate has it. Sampling is of log(tau) or of logit(rho).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Shelf
from riskmodel.distributions.special import g_of, log_sigmoids, sigmoid
from riskmodel.mcmc.density import heterogeneity_log_density, mu_log_density, series_log_density, shapes_of
from riskmodel.mcmc.diagnostics import about, judge, sample_stats
from riskmodel.mcmc.draws import Hyperparameters, drawn
from riskmodel.mcmc.options import Compiled, Options, start
from riskmodel.mcmc.spreads import w_of
from riskmodel.priors import HeterogeneityPrior, MuPrior, TauPrior

Counts = NDArray[np.int64]
Array = NDArray[np.float64]

#: Compiled densities, by what they are made from and the acceptance that their steps aim at.
_COMPILED = Shelf(4)


class Drawn(NamedTuple):
    """Draws of a regression, converged."""

    middle: Array  # logit of the average where every covariate is half-way, of shape (chains, draws)
    scores: Array  # u, of shape (chains, draws, coefficients)
    spread: Array  # what is in common, tau or rho, of shape (chains, draws)
    sample_stats: dict[str, NDArray[Any]]
    diagnostics: dict[str, float]


def sample(
    events: Counts,
    totals: Counts,
    place: Counts,
    design: Array,
    offset: Array,
    names: Sequence[str],
    *,
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior,
    way_out: str,
    **options: Any,
) -> Drawn:
    """Joint posterior; `place` is the row of the design of each series, `names` those of its columns."""
    asked = Options.given(options)
    key = (mu_prior, heterogeneity_prior, design.shape[1], asked.target_accept)
    compiled = _COMPILED.get_or_make(key, lambda: _compiled(mu_prior, heterogeneity_prior, design.shape[1], asked))
    on_tau, centre = heterogeneity_prior.scale == "tau", heterogeneity_prior.centre()[0]
    trace = compiled.run(
        {"place": place, "hits": events.astype(float), "missed": (totals - events).astype(float)}
        | {"design": design, "offset": offset},
        {"x": start(events, totals), "s": np.float64(centre / 2 if on_tau else centre)},
        asked,
    )
    found = drawn(trace)
    judged = {"average": found["x"], "tau" if on_tau else "rho": found["s"]}
    judged |= {name: found["u"][..., j] for j, name in enumerate(names)}
    diagnostics = judge(judged, about(trace), way_out=way_out)
    spread = np.exp(found["s"]) if on_tau else sigmoid(found["s"])
    return Drawn(found["x"], found["u"], spread, sample_stats(trace), diagnostics)


def hyperparameters(x: Array, spread: Array, *, on_tau: bool) -> Hyperparameters:
    """Where logits of the average are these, and tau or rho is that."""
    mu, rest = (np.exp(one) for one in log_sigmoids(x))
    log_g = np.log(g_of(spread, mu, rest)) if on_tau else np.broadcast_to(np.log(spread) - np.log1p(-spread), x.shape)
    return Hyperparameters(mu, rest, log_g, sigmoid(log_g))


def _compiled(
    mu_prior: MuPrior, heterogeneity_prior: HeterogeneityPrior, coefficients: int, options: Options
) -> Compiled:
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        place = pm.Data("place", np.zeros(1, np.int64))
        hits, missed, offset = (pm.Data(name, np.zeros(1)) for name in ("hits", "missed", "offset"))
        design = pm.Data("design", np.zeros((1, coefficients)))
        x, s = pm.Flat("x"), pm.Flat("s")
        u = pm.Normal("u", np.float64(0.0), np.float64(1.0), shape=coefficients)
        at = x + offset + pt.dot(design, u)
        if isinstance(heterogeneity_prior, TauPrior):
            spread = heterogeneity_prior.formula(pt.exp(s), pt) + s
            shapes = shapes_of(at, w_of(at, s), on_tau=True)
        else:
            shapes = shapes_of(at, s + pt.zeros_like(at), on_tau=False)
            spread = heterogeneity_log_density(heterogeneity_prior, shapes_of(x, s, on_tau=False))
        prior = mu_log_density(mu_prior, shapes_of(x, s, on_tau=False)) + spread
        pm.Potential("series", prior + series_log_density(shapes, place, hits, missed).sum())
    return Compiled(model, options)
