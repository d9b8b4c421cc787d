"""From counts to a posterior: which model, which priors, which engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast, get_args, overload

import numpy as np

from riskmodel._support.checks import checked_series
from riskmodel._support.doors import door
from riskmodel.distributions.settings import SHARE
from riskmodel.errors import InputError, UnavailableError, UnknownNameError, closest
from riskmodel.inference import beta_binomial, contaminated
from riskmodel.posterior import Posterior
from riskmodel.priors import LogitNormalPrior, TauPrior, as_heterogeneity_prior, as_mu_prior

if TYPE_CHECKING:
    from riskmodel.inference.regression.fit import Regression
    from riskmodel.inference.regression.sampled import SampledRegression

Model = Literal["beta-binomial", "contaminated-beta-binomial", "logit-normal", "logit-t"]
MODELS = get_args(Model)
#: Degrees of freedom of the logit-t model's Student's t, whose scale is tau: of 4 and 10 what cross-validation chose.
DEGREES = 10.0
_METHODS = ("exact", "nuts")
#: The prior on the log odds ratio of the last level of a covariate against the first: what RBesT's manual (``predict.gMAP``)
#: has on a coefficient, tighter than the intercept's since it is a deviation.
EFFECT = ("normal", 0.0, 1.0)
#: Keywords of `pool`, and options of the sampler: for a name that is none of them.
_KEYWORDS = ("prior", "heterogeneity", "model", "method", "labels", "by", "effect")
_SAMPLER = ("draws", "tune", "chains", "seed", "target_accept", "progressbar")


@overload
def pool(events: Any, totals: Any = None, *, by: None = None, **options: Any) -> Posterior: ...
@overload
def pool(events: Any, totals: Any = None, *, by: Any, **options: Any) -> Regression | SampledRegression: ...
@door
def pool(
    events: Any,
    totals: Any = None,
    *,
    prior: Any = "jeffreys",
    heterogeneity: Any = "default",
    model: Model = "beta-binomial",
    method: Literal["exact", "nuts"] = "exact",
    labels: Any = None,
    by: Any = None,
    effect: Any = EFFECT,
    **sampler: Any,
) -> Posterior | Regression | SampledRegression:
    r"""Posterior of a risk from the counts of several series.

    .. math::

        \theta_i \sim \mathrm{Beta}(\mu\phi, (1-\mu)\phi), \qquad y_i \sim \mathrm{Binomial}(n_i, \theta_i),
        \qquad \rho = 1/(1+\phi)

    or, with ``model="logit-normal"``, logit(theta_i) is normal about logit(mu) with standard deviation tau. Two more models
    have heavier tails between settings: a fifth of the Betas are twice as wide, or logit(theta_i) is Student's t.

    Parameters
    ----------
    events : array_like of int, shape (series,)
        Events y in each series; one number for one series. A list, a NumPy array, a column of any data frame, a mapping or
        an xarray.DataArray of whole numbers; 20.0, Decimal("20") and "20" are such, and a masked cell is missing. Or texts
        such as "20/21", or a table with the columns events and total, without `totals`.
    totals : array_like of int, shape (series,), optional
        Fetuses n in each series, at least 1. Where events and totals have labels (an index, coordinates, keys), series are
        told by these, never by their order.
    prior : str, (float, float), BetaMixture or ("normal", mean, sd)
        Prior on the average risk: a name of `riskmodel.priors.MU_PRIORS`, the shapes of a Beta, a mixture of Betas, or a
        normal on logit(mu). Here and below also as a command line writes it: ``"1,1"``, ``"normal,0,2"``.
    heterogeneity : str, 0, (float, float), ("half-normal", scale) or ("log-normal", median, sigma)
        Prior on how much settings differ: a name of `riskmodel.priors.HETEROGENEITY_PRIORS`, 0 for none (the conjugate
        closed form), a Beta on rho, or a prior on tau, the standard deviation of logit(theta).
    model : {"beta-binomial", "contaminated-beta-binomial", "logit-normal", "logit-t"}
        How risks vary between settings. In the contaminated model each setting's Beta is, with probability 0.2, one about
        the same mu whose logit has twice the standard deviation; the heterogeneity and its prior are the other four fifths'.
        The logit-normal model is that of RBesT, metafor and meta, for comparison with them: RBesT's default is
        ``prior="rbest", heterogeneity="rbest"``. The logit-t model puts a Student's t with 10 degrees of freedom and scale
        tau in the place of its normal. These two take no prior on rho.
    method : {"exact", "nuts"}
        Closed form or quadrature; or PyMC's sampler, for a second opinion.
    labels : sequence of str, optional
        A name for each series; by default the labels of the counts, or "series 1" and so on. The counts' own labels in
        another order put the series in that order.
    by : sequence, mapping of str to sequence, or data frame, optional
        A covariate: one label for each series, of two levels, or numbers, or an ordered pandas.Categorical. The logit of the
        average is a line in it; how much settings differ is the same at every level: tau, or rho where the prior is on that.
        With ``method="nuts"`` several, a column each, and of three levels or more without an order as well.
    effect : ("normal", mean, sd)
        Prior on the log odds ratio of the last level of each covariate against the first, with `by`; where levels have
        no order, of each against the first, and if the mean is 0 of any two. `prior` is on the average half-way
        between, so that no level is preferred.
    **sampler
        Options of the sampler: draws, tune, chains, seed, target_accept, progressbar. Only for ``"nuts"``.

    Returns
    -------
    Posterior, Regression or SampledRegression
        With `by` a `Regression`: a posterior for each level, and the odds ratio; or, by the sampler, a
        `SampledRegression`: odds ratios, and a posterior for each combination of levels. Otherwise average (mu),
        new_setting (theta_new), series (theta_i), heterogeneity (rho; tau of the models on the logit, where mu is the
        risk in the middle setting and theta_new has a mean of its own).

    Raises
    ------
    InputError
        If counts or arguments cannot be used, or labels differ; the message says which and how to mend it.
    UnavailableError
        For the sampler with a model on the logit, with heterogeneity 0, or with covariates and the contaminated model.
    AccuracyError
        If the quadrature could not reach its stated error.
    ConvergenceError
        If the sampler's draws cannot be trusted.

    References
    ----------
    Skellam JG. A probability distribution derived from the binomial distribution by regarding the probability of success
    as variable between the sets of trials. J R Stat Soc B 1948;10:257-61. Gelman A, et al. Bayesian Data Analysis, 3rd
    ed. (2013), sections 2.4 and 5.3. Stijnen T, Hamza TH, Ozdemir P. Random effects meta-analysis of event outcome in the
    framework of the generalized linear mixed model. Stat Med 2010;29:3046-67 (the logit-normal model). Beath KJ. A finite
    mixture method for outlier detection and robustness in meta-analysis. Res Synth Methods 2014;5:285-93 (wider settings).
    Lee KJ, Thompson SG. Flexible parametric models for random-effects distributions. Stat Med 2008;27:418-34 (Student's t).
    Rouder JN, Morey RD, Speckman PL, Province JM. Default Bayes factors for ANOVA designs. J Math Psychol 2012;56:356-74
    (the prior on levels without an order).

    Examples
    --------
    >>> post = pool([20, 10, 5], [21, 11, 5])
    >>> round(post.new_setting.mean, 3)
    0.918
    >>> [round(end, 2) for end in post.new_setting.interval(0.95)]
    [0.65, 1.0]
    >>> pool({"Elm": 1, "Oak": 18}, {"Oak": 20, "Elm": 30}).totals.tolist()
    [30, 20]
    >>> trend = pool([19, 10, 5, 11], [19, 11, 5, 30], by=["early", "early", "late", "late"])
    >>> round(trend.odds_ratio.median, 2)
    0.37
    """
    y, n, names = checked_series(events, totals, labels)
    mu_prior = as_mu_prior(prior)
    heterogeneity_prior = as_heterogeneity_prior(heterogeneity)
    for value, known, where in ((model, MODELS, "model"), (method, _METHODS, "method")):
        if value not in known:
            raise UnknownNameError(where, value, known, where=where)
    for name in sampler:
        if closest(name, [*_KEYWORDS, *_SAMPLER]) in _KEYWORDS:
            raise UnknownNameError("keyword", name, _KEYWORDS, where="pool")
    on_logit = model in ("logit-normal", "logit-t")
    if on_logit and heterogeneity_prior is not None and heterogeneity_prior.scale != "tau":
        raise InputError(
            f"{heterogeneity_prior} is a prior on rho, which the {model} model does not have",
            where="heterogeneity",
            remedy='Give 0, or a prior on tau: a name, ("half-normal", scale) or ("log-normal", median, sigma)',
        )
    if sampler and method != "nuts":
        raise InputError(
            f"{', '.join(sorted(sampler))}: only the sampler takes this",
            where="pool",
            remedy='Leave it out, or use method="nuts"',
        )
    if by is not None and model == contaminated.NAME:
        raise UnavailableError(f"the {model} model is without covariates", where="by", remedy="Use another model")
    if method == "nuts":
        if heterogeneity_prior is None:
            raise UnavailableError(
                "with heterogeneity 0 there is no hierarchy to sample",
                where="method",
                remedy='Use method="exact"' + ("" if by is None else ", or a narrow prior on the heterogeneity"),
            )
        if on_logit:
            raise UnavailableError(
                f"the sampler does not have the {model} model",
                where="method",
                remedy='Use method="exact"' + ("" if by is None else ' with one covariate, or model="beta-binomial"'),
            )
    if by is not None:
        return _regression(y, n, names, by, effect, mu_prior, heterogeneity_prior, model, method, sampler)
    if method == "nuts":
        from riskmodel.mcmc import branch

        assert heterogeneity_prior is not None

        share = SHARE if model == contaminated.NAME else 0.0
        return branch.fit(
            y, n, labels=names, mu_prior=mu_prior, heterogeneity_prior=heterogeneity_prior, share=share, **sampler
        )
    if heterogeneity_prior is None:
        return beta_binomial.fit_alike(y, n, labels=names, mu_prior=mu_prior, model=model)
    if on_logit:
        from riskmodel.inference import logit_normal
        from riskmodel.inference.logit_normal_likelihood import NORMAL, student

        tau_prior, spreads = cast(TauPrior, heterogeneity_prior), student(DEGREES) if model == "logit-t" else NORMAL
        return logit_normal.fit(
            y, n, labels=names, mu_prior=mu_prior, tau_prior=tau_prior, spreads=spreads, model=model
        )
    fit = contaminated.fit if model == contaminated.NAME else beta_binomial.fit
    return fit(y, n, labels=names, mu_prior=mu_prior, heterogeneity_prior=heterogeneity_prior)


def _regression(
    y: Any, n: Any, names: tuple[str, ...], by: Any, effect: Any, mu_prior: Any, heterogeneity_prior: Any, model: str,
    method: str, sampler: dict[str, Any],
) -> Regression | SampledRegression:  # fmt: skip
    """A posterior for each level of a covariate, or for each combination of levels of several."""
    from riskmodel.inference.logit_normal_likelihood import NORMAL, student
    from riskmodel.inference.regression import sampled
    from riskmodel.inference.regression.covariates import as_design
    from riskmodel.inference.regression.fit import fit
    from riskmodel.inference.regression.levels import as_levels
    from riskmodel.inference.regression.problem import BetaProblem, LogitProblem

    effect_prior = as_mu_prior(effect)
    if not isinstance(effect_prior, LogitNormalPrior):
        raise InputError(f"{effect!r} is not a normal", where="effect", remedy='Give ("normal", mean, sd)')
    if method == "nuts":
        return sampled.fit(y, n, names, as_design(by, names, effect_prior), mu_prior, heterogeneity_prior, **sampler)
    given = {"mu_prior": mu_prior, "effect_prior": effect_prior, "heterogeneity_prior": heterogeneity_prior}
    if heterogeneity_prior is None or model == "beta-binomial":
        return fit(BetaProblem, y, n, names, as_levels(by, names), model, **given)
    given["spreads"] = student(DEGREES) if model == "logit-t" else NORMAL
    return fit(LogitProblem, y, n, names, as_levels(by, names), model, **given)


@door
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
