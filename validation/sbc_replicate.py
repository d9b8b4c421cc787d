"""One replication of simulation-based calibration: where the true values fall in their posterior.

An exact posterior gives the probability below the true value of the average risk, of two settings' risks and of the next
number of events directly. The heterogeneity and the log-likelihood are ranked among joint draws from the quadrature's own
nodes; under the sampler everything is ranked among its draws. Ties are broken at random, so that each value is uniform
where the posterior is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from riskmodel.distributions.bulk import bulk
from riskmodel.distributions.special import log_sigmoids
from riskmodel.errors import InputError, RiskModelError
from riskmodel.inference.lattice import Lattice
from riskmodel.inference.marginals import AverageMarginal
from riskmodel.inference.pool import pool
from riskmodel.posterior import Posterior
from sbc_generator import Generator, Simulated, log_likelihood

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Test quantities. The log-likelihood sees errors that no parameter alone shows (Modrak et al. 2023, section 4).
QUANTITIES = ("average", "heterogeneity", "first_series", "new_setting", "new_events", "log_likelihood")
#: Draws among which a value is ranked.
DRAWS = 199


class Fit(Protocol):
    """From counts to a posterior."""

    def __call__(self, events: Counts, totals: Counts, seed: int) -> Posterior:
        """Posterior of one replication."""

    def __str__(self) -> str:
        """As a record says."""


@dataclass(frozen=True)
class PoolFit:
    """`pool`, as it stands."""

    model: str  # name of the model
    prior: Any  # prior, heterogeneity: as `pool` takes them
    heterogeneity: Any

    def __call__(self, events: Counts, totals: Counts, seed: int) -> Posterior:
        """Exact posterior; the seed is not used."""
        model: Any = self.model
        return pool(events, totals, prior=self.prior, heterogeneity=self.heterogeneity, model=model)

    def __str__(self) -> str:
        """What it is."""
        return "pool, by quadrature"


@dataclass(frozen=True)
class SamplerFit:
    """The No-U-Turn sampler, compiled once in each process."""

    generator: Generator  # whose priors it has
    draws: int = 1000  # draws, tune, chains: as `riskmodel.mcmc.branch.fit` takes them
    tune: int = 1000
    chains: int = 4
    target_accept: float = 0.98  # acceptance that step sizes aim at

    def __call__(self, events: Counts, totals: Counts, seed: int) -> Posterior:
        """Posterior by draws, refused where the sampler did not converge."""
        labels = tuple(f"series {i + 1}" for i in range(events.size))
        posterior: Posterior = _compiled(self).fit(events, totals, labels=labels, seed=seed)
        return posterior

    def __str__(self) -> str:
        """What it is."""
        return f"NUTS, {self.chains} chains of {self.draws} draws after {self.tune}, acceptance {self.target_accept:g}"


@cache
def _compiled(fit: SamplerFit) -> Any:
    from riskmodel.mcmc.branch import Sampler
    from riskmodel.mcmc.options import Options

    options = Options(fit.draws, fit.tune, fit.chains, 0, fit.target_accept, False)
    of = fit.generator
    return Sampler(options, of.mu_prior, of.heterogeneity_prior, max(of.sizes))


@dataclass(frozen=True)
class FunctionFit:
    """A function of a user's own, from events and totals to a `Posterior`."""

    function: Callable[[Counts, Counts], Any]  # at the top of a module, where other processes are to call it

    def __call__(self, events: Counts, totals: Counts, seed: int) -> Posterior:
        """Whatever the function gives, if it is a posterior."""
        found = self.function(events, totals)
        if not isinstance(found, Posterior):
            raise InputError(
                f"it gave {type(found).__name__}, not a Posterior",
                where=str(self),
                remedy="Return what riskmodel.inference.pool returns",
            )
        return found

    def __str__(self) -> str:
        """Its place; what it does is its author's to record."""
        module, place = getattr(self.function, "__module__", "?"), getattr(self.function, "__qualname__", "?")
        return f"{module}.{place}"


@dataclass(frozen=True)
class Chunk:
    """Some replications, as they are sent to a worker."""

    generator: Generator  # from which counts are drawn
    fit: Fit  # what is judged
    seed: int  # of all replications; each has its own stream
    first: int  # first, last: numbers of the first replication and of the one after the last
    last: int

    @property
    def label(self) -> str:
        """Its replications."""
        return f"{self.first}-{self.last - 1}"


def judge(chunk: Chunk) -> dict[str, Any]:
    """Draw, fit and rank."""
    with bulk():
        return _judged(chunk)


