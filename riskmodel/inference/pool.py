"""From counts to a posterior: which model, which priors, which engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from riskmodel._support.checks import checked_counts
from riskmodel.errors import InputError, UnavailableError, UnknownNameError, closest
from riskmodel.inference import beta_binomial
from riskmodel.posterior import Posterior
from riskmodel.priors import TauPrior, as_heterogeneity_prior, as_mu_prior

_MODELS = ("beta-binomial", "logit-normal")
_METHODS = ("exact", "nuts")
#: Keywords of `pool`, and options of the sampler: for a name that is none of them.
_KEYWORDS = ("prior", "heterogeneity", "model", "method", "labels")
_SAMPLER = ("draws", "tune", "chains", "seed", "target_accept", "progressbar")


def pool(
    events: ArrayLike,
    totals: ArrayLike,
    *,
    prior: Any = "jeffreys",
    heterogeneity: Any = "default",
    model: Literal["beta-binomial", "logit-normal"] = "beta-binomial",
    method: Literal["exact", "nuts"] = "exact",
    labels: Sequence[str] | None = None,
    **sampler: Any,
) -> Posterior:
    r"""Posterior of a risk from the counts of several series.

    .. math::

        \theta_i \sim \mathrm{Beta}(\mu\phi, (1-\mu)\phi), \qquad y_i \sim \mathrm{Binomial}(n_i, \theta_i),
        \qquad \rho = 1/(1+\phi)

    or, with ``model="logit-normal"``, logit(theta_i) is normal about logit(mu) with standard deviation tau.

    Parameters
    ----------
    events : array_like of int, shape (series,)
        Events y in each series; one number for one series.
    totals : array_like of int, shape (series,)
        Fetuses n in each series, at least 1.
    prior : str, (float, float), BetaMixture or ("normal", mean, sd)
        Prior on the average risk: a name of `riskmodel.priors.MU_PRIORS`, the shapes of a Beta, a mixture of Betas, or a
        normal on logit(mu). Here and below also as a command line writes it: ``"1,1"``, ``"normal,0,2"``.
    heterogeneity : str, 0, (float, float), ("half-normal", scale) or ("log-normal", median, sigma)
        Prior on how much settings differ: a name of `riskmodel.priors.HETEROGENEITY_PRIORS`, 0 for none (the conjugate
        closed form), a Beta on rho, or a prior on tau, the standard deviation of logit(theta).
    model : {"beta-binomial", "logit-normal"}
        How risks vary between settings. The logit-normal model is that of RBesT, metafor and meta, for comparison with
        them: RBesT's default is ``prior="rbest", heterogeneity="rbest"``. It takes no prior on rho.
    method : {"exact", "nuts"}
        Closed form or quadrature; or PyMC's sampler, for a second opinion.
    labels : sequence of str, optional
        A name for each series; "series 1" and so on by default.
    **sampler
        Options of the sampler: draws, tune, chains, seed, target_accept, progressbar. Only for ``"nuts"``.

    Returns
    -------
    Posterior
        average (mu), new_setting (theta_new), series (theta_i), heterogeneity (rho; tau of the logit-normal model, where mu
        is the risk in the middle setting and theta_new has a mean of its own).

    Raises
    ------
    InputError
        If counts or arguments cannot be used; the message says which and how to mend it.
    UnavailableError
        For the sampler with the logit-normal model, or with heterogeneity 0.
    AccuracyError
        If the quadrature could not reach its stated error.
    ConvergenceError
        If the sampler's draws cannot be trusted.

    References
    ----------
    Skellam JG. A probability distribution derived from the binomial distribution by regarding the probability of success
    as variable between the sets of trials. J R Stat Soc B 1948;10:257-61. Gelman A, et al. Bayesian Data Analysis, 3rd
    ed. (2013), sections 2.4 and 5.3. Stijnen T, Hamza TH, Ozdemir P. Random effects meta-analysis of event outcome in the
    framework of the generalized linear mixed model. Stat Med 2010;29:3046-67 (the logit-normal model).

    Examples
    --------
    >>> post = pool([20, 10, 5], [21, 11, 5])
    >>> round(post.new_setting.mean, 3)
    0.917
    >>> [round(end, 2) for end in post.new_setting.interval(0.95)]
    [0.65, 1.0]
    """
    y, n = checked_counts(events, totals)
    names = _checked_labels(labels, y.size)
    mu_prior = as_mu_prior(prior)
    heterogeneity_prior = as_heterogeneity_prior(heterogeneity)
    for value, known, where in ((model, _MODELS, "model"), (method, _METHODS, "method")):
        if value not in known:
            raise UnknownNameError(where, value, known, where=where)
    for name in sampler:
        if closest(name, [*_KEYWORDS, *_SAMPLER]) in _KEYWORDS:
            raise UnknownNameError("keyword", name, _KEYWORDS, where="pool")
    if model == "logit-normal" and heterogeneity_prior is not None and heterogeneity_prior.scale != "tau":
        raise InputError(
            f"{heterogeneity_prior} is a prior on rho, which the logit-normal model does not have",
            where="heterogeneity",
            remedy='Give 0, or a prior on tau: a name, ("half-normal", scale) or ("log-normal", median, sigma)',
        )
    if method == "nuts":
        if heterogeneity_prior is None:
            raise UnavailableError(
                "with heterogeneity 0 the posterior is closed form: there is nothing to sample",
                where="method",
                remedy='Use method="exact"',
            )
        if model == "logit-normal":
            raise UnavailableError(
                "the sampler does not have the logit-normal model", where="method", remedy='Use method="exact"'
            )
        from riskmodel.mcmc import branch

        return branch.fit(y, n, labels=names, mu_prior=mu_prior, heterogeneity_prior=heterogeneity_prior, **sampler)
    if sampler:
        raise InputError(
            f"{', '.join(sorted(sampler))}: only the sampler takes this",
            where="pool",
            remedy='Leave it out, or use method="nuts"',
        )
    if heterogeneity_prior is None:
        return beta_binomial.fit_alike(y, n, labels=names, mu_prior=mu_prior, model=model)
    if model == "logit-normal":
        from riskmodel.inference import logit_normal

        return logit_normal.fit(y, n, labels=names, mu_prior=mu_prior, tau_prior=cast(TauPrior, heterogeneity_prior))
    return beta_binomial.fit(y, n, labels=names, mu_prior=mu_prior, heterogeneity_prior=heterogeneity_prior)


def before_counts(prior: Any = "jeffreys", heterogeneity: Any = "default") -> Posterior:
    """What the priors of the beta-binomial model say before any series: to draw beside a posterior.

    Parameters
    ----------
    prior, heterogeneity : optional
        As `pool` takes them.

    Returns
    -------
    Posterior
        Of no series: average, new_setting and heterogeneity have their priors' distributions.

    Raises
    ------
    InputError
        If a prior cannot be used.

    Examples
    --------
    >>> round(before_counts().new_setting.mean, 3)
    0.5
    """
    none = np.empty(0, np.int64)
    mu_prior, heterogeneity_prior = as_mu_prior(prior), as_heterogeneity_prior(heterogeneity)
    if heterogeneity_prior is None:
        return beta_binomial.fit_alike(none, none, labels=(), mu_prior=mu_prior)
    return beta_binomial.fit(none, none, labels=(), mu_prior=mu_prior, heterogeneity_prior=heterogeneity_prior)


def _checked_labels(labels: Sequence[str] | None, size: int) -> tuple[str, ...]:
    if labels is None:
        return tuple(f"series {i + 1}" for i in range(size))
    names = [labels] if isinstance(labels, str) else [str(label) for label in labels]
    if len(names) != size:
        raise InputError(f"{len(names)} labels for {size} series", where="labels", remedy="Give one for each series")
    return tuple(names)
