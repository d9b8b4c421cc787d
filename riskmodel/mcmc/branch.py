"""The same model by Hamiltonian Monte Carlo: a second opinion.

Each series' risk is integrated out (a beta-binomial; the centred model is a funnel) and drawn afterwards from its Beta
given the hyperparameters. Sampling is of ``x = logit(mu)`` and of ``w``, log g for priors on rho and
log(g / (mu (1 - mu))) for priors on tau, g = rho / (1 - rho); `riskmodel.mcmc.density` has the density. PyMC is known here
and in `riskmodel.mcmc.tree`.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskmodel.distributions.base import Distribution, SettingDistribution
from riskmodel.distributions.draws import Draws
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.errors import InputError, UnavailableError
from riskmodel.mcmc.density import heterogeneity_log_density, mu_log_density, repeats, repeats_log_density, shapes_of
from riskmodel.mcmc.diagnostics import diagnose, logits, mcse, refuse, sample_stats
from riskmodel.posterior import ErrorEstimate, Posterior
from riskmodel.priors import HeterogeneityPrior, MuPrior

Counts = NDArray[np.int64]
Array = NDArray[np.float64]

#: A series' log-likelihood is a sum of as many logarithms as it has fetuses.
LARGEST_TOTAL = 20_000
_COMPONENTS = 8000


def fit(
    events: Counts,
    totals: Counts,
    *,
    labels: tuple[str, ...],
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior,
    draws: int = 2000,
    tune: int = 1000,
    chains: int = 4,
    seed: int = 0,
    target_accept: float = 0.9,
    progressbar: bool = False,
) -> Posterior:
    """Posterior of the beta-binomial model by the No-U-Turn sampler."""
    settings = Settings(draws, tune, chains, seed, target_accept, progressbar)
    check_totals(totals)
    longest = int(totals.max(initial=1))
    return Sampler(settings, mu_prior, heterogeneity_prior, longest).fit(events, totals, labels=labels, seed=int(seed))


class Sampler:
    """The model compiled once, for any counts: they are data of it."""

    def __init__(
        self, settings: Settings, mu_prior: MuPrior, heterogeneity_prior: HeterogeneityPrior, longest: int
    ) -> None:
        import pymc as pm

        self.settings, self.longest = settings, longest
        self.mu_prior, self.heterogeneity_prior = mu_prior, heterogeneity_prior
        with pm.Model() as self.model:
            x, w = pm.Flat("x"), pm.Flat("w")
            hit, missed, whole = (pm.Data(name, np.zeros((1, longest))) for name in ("hit", "missed", "whole"))
            pm.Potential("log_density", _log_density(x, w, hit, missed, whole, mu_prior, heterogeneity_prior))
            self.step = settings.stepper()

    def fit(self, events: Counts, totals: Counts, *, labels: tuple[str, ...], seed: int) -> Posterior:
        """Sample one posterior, the same whatever was sampled before."""
        check_totals(totals)
        import pymc as pm

        sides = {"hit": events, "missed": totals - events, "whole": totals}
        with self.model:
            pm.set_data({name: repeats(counts, self.longest)[None] for name, counts in sides.items()})
            initial = {"x": start(events, totals), "w": np.float64(self.heterogeneity_prior.centre()[0])}
            trace = replace(self.settings, seed=seed).run(initial, self.step)
        on_tau = self.heterogeneity_prior.scale == "tau"
        return _posterior(
            trace, events, totals, labels, self.mu_prior, self.heterogeneity_prior, on_tau=on_tau, seed=seed
        )


def _log_density(
    x: Any, w: Any, hit: Any, missed: Any, whole: Any, mu_prior: MuPrior, heterogeneity_prior: HeterogeneityPrior
) -> Any:
    shapes = shapes_of(x, w, on_tau=heterogeneity_prior.scale == "tau")
    prior = mu_log_density(mu_prior, shapes) + heterogeneity_log_density(heterogeneity_prior, shapes)
    return prior + repeats_log_density(hit, missed, whole, shapes)[0]


@dataclass(frozen=True)
class Settings:
    """How to sample, checked."""

    #: draws, tune, chains: kept draws and warm-up of each chain, and how many chains, one after the other in this
    #: process.
    draws: int
    tune: int
    chains: int
    seed: int  # seed
    target_accept: float  # acceptance that step sizes aim at
    progressbar: bool  # whether PyMC shows its progress

    def __post_init__(self) -> None:
        for name, low in (("draws", 100), ("tune", 100), ("chains", 2), ("seed", 0)):
            value = getattr(self, name)
            high = 2**32 - 1 if name == "seed" else 1_000_000
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
                raise InputError(f"{value!r} is not a whole number from {low:,} to {high:,}", where=name)
        if not 0.5 <= self.target_accept < 1:
            raise InputError(f"{self.target_accept!r} is not in [0.5, 1)", where="target_accept")

    def stepper(self) -> Any:
        """A compiled step of the sampler, for the model in whose context this is called."""
        import pymc as pm
        from pytensor.compile.mode import get_default_mode

        with _quiet():
            # This rewrite tries every product of sums: minutes, where the rest of compiling takes seconds.
            mode = get_default_mode().excluding("local_greedy_distributor")
            return pm.NUTS(target_accept=float(self.target_accept), compile_kwargs={"mode": mode})

    def run(self, initial: Mapping[str, Any], step: Any = None) -> Any:
        """Sample the model in whose context this is called."""
        import pymc as pm

        step = self.stepper() if step is None else step
        with _quiet():
            return pm.sample(
                draws=int(self.draws),
                tune=int(self.tune),
                chains=int(self.chains),
                cores=1,
                random_seed=int(self.seed),
                initvals=dict(initial),
                step=step,
                nuts_sampler="pymc",
                progressbar=self.progressbar,
                compute_convergence_checks=False,
            )


def check_totals(totals: Counts) -> None:
    """Refuse totals whose factors are too many to multiply at every step."""
    if totals.size and totals.max() > LARGEST_TOTAL:
        raise UnavailableError(
            f"a total of {totals.max():,} is above {LARGEST_TOTAL:,} for the sampler",
            where="method",
            remedy='Use method="exact", which has no such limit',
        )


def start(events: Counts, totals: Counts) -> np.float64:
    """Where chains start in logit(mu): the pooled odds, half an event added to each side."""
    return np.float64(np.log((events.sum() + 0.5) / ((totals - events).sum() + 0.5)))


class _quiet:  # noqa: N801
    """PyMC's messages and its dependencies' deprecations are not for the reader of a risk."""

    def __enter__(self) -> None:
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        self._logger = logging.getLogger("pymc")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *error: Any) -> None:
        self._logger.setLevel(self._level)
        self._warnings.__exit__(*error)


# ---------------------------------------------------------------- draws to a posterior


def _posterior(
    trace: Any,
    events: Counts,
    totals: Counts,
    labels: tuple[str, ...],
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior,
    *,
    on_tau: bool,
    seed: int,
) -> Posterior:
    x, w = (np.asarray(trace.posterior[name].values, np.float64) for name in ("x", "w"))
    log_mu, log_rest = -np.logaddexp(0, -x), -np.logaddexp(0, x)
    log_g = w + log_mu + log_rest if on_tau else w
    mu, rho = np.exp(log_mu), 1 / (1 + np.exp(-log_g))
    # A Beta worth more than a billion observations is a point for every purpose here, and NumPy's generator agrees.
    size = np.minimum(np.exp(-log_g), 1e9)
    a, b = mu * size, np.exp(log_rest) * size
    rng = np.random.default_rng(seed)
    drawn = {
        "mu": mu,
        "rho": rho,
        "theta_new": rng.beta(a, b),
        "theta": rng.beta(a[..., None] + events, b[..., None] + (totals - events)),
    }
    diagnostics = diagnose({name: logits(drawn[name]) for name in ("mu", "rho")}, trace)
    refuse(diagnostics, ("mu", "rho"), way_out='use method="exact"')
    diagnostics |= {f"mcse_mean_{name}": mcse(drawn[name]) for name in ("mu", "rho", "theta_new")}
    diagnostics["mcse_sd_mu"] = mcse(drawn["mu"], "sd")

    def settings() -> tuple[SettingDistribution, tuple[Distribution, ...]]:
        # The conditional Betas of the draws, not draws from them: less Monte Carlo error (Rao-Blackwell).
        flat_a, flat_b = a.ravel(), b.ravel()
        kept = np.linspace(0, flat_a.size - 1, min(_COMPONENTS, flat_a.size)).astype(int)
        mixture = BetaMixture(np.ones(kept.size), flat_a[kept], flat_b[kept])
        return mixture, tuple(mixture.shifted(int(y), int(n)) for y, n in zip(events, totals, strict=True))

    return Posterior(
        events=events,
        totals=totals,
        labels=labels,
        average=Draws(mu.ravel()),
        heterogeneity=Draws(rho.ravel(), "rho"),
        model="beta-binomial",
        method="nuts",
        prior=str(mu_prior),
        heterogeneity_prior=str(heterogeneity_prior),
        log_evidence=float("nan"),
        error=ErrorEstimate(
            diagnostics["mcse_mean_mu"], diagnostics["mcse_sd_mu"], float("nan"), mu.size, "monte carlo"
        ),
        settings=settings,
        draws=drawn,
        sample_stats=sample_stats(trace),
        diagnostics=diagnostics,
    )
