"""The same model by Hamiltonian Monte Carlo: a second opinion.

Each series' risk is integrated out (a beta-binomial; the centred model is a funnel) and drawn afterwards from its Beta
given the hyperparameters. Sampling is of ``x = logit(mu)`` and of ``w``, log g for priors on rho and
log(g / (mu (1 - mu))) for priors on tau, g = rho / (1 - rho); `riskmodel.mcmc.density` has the density. PyMC is known here
and in `riskmodel.mcmc.tree`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Shelf
from riskmodel.distributions.draws import Draws
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.settings import FACTOR, BetaSettings, ContaminatedBetaSettings
from riskmodel.distributions.special import tau_of
from riskmodel.mcmc.density import (
    heterogeneity_log_density,
    mu_log_density,
    repeats,
    repeats_log_density,
    shapes_of,
    wider_shapes,
)
from riskmodel.mcmc.diagnostics import about, diagnose, logits, mcse, refuse, sample_stats
from riskmodel.mcmc.draws import Hyperparameters, drawn
from riskmodel.mcmc.options import Compiled, Options, check_totals, start
from riskmodel.posterior import ErrorEstimate, Posterior
from riskmodel.priors import HeterogeneityPrior, MuPrior
from riskmodel.priors.drawn import Priors

Counts = NDArray[np.int64]
Array = NDArray[np.float64]

_COMPONENTS = 8000

#: Compiled densities, by the acceptance that their steps aim at and what they are made from.
_SAMPLERS = Shelf(8)


def fit(
    events: Counts,
    totals: Counts,
    *,
    labels: tuple[str, ...],
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior,
    share: float = 0.0,
    **options: Any,
) -> Posterior:
    """Posterior of the beta-binomial model, or of the contaminated one with a share, by the No-U-Turn sampler."""
    asked = Options.given(options, tune=1000, target_accept=0.95)
    check_totals(totals)
    # A density for twice the fetuses is as good: few lengths are compiled.
    longest = max(64, 1 << int(totals.max(initial=1) - 1).bit_length())
    key = (mu_prior, heterogeneity_prior, longest, share)
    sampler = _SAMPLERS.get_or_make((asked.target_accept, *key), lambda: Sampler(asked, *key))
    return sampler.fit(events, totals, labels=labels, seed=asked.seed, options=asked)


class Sampler:
    """The model compiled once, for any counts: they are data of it."""

    def __init__(
        self,
        options: Options,
        mu_prior: MuPrior,
        heterogeneity_prior: HeterogeneityPrior,
        longest: int,
        share: float = 0.0,
    ) -> None:
        import pymc as pm

        self.options, self.longest, self.share = options, longest, share
        self.mu_prior, self.heterogeneity_prior = mu_prior, heterogeneity_prior
        with pm.Model() as model:
            x, w = pm.Flat("x"), pm.Flat("w")
            hit, missed, whole = (pm.Data(name, np.zeros((1, longest))) for name in ("hit", "missed", "whole"))
            pm.Potential("log_density", log_density(x, w, hit, missed, whole, mu_prior, heterogeneity_prior, share))
        self.compiled = Compiled(model, options)

    def fit(
        self, events: Counts, totals: Counts, *, labels: tuple[str, ...], seed: int, options: Options | None = None
    ) -> Posterior:
        """Sample one posterior, the same whatever was sampled before."""
        check_totals(totals)
        sides = {"hit": events, "missed": totals - events, "whole": totals}
        # Without a share one row for all series; with one, a row for each.
        rows = {name: counts[:, None] if self.share else counts[None] for name, counts in sides.items()}
        trace = self.compiled.run(
            {name: np.stack([repeats(row, self.longest) for row in some]) for name, some in rows.items()},
            {"x": start(events, totals), "w": np.float64(self.heterogeneity_prior.centre()[0])},
            replace(options or self.options, seed=seed),
        )
        return posterior_of(
            Hyperparameters.of(**drawn(trace), on_tau=self.heterogeneity_prior.scale == "tau"),
            (events, totals, labels),
            (about(trace), sample_stats(trace)),
            prior=str(self.mu_prior),
            heterogeneity_prior=str(self.heterogeneity_prior),
            priors=(self.mu_prior, self.heterogeneity_prior),
            seed=seed,
            share=self.share,
        )


def log_density(
    x: Any,
    w: Any,
    hit: Any,
    missed: Any,
    whole: Any,
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior,
    share: float = 0.0,
) -> Any:
    """Logarithm of prior density and likelihood, as the `Problem` of a model has it without the binomial coefficients."""
    shapes = shapes_of(x, w, on_tau=heterogeneity_prior.scale == "tau")
    prior = mu_log_density(mu_prior, shapes) + heterogeneity_log_density(heterogeneity_prior, shapes)
    usual = repeats_log_density(hit, missed, whole, shapes)
    if not share:
        return prior + usual[0]
    import pytensor.tensor as pt

    wide = repeats_log_density(hit, missed, whole, wider_shapes(shapes, FACTOR))
    return prior + pt.logaddexp(np.log1p(-share) + usual, np.log(share) + wide).sum()


# ---------------------------------------------------------------- draws to a posterior


def posterior_of(
    hyper: Hyperparameters,
    series: tuple[Counts, Counts, tuple[str, ...]],
    run: tuple[Mapping[str, float], dict[str, NDArray[Any]]],
    *,
    prior: str,
    heterogeneity_prior: str,
    priors: Priors | None = None,
    seed: int,
    share: float = 0.0,
    way_out: str = 'use method="exact"',
) -> Posterior:
    """From draws of the hyperparameters, series with their labels, and what is known about a run and noted at each draw."""
    events, totals, labels = series
    a, b = hyper.shapes
    rng = np.random.default_rng(seed)
    draws = {"mu": hyper.mu, "rho": hyper.rho, "tau": tau_of(hyper.mu, hyper.rest, np.exp(hyper.log_g))[0]}
    draws["theta_new"], draws["theta"] = _risks(a, b, events, totals, share, rng)
    diagnostics = diagnose({name: logits(draws[name]) for name in ("mu", "rho")}, run[0])
    refuse(diagnostics, ("mu", "rho"), way_out=way_out)
    diagnostics |= {f"mcse_mean_{name}": mcse(draws[name]) for name in ("mu", "rho", "theta_new")}
    diagnostics["mcse_sd_mu"] = mcse(draws["mu"], "sd")

    # The conditional Betas of the draws, not draws from them: less Monte Carlo error (Rao-Blackwell).
    chosen = np.linspace(0, a.size - 1, min(_COMPONENTS, a.size)).astype(int)
    mixture = BetaMixture(np.ones(chosen.size), a.ravel()[chosen], b.ravel()[chosen])
    return Posterior(
        events=events,
        totals=totals,
        labels=labels,
        average=Draws(hyper.mu.ravel()),
        heterogeneity=Draws(hyper.rho.ravel(), "rho"),
        tau=Draws(draws["tau"].ravel(), "tau"),
        model="contaminated-beta-binomial" if share else "beta-binomial",
        method="nuts",
        prior=prior,
        heterogeneity_prior=heterogeneity_prior,
        priors=priors,
        log_evidence=float("nan"),
        error=ErrorEstimate(
            diagnostics["mcse_mean_mu"], diagnostics["mcse_sd_mu"], float("nan"), hyper.mu.size, "monte carlo"
        ),
        settings=ContaminatedBetaSettings(events, totals, share, mixture)
        if share
        else BetaSettings(events, totals, mixture),
        draws=draws,
        sample_stats=run[1],
        diagnostics=diagnostics,
    )


def _risks(
    a: Array, b: Array, events: Counts, totals: Counts, share: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draws of the risk in a new setting and in each series' own, from the Betas of all draws of the hyperparameters."""
    if not share:
        return rng.beta(a, b), rng.beta(a[..., None] + events, b[..., None] + (totals - events))
    settings = ContaminatedBetaSettings(events, totals, share, BetaMixture(np.ones(a.size), a.ravel(), b.ravel()))
    found = []
    for hits, seen in ((0, 0), *zip(events.tolist(), totals.tolist(), strict=True)):
        wide = rng.random(a.size) < settings.wide_share(hits, seen)
        one, other = (np.where(wide, getattr(settings.wide, side), getattr(settings.usual, side)) for side in "ab")
        found.append(rng.beta(one + hits, other + (seen - hits)).reshape(a.shape))
    return found[0], np.stack(found[1:], axis=-1)
