r"""Named priors, each with its source and the reason it is here.

Two questions are put to a prior. How large is the average risk ``mu``? The answer is symmetric and weak: a prior shaped
by published risks, few of which exceed 44 %, would turn 19 of 19 into 0.6. And how much do settings differ? With one to
three series the data hardly say, so this prior decides the width of an interval. It lives on the logit scale, as
``tau``, the standard deviation of logit(theta), because a spread of risks between 1 and 2 % is a different thing from one
between 31 and 32 %; priors on the intra-class correlation ``rho`` are offered for comparison.

Each is of a family of `riskmodel.priors.families` or `on_tau`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskmodel._support.checks import finite_number, shown
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.priors.families import BetaOnRho, HeterogeneityPrior, LogitNormalPrior, MixturePrior, MuPrior, Prior
from riskmodel.priors.on_tau import BoundedLogNormalOnTau, HalfCauchyOnTau, HalfNormalOnTau, LogNormalOnTau

#: Priors on the average risk by name, with the reason for each.
MU_PRIORS: dict[str, tuple[MuPrior, str]] = {
    "jeffreys": (
        MixturePrior(BetaMixture.beta(0.5, 0.5)),
        "Jeffreys' prior of one binomial risk: symmetric, worth one observation. The default.",
    ),
    "uniform": (MixturePrior(BetaMixture.beta(1.0, 1.0)), "Bayes-Laplace: every risk alike; worth two observations."),
    "rbest": (LogitNormalPrior(0.0, 2.0), "logit(mu) ~ Normal(0, 2), as in RBesT's article on binomial data."),
    "tsd5": (
        LogitNormalPrior(0.0, 100.0),
        "logit(mu) ~ Normal(0, 100), as NICE DSU TSD 5 has baselines; refused where no count has both events and others.",
    ),
}

#: Heterogeneity priors by name, with the reason for each.
HETEROGENEITY_PRIORS: dict[str, tuple[HeterogeneityPrior, str]] = {
    "default": (
        BoundedLogNormalOnTau(0.9, 0.5),
        (
            "Learned from published meta-analyses of proportions, by predicting left-out series: coverage nearest to what "
            "is promised inside a flat best score (docs/default-prior.md). Settings differ by a factor of two or three in "
            "odds; zero spread is unlikely, and one above pi, that of Jeffreys' prior on a single risk, is ruled out."
        ),
    ),
    "first-default": (
        LogNormalOnTau(0.8, 0.6),
        "The default before one was learned; kept for comparison.",
    ),
    "rbest": (
        HalfNormalOnTau(1.0),
        (
            'The half-normal(1) on tau of RBesT\'s article on binomial data; with prior="rbest" and model="logit-normal" '
            "its whole model (Weber et al., Journal of Statistical Software 2021;100(19))."
        ),
    ),
    "half-normal-1": (HalfNormalOnTau(1.0), "Weakly informative; RBesT's usual choice for binomial data."),
    "half-normal-0.5": (HalfNormalOnTau(0.5), "RBesT's choice where less spread is expected."),
    "half-cauchy-1": (HalfCauchyOnTau(1.0, 1.0), "Gelman's half-Cauchy: a long tail, so wide with few series."),
    "uniform-rho": (BetaOnRho(1.0, 1.0), "Every intra-class correlation alike: wide, for comparison."),
    "rho-beta-1-9": (
        BetaOnRho(1.0, 9.0),
        "Mean intra-class correlation 0.1. Badly scaled for rare outcomes, kept for comparison.",
    ),
}


def as_mu_prior(prior: Any) -> MuPrior:
    """What `pool` takes as `prior`, a family's name with its numbers, or the text of either, such as "normal,0,2"."""
    if isinstance(prior, BetaMixture):
        return MixturePrior(prior)
    if isinstance(prior, MuPrior):
        return prior
    return _as_prior(MuPrior.families, prior, MU_PRIORS, "prior", "prior on the average risk", "a BetaMixture")


def as_heterogeneity_prior(heterogeneity: Any) -> HeterogeneityPrior | None:
    """The same for what `pool` takes as `heterogeneity`, such as "log-normal,0.8,0.6"; None where settings are alike."""
    given = _stated(heterogeneity)
    if finite_number(given) and given == 0:
        return None
    if isinstance(given, HeterogeneityPrior):
        return given
    known, also = HeterogeneityPrior.families, "0 (all settings alike)"
    return _as_prior(known, given, HETEROGENEITY_PRIORS, "heterogeneity", "heterogeneity prior", also)


def _stated(given: Any) -> Any:
    """What a text states: a name, a number, or a tuple of them; anything else as it is."""
    if not isinstance(given, str):
        return given
    parts: list[Any] = [part.strip() for part in given.split(",")]
    for i, part in enumerate(parts):
        try:
            parts[i] = float(part)
        except ValueError:
            continue
    return parts[0] if len(parts) == 1 else tuple(parts)


def _as_prior[P: Prior](
    families: Mapping[str, type[P]], stated: Any, named: Mapping[str, tuple[P, str]], where: str, what: str, also: str
) -> P:
    given = _stated(stated)
    if isinstance(given, str):
        if given in families and given not in named:
            remedy = f"Give {families[given].said}"
            raise InputError(f"{given!r} is a family: its numbers are missing", where=where, remedy=remedy)
        if given not in named:
            raise UnknownNameError(what.removesuffix(" on the average risk"), given, named, where=where)
        return named[given][0]
    if isinstance(given, (tuple, list)):
        name, numbers = (given[0], given[1:]) if given and isinstance(given[0], str) else ("beta", given)
        family = families.get(name)
        if family is not None and len(numbers) == len(family.ranges) and all(map(finite_number, numbers)):
            for number, (low, high) in zip(numbers, family.ranges, strict=True):
                if not low <= number <= high:
                    raise InputError(f"{number!r} is outside the tested range {low:g} to {high:g}", where=where)
            return family.of(*map(float, numbers))
        if family is not None and name in given:
            remedy = f"Give {family.said}"
            raise InputError(f"{shown(stated)} has not the numbers of {name!r}", where=where, remedy=remedy)
    ways = [also, *(family.said for family in families.values())]
    remedy = f"Give a name, {', '.join(ways[:-1])} or {ways[-1]}"
    raise InputError(f"{shown(stated)} is not a {what}", where=where, remedy=remedy)
