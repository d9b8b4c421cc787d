"""Counts drawn from a model and its priors: what simulation-based calibration and coverage are judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.checks import checked_counts
from riskmodel.distributions.settings import SHARE, wider
from riskmodel.distributions.special import g_of, log_rising, log_sigmoids
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.inference import contaminated
from riskmodel.inference.logit_normal_likelihood import NORMAL, RandomEffect, student
from riskmodel.inference.pool import DEGREES
from riskmodel.priors import HeterogeneityPrior, MuPrior, as_heterogeneity_prior, as_mu_prior

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

MODELS = ("beta-binomial", "contaminated-beta-binomial", "logit-normal", "logit-t")
#: Totals of the shipped finding's series: the sizes at which the package is used.
SIZES = (4, 5, 7, 11, 14, 17, 20, 21, 28, 40, 61)
#: Most series in a replication; numbers from 1 are equally likely.
MOST_SERIES = 5


@dataclass(frozen=True)
class Generator:
    """A model, its priors and a design, from which counts are drawn."""

    model: str  # how risks differ between settings
    mu_prior: MuPrior  # prior on the average risk
    heterogeneity_prior: HeterogeneityPrior  # prior on the spread between settings; on tau for the models on the logit
    sizes: tuple[int, ...] = SIZES  # totals, equally likely for every series and for the new one
    most_series: int = MOST_SERIES  # numbers of series from 1 to this are equally likely

    @classmethod
    def of(
        cls, model: str, prior: Any, heterogeneity: Any, *, sizes: Sequence[int] = SIZES, most_series: int = MOST_SERIES
    ) -> Generator:
        """From what `pool` takes."""
        if model not in MODELS:
            raise UnknownNameError("model", str(model), MODELS, where="model")
        mu_prior, spread = as_mu_prior(prior), as_heterogeneity_prior(heterogeneity)
        if spread is None:
            raise InputError(
                "heterogeneity 0 leaves nothing to differ between settings",
                where="heterogeneity",
                remedy="Give a heterogeneity prior",
            )
        if model.startswith("logit-") and spread.scale != "tau":
            raise InputError(
                f"the {model} model takes a prior on tau",
                where="heterogeneity",
                remedy='Use one such as ("half-normal", 1)',
            )
        totals, _ = checked_counts(sizes, sizes)
        if isinstance(most_series, bool) or not isinstance(most_series, int) or not 1 <= most_series <= 1000:
            raise InputError(f"{most_series!r} is not a whole number from 1 to 1,000", where="most_series")
        return cls(model, mu_prior, spread, tuple(totals.tolist()), most_series)

    def draw(self, rng: np.random.Generator) -> Simulated:
        """One replication."""
        x = self.mu_prior.sample(1, rng)
        spread = self.heterogeneity_prior.sample(1, rng)
        totals = rng.choice(self.sizes, int(rng.integers(1, self.most_series + 1)))
        new_total = int(rng.choice(self.sizes))
        mu, rest = (np.exp(side) for side in log_sigmoids(x))
        if self.model.startswith("logit-"):
            of_setting = rng.standard_normal if self.model == "logit-normal" else partial(rng.standard_t, DEGREES)
            logit = x + spread * of_setting(size=totals.size + 1)
            theta = np.exp(log_sigmoids(logit)[0])
        else:
            if self.heterogeneity_prior.scale == "tau":
                g = g_of(spread, mu, rest)
                spread = g / (1 + g)
            else:
                g = spread / (1 - spread)
            each = np.repeat(g, totals.size + 1)
            if self.model == contaminated.NAME:
                each = np.where(rng.random(each.size) < SHARE, wider(mu, rest, g), each)
            # Worth more than a billion observations is a point for every purpose here, and NumPy's generator agrees.
            size = np.minimum(1 / each, 1e9)
            theta = rng.beta(np.maximum(mu * size, 1e-300), np.maximum(rest * size, 1e-300))
        events = rng.binomial(totals, theta[:-1])
        new_events = int(rng.binomial(new_total, theta[-1]))
        return Simulated(
            events=np.asarray(events, np.int64),
            totals=np.asarray(totals, np.int64),
            new_events=new_events,
            new_total=new_total,
            average=float(mu[0]),
            heterogeneity=float(spread[0]),
            first_series=float(theta[0]),
            new_setting=float(theta[-1]),
            log_likelihood=float(log_likelihood(self.model, events, totals, mu, rest, spread)[0]),
        )


@dataclass(frozen=True, eq=False)
class Simulated:
    """One replication: counts, and the parameters that they came from."""

    events: Counts  # events, totals: counts
    totals: Counts
    new_events: int  # new_events, new_total: another series from another setting
    new_total: int
    average: float  # average risk mu; in the models on the logit the risk in the middle setting
    heterogeneity: float  # rho of the beta-binomial, tau of the models on the logit
    first_series: float  # first_series, new_setting: risk in the first series' setting, and in the new one
    new_setting: float
    #: Of the counts at mu and the heterogeneity, the series' risks integrated out, without binomial coefficients.
    log_likelihood: float


def log_likelihood(model: str, events: Counts, totals: Counts, mu: Array, rest: Array, spread: Array) -> Array:
    """Logarithm of the probability of counts in one order, the series' own risks integrated out."""
    if model.startswith("logit-"):
        x, spreads = np.log(mu) - np.log(rest), NORMAL if model == "logit-normal" else student(DEGREES)
        found = RandomEffect(events, totals).mixed_log_likelihood(x[:, None], spread, spreads)
        return np.asarray(found[:, :, 0].sum(0))
    g = spread / (1 - spread)
    if model == contaminated.NAME:
        return contaminated.log_likelihood(events, totals, mu, rest, g)
    value = log_rising(mu, g, events) + log_rising(rest, g, totals - events)
    return np.asarray(value - log_rising(np.ones_like(g), g, totals))
