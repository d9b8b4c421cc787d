r"""Branches whose risk may differ by setting, partially pooled, by the No-U-Turn sampler.

.. math::

    \mathrm{logit}\,\mu_{e,k} = x_e + \delta_{e,k}, \qquad
    \delta_{e,k} \sim \mathrm{Normal}(0, \omega), \quad \sum_k \delta_{e,k} = 0, \qquad
    \omega \sim \mathrm{HalfNormal}(1)

for branch e in a setting of kind k (referral, routine). Restricting to one kind of setting is the limit of a large omega,
taking all alike that of omega = 0; here the branches together tell how much the kind matters (Gelman and Hill, Data Analysis
Using Regression and Multilevel/Hierarchical Models, 2007, section 12.6). Series of no declared kind have the branch's
middle, x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.checks import checked_counts
from riskmodel._support.kept import Shelf, Value
from riskmodel.errors import InputError, UnavailableError
from riskmodel.mcmc.density import heterogeneity_log_density, mu_log_densities, series_log_density, shapes_of
from riskmodel.mcmc.diagnostics import about, judge, logits
from riskmodel.mcmc.draws import Hyperparameters, drawn
from riskmodel.mcmc.options import Compiled, Options, check_totals, start
from riskmodel.priors import HeterogeneityPrior, MuPrior

Array = NDArray[np.float64]

#: Scale of the half-normal prior on omega: kinds of setting then differ in their odds by a factor of e**2 at most, mostly.
OMEGA_SCALE = 1.0

#: Compiled densities, by what they are made from and the acceptance that their steps aim at.
_COMPILED = Shelf(4)


@dataclass(frozen=True, eq=False)
class SettingDraws(Value):
    """Draws of every branch in every kind of setting."""

    mu: Array  # average risk
    theta_new: Array  # risk in one more setting of the kind
    omega: Array  # how much kinds of setting differ, as a standard deviation of logits
    diagnostics: dict[str, float]  # as `riskmodel.mcmc.diagnostics.diagnose` gives them


def fit_settings(
    branches: Sequence[tuple[Any, Any, Any]],
    kinds: int,
    *,
    mu_priors: Sequence[MuPrior],
    heterogeneity_prior: HeterogeneityPrior | None,
    **options: Any,
) -> SettingDraws:
    """Joint posterior of branches whose risk differs by kind of setting."""
    asked = Options.given(options, target_accept=0.98)
    if heterogeneity_prior is None:
        raise UnavailableError(
            "with heterogeneity 0 there is no hierarchy to sample",
            where="heterogeneity",
            remedy="Give a heterogeneity prior",
        )
    if kinds < 2 or not branches:
        raise InputError("fewer than two kinds of setting, or no branch", where="kinds", remedy="Declare settings")
    of, events, totals, starts = [], [], [], []
    for place, (y, n, kind) in enumerate(branches):
        hits, seen = checked_counts(y, n)
        check_totals(seen)
        starts.append(start(hits, seen))
        declared = np.asarray(kind, np.int64)
        of.append(place * (kinds + 1) + np.where(declared >= 0, declared, kinds))
        events.append(hits)
        totals.append(seen)
    model = (tuple(mu_priors), kinds, heterogeneity_prior)
    compiled = _COMPILED.get_or_make((*model, asked.target_accept), lambda: _compiled(*model, asked))
    hits, seen = np.concatenate(events), np.concatenate(totals)
    centre = np.full(len(branches), heterogeneity_prior.centre()[0])
    trace = compiled.run(
        {"place": np.concatenate(of), "hits": hits.astype(float), "missed": (seen - hits).astype(float)},
        {"x": np.array(starts), "w": centre, "omega": np.float64(0.5)},
        asked,
    )
    return _drawn(trace, kinds, on_tau=heterogeneity_prior.scale == "tau", seed=asked.seed)


def _compiled(
    mu_priors: tuple[MuPrior, ...], kinds: int, heterogeneity_prior: HeterogeneityPrior, options: Options
) -> Compiled:
    import pymc as pm
    import pytensor.tensor as pt

    branches, on_tau = len(mu_priors), heterogeneity_prior.scale == "tau"
    scale = np.float64(np.sqrt(kinds / (kinds - 1)))
    with pm.Model() as model:
        place = pm.Data("place", np.zeros(1, np.int64))
        hits, missed = (pm.Data(name, np.zeros(1)) for name in ("hits", "missed"))
        x = pm.Flat("x", shape=branches)
        w = pm.Flat("w", shape=branches)
        z = pm.Normal("z", np.float64(0.0), np.float64(1.0), shape=(branches, kinds))
        omega = pm.HalfNormal("omega", np.float64(OMEGA_SCALE))
        delta = omega * scale * (z - z.mean(axis=1, keepdims=True))
        middle = shapes_of(x, w, on_tau=on_tau)
        # Series of no declared kind have the last place of their branch.
        at = pt.concatenate([x[:, None] + delta, x[:, None]], axis=1).ravel()
        each = shapes_of(at, pt.repeat(w, kinds + 1), on_tau=on_tau)
        prior = mu_log_densities(mu_priors, middle) + heterogeneity_log_density(heterogeneity_prior, middle).sum()
        pm.Potential("branches", prior + series_log_density(each, place, hits, missed).sum())
    return Compiled(model, options)


def _drawn(trace: Any, kinds: int, *, on_tau: bool, seed: int) -> SettingDraws:
    posterior = drawn(trace)
    z, omega = posterior["z"], posterior["omega"]
    delta = omega[..., None, None] * np.sqrt(kinds / (kinds - 1)) * (z - z.mean(axis=-1, keepdims=True))
    hyper = Hyperparameters.of(posterior["x"][..., None] + delta, posterior["w"][..., None], on_tau=on_tau)
    mu = hyper.mu
    judged = {f"mu[{i}, {k}]": logits(mu[..., i, k]) for i in range(mu.shape[2]) for k in range(kinds)}
    judged["omega"] = np.log(omega)
    diagnostics = judge(judged, about(trace), way_out="read the answers restricted to each setting alone")
    return SettingDraws(mu, np.random.default_rng(seed).beta(*hyper.shapes), omega, diagnostics)
