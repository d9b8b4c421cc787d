"""Many small problems in one call: each distinct one is fitted once, here or in any `concurrent.futures.Executor`.

The order of a problem's series does not matter to the average and to a new setting, and simulations of small series meet the
same counts again and again, so problems are told apart by their sorted counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskmodel._support.checks import checked_series, shown
from riskmodel._support.columns import Column, as_column, as_table
from riskmodel._support.doors import door
from riskmodel._support.executors import Progress, finished
from riskmodel.distributions.bulk import MANY, bulk
from riskmodel.errors import InputError, RiskModelError, UnknownNameError
from riskmodel.inference.pool import pool

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pandas as pd

#: What is told of each problem where nothing is named; the heterogeneity's quantiles take ten times as long as these.
USUAL = ("average", "new_setting")
ESTIMANDS = (*USUAL, "heterogeneity")
#: Problems of one task: many tasks for each worker, and little sent to and fro.
_CHUNK = 25

Key = tuple[tuple[int, int], ...]
_PAIRS = "pairs such as ([20, 10], [21, 11])"


@dataclass(frozen=True)
class Batch:
    """Some problems, as they are sent to a worker."""

    problems: tuple[Key, ...]  # of each its (events, total) pairs, sorted
    prior: Any  # prior, heterogeneity: as `pool` takes them
    heterogeneity: Any
    model: str  # name of the model
    estimands: tuple[str, ...]  # what is told
    ci_prob: float  # probability of the equal-tailed intervals
    many: bool  # whether compiled loops are worth loading


def summarise(batch: Batch) -> list[dict[str, Any]]:
    """Fit some problems."""
    with bulk(batch.many):
        return _summarised(batch)


def _summarised(batch: Batch) -> list[dict[str, Any]]:
    model: Any = batch.model
    found = []
    for problem in batch.problems:
        events, totals = zip(*problem, strict=True)
        try:
            post = pool(events, totals, prior=batch.prior, heterogeneity=batch.heterogeneity, model=model)
            told = {}
            for name in batch.estimands:
                one = getattr(post, name)
                tail = 0.5 * (1 - batch.ci_prob)
                lower, median, upper = one.ppf(np.array([tail, 0.5, 1 - tail])).tolist()
                told[name] = {"mean": one.mean, "sd": one.sd, "median": median, "lower": lower, "upper": upper}
            found.append({"log_evidence": post.log_evidence, "error": post.error.mean, "reason": ""} | told)
        except InputError:
            raise
        except RiskModelError as refusal:
            found.append({"reason": refusal.message})
    return found


@door
def pool_many(
    problems: Mapping[Any, Any] | Iterable[Any],
    *,
    prior: Any = "jeffreys",
    heterogeneity: Any = "default",
    model: str = "beta-binomial",
    estimands: Sequence[str] = USUAL,
    ci_prob: float = 0.95,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Pool many sets of series.

    Parameters
    ----------
    problems : iterable of (array_like, array_like), or mapping of label to these
        Events and totals of each problem's series, each of shape (series,), as `pool` takes them; or a table or texts with
        both, as `pool` takes these.
    prior, heterogeneity : object
        As `pool` takes them.
    model : str
        How risks differ between settings, as `pool` takes it.
    estimands : sequence of str
        Of ``"average"``, ``"new_setting"`` and ``"heterogeneity"``; the quantiles of the last take some 70 ms a problem.
    ci_prob : float
        Probability of the equal-tailed intervals, in (0, 1).
    executor : concurrent.futures.Executor, optional
        Where to work; this process by default. The table is the same.
    progress : callable, optional
        Called with the number of tasks done and of all tasks.

    Returns
    -------
    pandas.DataFrame
        One row for each problem and estimand, in the order given: problem, series, events, total, estimand, mean, sd,
        median, lower, upper, ci_prob, ci_kind, log_evidence, error (of the mean) and reason, why there is no answer.

    Raises
    ------
    InputError
        If counts or priors cannot be used; all problems at fault are named.
    UnknownNameError
        If there is no such estimand.

    Notes
    -----
    From 100 different problems on the loops are compiled ones, by Numba, which comes with PyMC: the same numbers to 1e-11.
    They are compiled at the first call on a machine (some ten seconds) and kept on disk, in the place that Numba finds or
    that ``NUMBA_CACHE_DIR`` names. Where that fails, a RuntimeWarning says so and the work goes on at the plain speed.

    Examples
    --------
    >>> pool_many({"ours": ([20, 10], [21, 11]), "theirs": ([1], [61])})[["problem", "estimand", "mean"]].round(3)
      problem     estimand   mean
    0    ours      average  0.895
    1    ours  new_setting  0.895
    2  theirs      average  0.062
    3  theirs  new_setting  0.062
    """
    import pandas as pd

    if not isinstance(ci_prob, float) or not 0 < ci_prob < 1:
        raise InputError(f"{ci_prob!r} is not in (0, 1)", where="ci_prob", remedy="Give 0.95")
    names = tuple(estimands)
    for name in names:
        if name not in ESTIMANDS:
            raise UnknownNameError("estimand", str(name), ESTIMANDS, where="estimands")
    if not names:
        raise InputError("no estimands", where="estimands", remedy=f"Give some of {', '.join(ESTIMANDS)}")
    keys = _checked(problems)
    distinct = tuple(dict.fromkeys(keys.values()))
    tasks = {
        str(first): Batch(
            distinct[first : first + _CHUNK], prior, heterogeneity, model, names, ci_prob, len(distinct) >= MANY
        )
        for first in range(0, len(distinct), _CHUNK)
    }
    missing: dict[str, str] = {}
    answers: dict[Key, dict[str, Any]] = {}
    tell = progress or (lambda part, of: None)
    tell(0, len(tasks))
    for done, (label, results) in enumerate(finished(summarise, tasks, executor, missing), 1):
        answers.update(zip(tasks[label].problems, results, strict=True))
        tell(done, len(tasks))
    for label, why in missing.items():
        answers.update((problem, {"reason": why}) for problem in tasks[label].problems)
    rows = []
    for label, key in keys.items():
        answer = answers[key]
        shared = {name: answer.get(name, float("nan")) for name in ("log_evidence", "error")}
        for name in names:
            nothing = dict.fromkeys(("mean", "sd", "median", "lower", "upper"), float("nan"))
            rows.append(
                {
                    "problem": label,
                    "series": len(key),
                    "events": sum(events for events, _ in key),
                    "total": sum(total for _, total in key),
                    "estimand": name,
                    **answer.get(name, nothing),
                    "ci_prob": ci_prob,
                    "ci_kind": "eti",
                    **shared,
                    "reason": answer["reason"],
                }
            )
    return pd.DataFrame(rows)


