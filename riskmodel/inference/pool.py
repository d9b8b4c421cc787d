"""From counts to a posterior: which model, which priors, which engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel.distributions.base import PointMass
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.errors import InputError, UnavailableError, UnknownNameError
from riskmodel.inference import logit_normal as binomial_normal
from riskmodel.inference import quadrature
from riskmodel.inference.logit_normal_settings import SettingRisk
from riskmodel.posterior import ErrorEstimate, Posterior
from riskmodel.priors import LogitNormalPrior, MixturePrior, TauPrior, as_heterogeneity_prior, as_mu_prior

Counts = NDArray[np.int64]

#: More fetuses than are born in a century; above it a count is a slip, and 64-bit sums could overflow.
LARGEST_TOTAL = 10**9
#: More series than any meta-analysis has; a longer list is a table passed by mistake.
MOST_SERIES = 100_000

_MODELS = ("beta-binomial", "logit-normal")
_METHODS = ("exact", "nuts")


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
        normal on logit(mu).
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
        Arguments of `riskmodel.mcmc.branch.fit`: draws, tune, chains, seed, target_accept, progressbar. Only for ``"nuts"``.

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
        from riskmodel.mcmc import branch as mcmc

        return mcmc.fit(
            y, n, labels=names, mu_prior=mu_prior, heterogeneity_prior=heterogeneity_prior, **_checked_sampler(sampler)
        )
    if sampler:
        raise InputError(
            f"{', '.join(sorted(sampler))}: only the sampler takes this",
            where="pool",
            remedy='Leave it out, or use method="nuts"',
        )
    if heterogeneity_prior is None:
        return _conjugate(y, n, names, mu_prior, model)
    if model == "logit-normal":
        tau_prior = cast(TauPrior, heterogeneity_prior)
        return binomial_normal.fit(y, n, labels=names, mu_prior=mu_prior, tau_prior=tau_prior)
    return quadrature.fit(y, n, labels=names, mu_prior=mu_prior, heterogeneity_prior=heterogeneity_prior)


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
        return _conjugate(none, none, (), mu_prior, "beta-binomial")
    return quadrature.fit(none, none, labels=(), mu_prior=mu_prior, heterogeneity_prior=heterogeneity_prior)


def checked_counts(events: ArrayLike, totals: ArrayLike) -> tuple[Counts, Counts]:
    """Counts as arrays of integers, or an error that names the first series at fault."""
    y, n = _whole_numbers(events, "events"), _whole_numbers(totals, "totals")
    if y.size != n.size:
        raise InputError(
            f"{y.size} numbers of events but {n.size} totals", where="pool", remedy="Give one total for each series"
        )
    if not y.size:
        raise InputError("no series", where="pool", remedy="Give at least one series, such as pool([20], [21])")
    for i, (event, total) in enumerate(zip(y.tolist(), n.tolist(), strict=True)):
        place = f"series {i + 1}"
        if total < 1:
            raise InputError(f"a total of {total}", where=place, remedy="Leave a series without fetuses out")
        if total > LARGEST_TOTAL:
            raise InputError(f"a total of {total}", where=place, remedy=f"The largest total taken is {LARGEST_TOTAL:,}")
        if event < 0:
            raise InputError(f"{event} events", where=place, remedy="Give 0 or more")
        if event > total:
            raise InputError(
                f"{event} events of {total}", where=place, remedy="Events cannot exceed the total; are they swapped?"
            )
    return y, n


def _whole_numbers(values: Any, where: str) -> Counts:
    """One-dimensional integers from whatever was passed; floats only where they are whole."""
    if isinstance(values, (str, bytes, dict, set)) or values is None:
        raise InputError(
            f"{values!r} is not a list of counts", where=where, remedy="Give whole numbers, such as [20, 10]"
        )
    if hasattr(values, "to_numpy"):  # pandas, without importing it; its missing values become NaN or None
        values = values.to_numpy()
    try:
        items = np.asarray(values, dtype=object)
    except ValueError:
        raise InputError("a ragged list", where=where, remedy="Give a flat list of whole numbers") from None
    if items.ndim == 0:
        items = items.reshape(1)
    if items.ndim != 1:
        raise InputError(f"counts of shape {items.shape}", where=where, remedy="Give a flat list of whole numbers")
    if items.size > MOST_SERIES:
        raise InputError(f"{items.size:,} series", where=where, remedy=f"At most {MOST_SERIES:,} are taken at once")
    whole = np.empty(items.size, np.int64)
    for i, item in enumerate(items.tolist()):
        number = item.item() if isinstance(item, np.generic) else item
        good = isinstance(number, int) and not isinstance(number, bool)
        if isinstance(number, float) and number.is_integer():
            number, good = int(number), True
        if not good or abs(number) > 10**15:
            raise InputError(
                f"{str(item)[:60]!r} is not a whole number",
                where=f"{where}, series {i + 1}",
                remedy="Give a count, such as 20",
            )
        whole[i] = number
    return whole


def _checked_labels(labels: Sequence[str] | None, size: int) -> tuple[str, ...]:
    if labels is None:
        return tuple(f"series {i + 1}" for i in range(size))
    names = [labels] if isinstance(labels, str) else [str(label) for label in labels]
    if len(names) != size:
        raise InputError(f"{len(names)} labels for {size} series", where="labels", remedy="Give one for each series")
    return tuple(names)


def _checked_sampler(options: dict[str, Any]) -> dict[str, Any]:
    known = ("draws", "tune", "chains", "seed", "target_accept", "progressbar")
    for name in options:
        if name not in known:
            raise UnknownNameError("sampler option", name, known, where="pool")
    return options


def _conjugate(events: Counts, totals: Counts, labels: tuple[str, ...], mu_prior: Any, model: str) -> Posterior:
    """All settings alike: one risk, and counts that add up. For a Beta prior the closed form."""
    if isinstance(mu_prior, MixturePrior):
        mixture: BetaMixture = mu_prior.mixture.update(int(events.sum()), int(totals.sum()))
        log_evidence = conjugate_log_evidence(mu_prior.mixture, events, totals)
        error = ErrorEstimate(1e-15, 1e-15, 1e-9, len(mixture), "exact")
        risk: Any = mixture
    else:
        assert isinstance(mu_prior, LogitNormalPrior)
        average, log_evidence, error = quadrature.fit_one_risk(events, totals, mu_prior=mu_prior)
        risk = SettingRisk(lambda: average.lattice)
    return Posterior(
        events=events,
        totals=totals,
        labels=labels,
        average=risk,
        settings=lambda: (risk, (risk,) * events.size),
        heterogeneity=PointMass(0.0, "rho" if model == "beta-binomial" else "tau"),
        model=model,
        method="conjugate" if isinstance(risk, BetaMixture) else "quadrature",
        prior=str(mu_prior),
        heterogeneity_prior="heterogeneity 0",
        log_evidence=log_evidence,
        error=error,
    )


def conjugate_log_evidence(mixture: BetaMixture, events: Counts, totals: Counts) -> float:
    """Logarithm of the probability of the counts where all settings are alike."""
    return mixture.log_probability(int(events.sum()), int(totals.sum())) + quadrature.log_combinations(events, totals)
