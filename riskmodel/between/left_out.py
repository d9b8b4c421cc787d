"""Each series left out in turn, and the series as they come: exact, by fitting again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from riskmodel._support.checks import checked_seed, is_missing
from riskmodel._support.columns import Column, aligned, as_column
from riskmodel._support.doors import door
from riskmodel._support.kept import Value
from riskmodel.between.nodes import exact, nodes_of, of_series
from riskmodel.distributions.special import log_choose
from riskmodel.errors import InputError
from riskmodel.posterior import Posterior

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LeaveOneOut(Value):
    """Expected log predictive density of series like these, each foretold by the others.

    Parameters
    ----------
    elpd : float
        Sum of `elpd_i`.
    se : float
        Standard error of `elpd`, as ArviZ has it: the square root of the number of series times the variance of `elpd_i`.
    p : float
        Effective number of parameters: how much better the fit of all series foretells each, from a new setting, than that
        of the others.
    labels : tuple of str
        A name for each series.
    elpd_i : ndarray of shape (series,)
        Logarithm of the probability of each series' events, given the others.
    """

    elpd: float
    se: float
    p: float
    labels: tuple[str, ...] = field(repr=False)
    elpd_i: Array = field(repr=False)

    def table(self) -> pd.DataFrame:
        """Each series with its log predictive density.

        Returns
        -------
        pandas.DataFrame
            Columns label and elpd, the least foretold first.
        """
        import pandas as pd

        return pd.DataFrame({"label": self.labels, "elpd": self.elpd_i}).sort_values("elpd", ignore_index=True)

    def to_arviz(self) -> Any:
        """The same as ArviZ holds it, for `arviz.compare`.

        Returns
        -------
        arviz_stats.utils.ELPDDataLOO
            Without Pareto shapes, since nothing was weighted.
        """
        import xarray as xr
        from arviz_stats.utils import ELPDDataLOO

        pointwise = xr.DataArray(self.elpd_i, dims=["series"], coords={"series": list(self.labels)})
        told = {"elpd": self.elpd, "se": self.se, "p": self.p, "elpd_i": pointwise, "n_data_points": len(self.labels)}
        return ELPDDataLOO(**told, n_samples=0, scale="log", warning=False, good_k=None)


@door
def loo(posterior: Posterior) -> LeaveOneOut:
    """Exact leave-one-out cross-validation: what `arviz.loo` estimates by weighting draws.

    Parameters
    ----------
    posterior : Posterior
        A fit of `riskmodel.pool`; one by the sampler is judged by the quadrature of its model.

    Returns
    -------
    LeaveOneOut
        elpd, se, p and elpd_i.

    Raises
    ------
    InputError
        If it is not what `pool` returns.

    Notes
    -----
    The log predictive density of a series is the log evidence of all series less that of the others. ArviZ weights draws of
    each series' own risk by the inverse of its likelihood (PSIS), which is the same in expectation; where a series tells
    much of its own risk those weights have long tails, and draws with `integrated` are the remedy.

    References
    ----------
    Vehtari A, Gelman A, Gabry J. Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC. Stat
    Comput 2017;27:1413-32. Merkle EC, Furr D, Rabe-Hesketh S. Bayesian comparison of latent variable models: conditional
    versus marginal likelihoods. Psychometrika 2019;84:802-29.

    Examples
    --------
    >>> import riskmodel as rm
    >>> found = loo(rm.pool([3, 14, 9, 2], [20, 30, 25, 40]))
    >>> round(found.elpd, 2), round(found.se, 2)
    (-13.17, 1.44)
    """
    whole = exact(posterior, "loo")
    size, nodes = whole.events.size, nodes_of(whole)
    elpd_i = np.array([whole.log_evidence - _evidence(whole, rest) for _, rest in _without_one(size)])
    each = whole.settings.log_integrated(nodes.logit, nodes.tau).reshape(-1, size)
    fitted = logsumexp(each, axis=0, b=nodes.weights.reshape(-1, 1)) + log_choose(whole.totals, whole.events)
    se = float(np.sqrt(size * elpd_i.var(ddof=1))) if size > 1 else float("nan")
    return LeaveOneOut(float(elpd_i.sum()), se, float(fitted.sum() - elpd_i.sum()), whole.labels, elpd_i)


@door
def loo_pit(posterior: Posterior, *, seed: int = 1) -> list[float]:
    """Randomised PIT values of the exact leave-one-out predictive distributions.

    Parameters
    ----------
    posterior : Posterior
        A fit of `riskmodel.pool` of two series or more.
    seed : int
        Of the uniform that stands where a value's own probability is: counts are discrete.

    Returns
    -------
    list of float
        One for each series, uniform if the model is right; where it is, they are nearly independent.
        `riskmodel.calibration.pit_table` compares them with the uniform distribution.

    Raises
    ------
    InputError
        If it is not what `pool` returns, or of one series.

    References
    ----------
    Gelfand AE, Dey DK, Chang H. Model determination using predictive distributions with implementation via sampling-based
    methods. Bayesian Statistics 4 (1992), 147-67. Czado C, Gneiting T, Held L. Predictive model assessment for count data.
    Biometrics 2009;65:1254-61 (randomised PIT).
    """
    whole = _several(posterior, "loo_pit")
    uniform = np.random.default_rng(checked_seed(seed, "seed")).random(whole.events.size)
    found = []
    for i, rest in _without_one(whole.events.size):
        chances, y = of_series(whole, rest).predict(int(whole.totals[i])), int(whole.events[i])
        found.append(float(chances[:y].sum() + uniform[i] * chances[y]))
    return found


@door
def leave_one_out(posterior: Posterior, *, ci_prob: float = 0.95) -> pd.DataFrame:
    """The fit with each series left out in turn: metafor's ``leave1out``, with the new setting.

    Parameters
    ----------
    posterior : Posterior
        A fit of `riskmodel.pool` of two series or more.
    ci_prob : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        One row for all series, where left_out is empty, and one for each left out: left_out, series, events, total, average,
        average_lower, average_upper, mean, lower, upper (of the risk in a new setting), tau (posterior median), ci_prob,
        ci_kind.

    Raises
    ------
    InputError
        If it is not what `pool` returns, or of one series.
    """
    whole = _several(posterior, "leave_one_out")
    parts = [("", whole)]
    parts += [(whole.labels[i], of_series(whole, rest)) for i, rest in _without_one(whole.events.size)]
    return _table("left_out", parts, ci_prob)


@door
def cumulative(posterior: Posterior, order: Any = None, *, ci_prob: float = 0.95) -> pd.DataFrame:
    """The fit as the series come, one after the other: metafor's ``cumul``, with the new setting.

    Parameters
    ----------
    posterior : Posterior
        A fit of `riskmodel.pool`.
    order : sequence, optional
        What to sort the series by, one for each, such as the year; their own order otherwise. Labels of its own are those
        of the series.
    ci_prob : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        One row after each series: added (its label), and the columns of `leave_one_out`.

    Raises
    ------
    InputError
        If it is not what `pool` returns, or `order` is not one sortable value for each series.
    """
    whole = exact(posterior, "cumulative")
    size = whole.events.size
    column = Column(list(range(size))) if order is None else as_column(order, "order")
    values, labels = column.values, list(whole.labels)
    if len(values) != size:
        raise InputError(f"{len(values)} values for {size} series", where="order", remedy="Give one for each series")
    if not column.unlabelled(labels):
        theirs = column._replace(labels=[str(one) for one in column.labels or ()])
        values = aligned({"series": Column(labels, labels), "order": theirs}, "order")[0]["order"]
    for label, value in zip(labels, values, strict=True):
        if is_missing(value):  # what is missing sorts nowhere, and Python does not say so
            remedy = "Give it, or leave the series out"
            raise InputError(f"nothing to sort {label} by", where="order", remedy=remedy)
    try:
        places = sorted(range(size), key=lambda i: values[i])
    except TypeError as reason:
        what = f"it cannot be sorted: {reason}"
        raise InputError(what, where="order", remedy="Give numbers, or texts alone") from None
    parts = [(whole.labels[i], of_series(whole, places[: k + 1])) for k, i in enumerate(places)]
    return _table("added", parts, ci_prob)


def _several(posterior: Posterior, where: str) -> Posterior:
    """The exact fit of two series or more."""
    whole = exact(posterior, where)
    if whole.events.size < 2:
        raise InputError("one series", where=where, remedy="Give a fit of two series or more")
    return whole


def _without_one(size: int) -> Iterator[tuple[int, list[int]]]:
    for i in range(size):
        yield i, [k for k in range(size) if k != i]


def _evidence(whole: Posterior, rest: list[int]) -> float:
    """Log evidence of some of the series; that of none is 0."""
    return of_series(whole, rest).log_evidence if rest else 0.0


def _table(name: str, parts: Sequence[tuple[str, Posterior]], ci_prob: float) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for label, one in parts:
        row: dict[str, Any] = {name: label, "series": one.events.size}
        row |= {"events": int(one.events.sum()), "total": int(one.totals.sum())}
        for prefix, risk in (("average_", one.average), ("", one.new_setting)):
            lower, upper = risk.interval(ci_prob)
            row |= {prefix.rstrip("_") or "mean": risk.mean, f"{prefix}lower": lower, f"{prefix}upper": upper}
        rows.append(row | {"tau": one.tau.median, "ci_prob": ci_prob, "ci_kind": "eti"})
    return pd.DataFrame(rows)
