r"""The same model by Hamiltonian Monte Carlo: a second opinion, and the only file that knows PyMC.

Each series' risk is integrated out (a beta-binomial; the centred model is a funnel) and drawn afterwards from its Beta
given the hyperparameters. The density is written out by rising factorials, which stay exact where settings are nearly
alike and differences of log-gamma functions are noise. Sampling is of ``x = logit(mu)`` and of ``w``, log g for priors on
rho and log(g / (mu (1 - mu))) for priors on tau, g = rho / (1 - rho).
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from riskmodel.distribution import Distribution, SettingDistribution
from riskmodel.draws import Draws
from riskmodel.errors import ConvergenceError, InputError, UnavailableError
from riskmodel.mixture import BetaMixture
from riskmodel.posterior import ErrorEstimate, Posterior
from riskmodel.priors import (
    BetaOnRho,
    HalfNormalOnTau,
    HeterogeneityPrior,
    LogitNormalPrior,
    LogNormalOnTau,
    MixturePrior,
    MuPrior,
)

Counts = NDArray[np.int64]
Array = NDArray[np.float64]

#: Thresholds of Vehtari, Gelman, Simpson, Carpenter and Buerkner, Bayesian Analysis 2021, section 4.
LARGEST_RHAT = 1.01
SMALLEST_ESS = 400.0
#: Betancourt, A conceptual introduction to Hamiltonian Monte Carlo (2017), section 6.1.
SMALLEST_BFMI = 0.3
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
    """Posterior of the beta-binomial model by the No-U-Turn sampler.

    Parameters
    ----------
    events, totals : ndarray of int, shape (series,)
        Counts, already checked.
    labels : tuple of str
        A name for each series.
    mu_prior : MuPrior
        Prior on the average risk.
    heterogeneity_prior : HeterogeneityPrior
        Prior on the spread between settings.
    draws, tune, chains : int
        Kept draws and warm-up of each chain, and how many chains, one after the other in this process.
    seed : int
        Seed.
    target_accept : float
        Acceptance that step sizes aim at.
    progressbar : bool
        Whether PyMC shows its progress.

    Returns
    -------
    Posterior
        With draws, diagnostics and Monte Carlo errors.

    Raises
    ------
    InputError
        If a setting of the sampler is out of range.
    UnavailableError
        If a total is above 20,000.
    ConvergenceError
        If a diagnostic fails; the message names each that did.
    """
    for name, value, low in (("draws", draws, 100), ("tune", tune, 100), ("chains", chains, 2)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= 1_000_000:
            raise InputError(f"{value!r} is not a whole number of at least {low}", where=name)
    if not 0.5 <= target_accept < 1:
        raise InputError(f"{target_accept!r} is not in [0.5, 1)", where="target_accept")
    if totals.size and totals.max() > LARGEST_TOTAL:
        raise UnavailableError(
            f"a total of {totals.max():,} is above {LARGEST_TOTAL:,} for the sampler",
            where="method",
            remedy='Use method="exact", which has no such limit',
        )
    import pymc as pm

    on_tau = heterogeneity_prior.scale == "tau"
    with pm.Model():
        x, w = pm.Flat("x"), pm.Flat("w")
        pm.Potential("log_density", _log_density(x, w, events, totals, mu_prior, heterogeneity_prior))
        centre = float(np.log((events.sum() + 0.5) / ((totals - events).sum() + 0.5)))
        with _quiet():
            trace = pm.sample(
                draws=int(draws),
                tune=int(tune),
                chains=int(chains),
                cores=1,
                random_seed=int(seed),
                initvals={"x": np.float64(centre), "w": np.float64(heterogeneity_prior.centre()[0])},
                target_accept=float(target_accept),
                nuts_sampler="pymc",
                progressbar=progressbar,
                compute_convergence_checks=False,
            )
    return _posterior(trace, events, totals, labels, mu_prior, heterogeneity_prior, on_tau=on_tau, seed=int(seed))


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


# ---------------------------------------------------------------- the density, symbolically


def _log_density(
    x: Any, w: Any, events: Counts, totals: Counts, mu_prior: MuPrior, heterogeneity_prior: HeterogeneityPrior
) -> Any:
    import pytensor.tensor as pt

    log_mu, log_rest = -pt.softplus(-x), -pt.softplus(x)
    mu, rest = pt.exp(log_mu), pt.exp(log_rest)
    log_g = w + log_mu + log_rest if heterogeneity_prior.scale == "tau" else w
    g = pt.exp(log_g)
    value = _mu_log_density(mu_prior, x, log_mu, log_rest)
    value = value + _heterogeneity_log_density(heterogeneity_prior, mu, rest, g, log_g)
    value = value + _rising(mu, g, events) + _rising(rest, g, totals - events)
    return value - _rising(pt.constant(np.float64(1.0)), g, totals)


def _rising(start: Any, step: Any, counts: Counts) -> Any:
    """Sum over series of log of start (start + step) ... (start + (count - 1) step)."""
    import pytensor.tensor as pt

    longest = int(counts.max()) if counts.size else 0
    if longest == 0:
        return pt.constant(np.float64(0.0))
    # How many series have a factor number j.
    repeats = np.array([(counts > j).sum() for j in range(longest)], np.float64)
    return (repeats * pt.log(start + step * np.arange(longest, dtype=np.float64))).sum()


def _mu_log_density(prior: MuPrior, x: Any, log_mu: Any, log_rest: Any) -> Any:
    import pytensor.tensor as pt

    if isinstance(prior, LogitNormalPrior):
        return -0.5 * ((x - np.float64(prior.location)) / np.float64(prior.sd)) ** 2
    assert isinstance(prior, MixturePrior)
    m = prior.mixture
    parts = [
        np.float64(np.log(weight) - betaln(a, b)) + np.float64(a) * log_mu + np.float64(b) * log_rest
        for weight, a, b in zip(m.weights, m.a, m.b, strict=True)
    ]
    return parts[0] if len(parts) == 1 else pt.logsumexp(pt.stack(parts))


def _heterogeneity_log_density(prior: HeterogeneityPrior, mu: Any, rest: Any, g: Any, log_g: Any) -> Any:
    import pytensor.tensor as pt

    if isinstance(prior, BetaOnRho):
        return np.float64(prior.a) * (log_g - pt.log1p(g)) - np.float64(prior.b) * pt.log1p(g)
    left, left_slope = _trigamma(mu / g)
    right, right_slope = _trigamma(rest / g)
    tau = pt.sqrt(left + right)
    log_slope = pt.log((left_slope + right_slope) / (2 * tau))
    if isinstance(prior, HalfNormalOnTau):
        return -0.5 * (tau / np.float64(prior.width)) ** 2 + log_slope
    assert isinstance(prior, LogNormalOnTau)
    z = (pt.log(tau) - np.float64(np.log(prior.median))) / np.float64(prior.sigma)
    return -0.5 * z**2 - pt.log(tau) + log_slope


def _trigamma(z: Any) -> tuple[Any, Any]:
    """psi_1(z) and -z psi_2(z): eight steps of the recurrence, then the asymptotic series (DLMF 5.15.8, 5.15.9).

    PyTensor's own polygamma, through its gradient, takes some hundred times as long.
    """
    shifted = z + 8.0
    first: Any = np.float64(0.0)
    second: Any = np.float64(0.0)
    for k in range(8):
        first = first + (z + float(k)) ** -2
        second = second + 2.0 * (z + float(k)) ** -3
    r = 1.0 / shifted
    first = first + r + r**2 / 2 + r**3 / 6 - r**5 / 30 + r**7 / 42 - r**9 / 30 + 5 * r**11 / 66
    second = second + r**2 + r**3 + r**4 / 2 - r**6 / 6 + r**8 / 6 - 3 * r**10 / 10 + 5 * r**12 / 6
    return first, z * second


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
    diagnostics = _diagnostics(trace, drawn)
    _refuse(diagnostics)

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
        sample_stats={
            name: np.asarray(trace.sample_stats[name].values)
            for name in ("diverging", "energy", "acceptance_rate", "tree_depth", "step_size", "lp")
            if name in trace.sample_stats
        },
        diagnostics=diagnostics,
    )


def _diagnostics(trace: Any, drawn: dict[str, Array]) -> dict[str, float]:
    from arviz_stats.base import array_stats

    found: dict[str, float] = {}
    for name in ("mu", "rho"):
        # logits, so that a heterogeneity near zero is judged on a scale on which it varies
        held = np.clip(drawn[name], 1e-300, 1 - 1e-16)
        logits = np.log(held) - np.log1p(-held)
        found[f"rhat_{name}"] = float(array_stats.rhat(logits, chain_axis=0, draw_axis=1))
        for kind in ("bulk", "tail"):
            found[f"ess_{kind}_{name}"] = float(
                array_stats.ess(
                    logits, chain_axis=0, draw_axis=1, method=kind, prob=(0.05, 0.95) if kind == "tail" else None
                )
            )
    for name in ("mu", "rho", "theta_new"):
        found[f"mcse_mean_{name}"] = float(array_stats.mcse(drawn[name], chain_axis=0, draw_axis=1, method="mean"))
    found["mcse_sd_mu"] = float(array_stats.mcse(drawn["mu"], chain_axis=0, draw_axis=1, method="sd"))
    # Warm-up and draws as PyMC times them, without building and compiling the model.
    found["sampling_seconds"] = float(trace["posterior"].attrs.get("sampling_time", float("nan")))
    found["divergences"] = float(np.asarray(trace.sample_stats["diverging"].values).sum())
    energy = np.asarray(trace.sample_stats["energy"].values, np.float64)
    found["bfmi"] = float((np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1)).min())
    return found


def _refuse(diagnostics: dict[str, float]) -> None:
    """Raise where a criterion fails, naming each."""
    failed = [
        f"R-hat of {name} {diagnostics[f'rhat_{name}']:.3f} (at most {LARGEST_RHAT})"
        for name in ("mu", "rho")
        if not diagnostics[f"rhat_{name}"] <= LARGEST_RHAT
    ]
    failed += [
        f"{kind} effective sample size of {name} {diagnostics[f'ess_{kind}_{name}']:.0f} (at least {SMALLEST_ESS:.0f})"
        for name in ("mu", "rho")
        for kind in ("bulk", "tail")
        if not diagnostics[f"ess_{kind}_{name}"] >= SMALLEST_ESS
    ]
    if diagnostics["divergences"]:
        failed.append(f"{diagnostics['divergences']:.0f} divergent transitions (none allowed)")
    if not diagnostics["bfmi"] >= SMALLEST_BFMI:
        failed.append(f"E-BFMI {diagnostics['bfmi']:.2f} (at least {SMALLEST_BFMI})")
    if failed:
        raise ConvergenceError(
            "the sampler did not converge: " + "; ".join(failed),
            where="method",
            remedy='Give more draws and tune, or target_accept=0.99, or use method="exact"',
        )
