"""Priors: by name and family, as people state them, from other series, what they are worth, and what is decided by them.

Imports `distributions` and the support of all rooms. What fits are made with is in `families`, `on_tau` and `named`; the
rest makes mixtures of Betas, which are priors, posteriors and predictives at once.
"""

from inspect import isfunction

from riskmodel._support.doors import door
from riskmodel.priors.decisions import Conflict, Decision, Difference, conflict, difference
from riskmodel.priors.families import (
    BetaOnRho,
    HeterogeneityPrior,
    LogitNormalPrior,
    MixturePrior,
    MuPrior,
    Prior,
    RhoPrior,
    TauPrior,
)
from riskmodel.priors.named import HETEROGENEITY_PRIORS, MU_PRIORS, as_heterogeneity_prior, as_mu_prior
from riskmodel.priors.on_tau import (
    BoundedLogNormalOnTau,
    ExponentialOnTau,
    HalfCauchyOnTau,
    HalfNormalOnTau,
    HalfTOnTau,
    LogNormalOnTau,
)
from riskmodel.priors.predictive import MapPrior, ess, map_prior, robustify
from riskmodel.priors.stated import StatedPrior, stated

__all__ = [
    "HETEROGENEITY_PRIORS",
    "MU_PRIORS",
    "BetaOnRho",
    "BoundedLogNormalOnTau",
    "Conflict",
    "Decision",
    "Difference",
    "ExponentialOnTau",
    "HalfCauchyOnTau",
    "HalfNormalOnTau",
    "HalfTOnTau",
    "HeterogeneityPrior",
    "LogNormalOnTau",
    "LogitNormalPrior",
    "MapPrior",
    "MixturePrior",
    "MuPrior",
    "Prior",
    "RhoPrior",
    "StatedPrior",
    "TauPrior",
    "as_heterogeneity_prior",
    "as_mu_prior",
    "conflict",
    "difference",
    "ess",
    "map_prior",
    "robustify",
    "stated",
]

for _name in __all__:
    if isfunction(_value := globals()[_name]):
        globals()[_name] = door(_value)