def _checked(problems: Any) -> dict[Any, Key]:
    keys: dict[Any, Key] = {}
    faults = []
    for label, pair in _labelled(problems):
        # Only a pair is taken apart: the two letters of "12" or the two columns of a table are none.
        both = isinstance(pair, (tuple, list)) or (isinstance(pair, np.ndarray) and pair.ndim > 0)
        both = both and len(pair) == 2
        try:
            if not both and not isinstance(pair, (str, Mapping)) and as_table(pair) is None:
                raise TypeError
            y, n, _ = checked_series(*pair) if both else checked_series(pair)
        except InputError as error:
            faults.append(f"problem {label}: {error.where}: {error.what}")
        except (TypeError, ValueError):
            faults.append(f"problem {label}: not a pair of events and totals")
        else:
            keys[label] = tuple(sorted(zip(y.tolist(), n.tolist(), strict=True)))
    if faults:
        shown = "; ".join(faults[:10]) + (f"; and {len(faults) - 10} more" if len(faults) > 10 else "")
        raise InputError(shown, where="problems", remedy=f"Give {_PAIRS}")
    return keys


def _labelled(problems: Any) -> list[tuple[Any, Any]]:
    """Problems with what each is called: its key, its label, or its place."""
    if isinstance(problems, (str, bytes)) or not isinstance(problems, Iterable):
        raise InputError(f"{shown(problems)} is not a list of problems", where="problems", remedy=f"Give {_PAIRS}")
    if as_table(problems) is not None:
        remedy = f"Give {_PAIRS}, such as {{name: (part.events, part.total) for name, part in table.groupby(...)}}"
        raise InputError("one table is not a list of problems", where="problems", remedy=remedy)
    if isinstance(problems, Mapping):
        pairs = list(problems.items())
    else:
        # A problem has one name: its place in a list, its label in a pandas Series.
        column = as_column(problems, "problems") if hasattr(problems, "index") else Column(list(problems))
        pairs = list(zip(column.labels or range(len(column.values)), column.values, strict=True))
    if not pairs:
        raise InputError("no problems", where="problems", remedy="Give at least one pair of events and totals")
    if len({label for label, _ in pairs}) < len(pairs):
        raise InputError("two problems have one label", where="problems", remedy="Give each its own")
    return pairs
