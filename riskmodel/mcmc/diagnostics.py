"""Whether a sampler's draws can be trusted: ArviZ's diagnostics, the thresholds, and the refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskmodel.distributions.special import logit
from riskmodel.errors import ConvergenceError

Array = NDArray[np.float64]

#: Thresholds of Vehtari, Gelman, Simpson, Carpenter and Buerkner, Bayesian Analysis 2021, section 4.
LARGEST_RHAT = 1.01
SMALLEST_ESS = 400.0
#: Betancourt, A conceptual introduction to Hamiltonian Monte Carlo (2017), section 6.1.
SMALLEST_BFMI = 0.3
#: What is said of a run as a whole.
RUN = ("sampling_seconds", "divergences", "bfmi")


def logits(values: Array) -> Array:
    """Probabilities on the scale on which one near 0 or 1 varies, so that its chains are compared there."""
    return logit(np.clip(values, 1e-300, 1 - 1e-16))


def mcse(values: Array, method: str = "mean") -> float:
    """Monte Carlo standard error of a summary of draws."""
    from arviz_stats.base import array_stats

    return float(array_stats.mcse(values, chain_axis=0, draw_axis=1, method=method))


def diagnose(judged: Mapping[str, Array], run: Mapping[str, float]) -> dict[str, float]:
    """R-hat and effective sample sizes of each quantity, and what is known `about` the run."""
    from arviz_stats.base import array_stats

    found: dict[str, float] = {}
    for name, values in judged.items():
        found[f"rhat_{name}"] = float(array_stats.rhat(values, chain_axis=0, draw_axis=1))
        for kind, prob in (("bulk", None), ("tail", (0.05, 0.95))):
            found[f"ess_{kind}_{name}"] = float(
                array_stats.ess(values, chain_axis=0, draw_axis=1, method=kind, prob=prob)
            )
    return found | {name: run[name] for name in RUN}


def about(trace: Any) -> dict[str, float]:
    """What the sampler says of its time and trajectories."""
    energy = np.asarray(trace.sample_stats["energy"].values, np.float64)
    # Warm-up and draws as PyMC times them, without building and compiling the model.
    seconds = float(trace["posterior"].attrs.get("sampling_time", float("nan")))
    divergences = float(np.asarray(trace.sample_stats["diverging"].values).sum())
    bfmi = float((np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1)).min())
    return dict(zip(RUN, (seconds, divergences, bfmi), strict=True))


def judge(judged: Mapping[str, Array], run: Mapping[str, float], *, way_out: str) -> dict[str, float]:
    """Diagnostics of many quantities, and the worst of each kind; refused where one fails."""
    found = diagnose(judged, run)
    refuse(found, judged, way_out=way_out)
    for name, worst in (("rhat", max), ("ess_bulk", min), ("ess_tail", min)):
        found[name] = worst(found[f"{name}_{one}"] for one in judged)
    return found


def sample_stats(trace: Any) -> dict[str, NDArray[Any]]:
    """What the sampler noted at each draw."""
    return {
        name: np.asarray(trace.sample_stats[name].values)
        for name in ("diverging", "energy", "acceptance_rate", "tree_depth", "step_size", "lp")
        if name in trace.sample_stats
    }


def refuse(diagnostics: Mapping[str, float], names: Iterable[str], *, way_out: str) -> None:
    """Refuse draws of which a criterion fails, naming each that does."""
    listed = list(names)
    failed = [
        f"R-hat of {name} {diagnostics[f'rhat_{name}']:.3f} (at most {LARGEST_RHAT})"
        for name in listed
        if not diagnostics[f"rhat_{name}"] <= LARGEST_RHAT
    ]
    failed += [
        f"{kind} effective sample size of {name} {diagnostics[f'ess_{kind}_{name}']:.0f} (at least {SMALLEST_ESS:.0f})"
        for name in listed
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
            remedy=f"Give more draws and tune, or target_accept=0.99, or {way_out}",
        )