def _judged(chunk: Chunk) -> dict[str, Any]:
    values: dict[str, list[float]] = {name: [] for name in QUANTITIES}
    refused: dict[str, str] = {}
    for number in range(chunk.first, chunk.last):
        rng = np.random.default_rng([chunk.seed, number])
        drawn = chunk.generator.draw(rng)
        try:
            posterior = chunk.fit(drawn.events, drawn.totals, int(rng.integers(2**31)))
        except InputError:
            raise
        except RiskModelError as error:
            refused[str(number)] = error.message
            continue
        for name, value in ranks(posterior, drawn, chunk.generator.model, rng).items():
            values[name].append(round(value, 5))
    return values | {"refused": refused}


def ranks(posterior: Posterior, truth: Simulated, model: str, rng: np.random.Generator) -> dict[str, float]:
    """Where the truth falls, by quantity."""
    found = (_among_draws if posterior.draws else _by_distribution)(posterior, truth, rng)
    mu, rest, spread = found.pop("joint")
    found["heterogeneity"] = _rank(spread, truth.heterogeneity, rng)
    likelihood = log_likelihood(model, truth.events, truth.totals, mu, rest, spread)
    found["log_likelihood"] = _rank(likelihood, truth.log_likelihood, rng)
    return {name: float(found[name]) for name in QUANTITIES}


def _rank(draws: Array, value: float, rng: np.random.Generator) -> float:
    """Share of draws below, the value itself among them and ties broken at random: uniform on (0, 1) if exchangeable."""
    below, ties = float((draws < value).sum()), float((draws == value).sum())
    return (below + rng.random() * (ties + 1)) / (draws.size + 1)


def _by_distribution(posterior: Posterior, truth: Simulated, rng: np.random.Generator) -> dict[str, Any]:
    pmf = posterior.predict(truth.new_total)
    return {
        "average": posterior.average.cdf(truth.average),
        "first_series": posterior.series[0].cdf(truth.first_series),
        "new_setting": posterior.new_setting.cdf(truth.new_setting),
        "new_events": pmf[: truth.new_events].sum() + rng.random() * pmf[truth.new_events],
        "joint": _joint_draws(posterior, rng),
    }


def _joint_draws(posterior: Posterior, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Draws of mu, its complement and the heterogeneity: a node by its weight, and a place within its cell."""
    if not isinstance(posterior.average, AverageMarginal):
        raise InputError(
            f"a posterior by {posterior.method} has no joint draws of average and heterogeneity",
            where="fit",
            remedy="Return a posterior by quadrature or by the sampler",
        )
    lattice: Lattice = posterior.average.lattice
    weights = lattice.weights.ravel()
    edges = np.cumsum(weights)
    cell = np.minimum(np.searchsorted(edges, rng.random(DRAWS) * edges[-1], side="right"), weights.size - 1)
    row, column = np.unravel_index(cell, lattice.weights.shape)
    v = np.arcsinh((lattice.w[row] - lattice.outer_centre) / lattice.outer_scale)
    v = v + lattice.outer_step * (rng.random(DRAWS) - 0.5)
    w = lattice.outer_centre + lattice.outer_scale * np.sinh(v)
    u = lattice.u[column] + lattice.step * (rng.random(DRAWS) - 0.5)
    centre, scale = (np.interp(w, lattice.w, one) for one in (lattice.centre, lattice.scale))
    x = centre + scale * np.sinh(u)
    mu, rest = (np.exp(side) for side in log_sigmoids(x))
    spread = np.exp(w) if posterior.model.startswith("logit-") else np.exp(log_sigmoids(lattice.log_g_at(x, w))[0])
    return (rest, mu, spread) if lattice.mirror else (mu, rest, spread)


def _among_draws(posterior: Posterior, truth: Simulated, rng: np.random.Generator) -> dict[str, Any]:
    """Thinned, so that ranks are of nearly independent draws."""
    total = posterior.draws["mu"].size
    kept = np.linspace(0, total - 1, min(DRAWS, total)).astype(int)
    mu, rho, new = (posterior.draws[name].ravel()[kept] for name in ("mu", "rho", "theta_new"))
    first = posterior.draws["theta"][..., 0].ravel()[kept]
    return {
        "average": _rank(mu, truth.average, rng),
        "first_series": _rank(first, truth.first_series, rng),
        "new_setting": _rank(new, truth.new_setting, rng),
        "new_events": _rank(rng.binomial(truth.new_total, new), truth.new_events, rng),
        "joint": (mu, 1 - mu, rho),
    }
